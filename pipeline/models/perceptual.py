"""The perceptual loss of the unsupervised model: distances between activations inside CREPE (paper,
section 4.2, and appendix B). CREPE "small" (Kim et al. 2018) with its published weights up to the
fifth max-pooling, as a plain function whose weights are
constants: no variables that a model could train or save by mistake.
"""

from functools import cache

import tensorflow as tf

from pipeline.crepe.layers import FRAME, SILENCE, Convolution, convolutional_part, read_convolution
from pipeline.crepe.network import load_network

CAPACITY = "small"
LAYERS = 5


def perceptual_loss(target: tf.Tensor, audio: tf.Tensor, frames: int) -> tf.Tensor:
    """L1 distance of CREPE's activations: 2 x [batch, samples] at 16 kHz -> [batch].

    The sum over a frame's 512 activations, the mean over `frames` frames of 1024 samples, each from
    the middle of one of as many equal parts; a part has at least 1024 samples. Frames in which the
    target is silent (below -80 dB) count as 0.
    """
    of_target, of_audio = sparse_frames(target, frames), sparse_frames(audio, frames)
    distance = tf.reduce_sum(tf.abs(embeddings(of_target) - embeddings(of_audio)), axis=1)
    heard = tf.cast(tf.math.reduce_std(of_target, axis=1) > SILENCE, distance.dtype)
    return tf.reduce_mean(tf.reshape(distance * heard, [-1, frames]), axis=1)


def sparse_frames(audio: tf.Tensor, frames: int) -> tf.Tensor:
    """The middle 1024 samples of each of `frames` equal parts: [batch, samples] -> [batch *
    frames, 1024].
    """
    part = tf.shape(audio)[1] // frames
    start = (part - FRAME) // 2
    parts = tf.reshape(audio[:, : frames * part], [-1, part])
    return tf.ensure_shape(parts[:, start : start + FRAME], [None, FRAME])


def embeddings(frames: tf.Tensor) -> tf.Tensor:
    """CREPE's activations after the fifth max-pooling: [frames, 1024] -> [frames, 512].

    Frames are normalized as for CREPE, to mean 0 and variance 1; the floor keeps the gradient
    finite in silence.
    """
    centred = frames - tf.reduce_mean(frames, axis=1, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axis=1, keepdims=True)
    return convolutional_part(centred * tf.math.rsqrt(variance + SILENCE**2), read_layers())


@cache
def read_layers() -> list[Convolution]:
    """CREPE's first layers. Read them before a training step is traced: TensorFlow traces anew
    what makes variables, as Keras does here.
    """
    with tf.init_scope():  # the first call may stand in a graph, where variables have no values
        network = load_network(CAPACITY)
        return [read_convolution(network, number) for number in range(1, LAYERS + 1)]
