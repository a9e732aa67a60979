"""The perceptual loss of the unsupervised model: a distance between activations of CREPE (paper,
section 4.2 and appendix B). It uses CREPE "small" (Kim et al. 2018) with its published weights up
to the fifth max-pooling, as a plain function of constants: there are no variables that a model
could train or save by mistake.
"""

from functools import cache

import tensorflow as tf

from pipeline.crepe.layers import FRAME, SILENCE, Convolution, convolutional_part, read_convolution
from pipeline.crepe.network import load_network

CAPACITY = "small"
LAYERS = 5


def perceptual_loss(target: tf.Tensor, audio: tf.Tensor, frames: int) -> tf.Tensor:
    """Compute the L1 distance between CREPE activations: 2 x [batch, samples] at 16 kHz -> [batch].

    The distance is summed over a frame's 512 activations and averaged over `frames` frames of 1024
    samples (`sparse_frames`). Frames in which the target is silent (below -80 dB) count as 0.
    """
    target_frames = sparse_frames(target, frames)
    audio_frames = sparse_frames(audio, frames)
    distance = tf.reduce_sum(tf.abs(embeddings(target_frames) - embeddings(audio_frames)), axis=1)
    audible = tf.cast(tf.math.reduce_std(target_frames, axis=1) > SILENCE, distance.dtype)
    return tf.reduce_mean(tf.reshape(distance * audible, [-1, frames]), axis=1)


def sparse_frames(audio: tf.Tensor, frames: int) -> tf.Tensor:
    """Cut the audio into `frames` equal parts and return the middle 1024 samples of each: [batch,
    samples] -> [batch * frames, 1024]. A part must have at least 1024 samples.
    """
    part = tf.shape(audio)[1] // frames
    start = (part - FRAME) // 2
    parts = tf.reshape(audio[:, : frames * part], [-1, part])
    return tf.ensure_shape(parts[:, start : start + FRAME], [None, FRAME])


def embeddings(frames: tf.Tensor) -> tf.Tensor:
    """Compute CREPE's activations after the fifth max-pooling: [frames, 1024] -> [frames, 512].

    CREPE expects frames of mean 0 and variance 1; a floor under the variance keeps the gradient
    finite in silence.
    """
    centred = frames - tf.reduce_mean(frames, axis=1, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axis=1, keepdims=True)
    return convolutional_part(centred * tf.math.rsqrt(variance + SILENCE**2), read_layers())


@cache
def read_layers() -> list[Convolution]:
    """Read CREPE's convolutions up to the fifth max-pooling.

    Call this before a training step is traced: Keras creates variables here, and TensorFlow traces
    a function that creates variables a second time.
    """
    with tf.init_scope():  # inside a graph, variables would have no values
        network = load_network(CAPACITY)
        return [read_convolution(network, number) for number in range(1, LAYERS + 1)]
