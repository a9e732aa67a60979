"""The perceptual loss of the unsupervised model: a distance between activations of CREPE (paper,
section 4.2 and appendix B). It uses CREPE "small" (Kim et al. 2018) with its published weights up
to the fifth max-pooling, as a plain function of constants: there are no variables that a model
could train or save by mistake.
"""

from collections.abc import Iterable
from functools import cache

import numpy as np
import tensorflow as tf

from pipeline.crepe.layers import FRAME, SILENCE, Convolution, convolutional_part, read_convolution
from pipeline.crepe.network import load_network

CAPACITY = "small"
LAYERS = 5


def perceptual_loss(target: tf.Tensor, audio: tf.Tensor, frames: int) -> tf.Tensor:
    """Compute the L1 distance between CREPE activations: 2 x [batch, samples] at 16 kHz -> [batch].

    The distance is the mean over a frame's 512 activations and over `frames` frames of 1024 samples
    (`sparse_frames`). Frames in which the target is silent (below -80 dB) count as 0.
    """
    target_frames = sparse_frames(target, frames)
    audio_frames = sparse_frames(audio, frames)
    distance = tf.reduce_mean(tf.abs(embeddings(target_frames) - embeddings(audio_frames)), axis=1)
    audible = tf.cast(_is_audible(target_frames), distance.dtype)
    return tf.reduce_mean(tf.reshape(distance * audible, [-1, frames]), axis=1)


def random_pair_distance(batches: Iterable[tf.Tensor], frames: int) -> float:
    """Measure the mean distance between CREPE activations of different recordings: the unit of the
    perceptual loss.

    Args:
        batches: audio in random order, [batch, samples] each. Each example is compared with its
            predecessor in the batch.
        frames: frames per example (`sparse_frames`); those in which either is silent do not count.

    Returns:
        The mean absolute difference per activation.

    Raises:
        ValueError: no two audible frames can be compared.
    """
    distances = []
    for audio in batches:
        cut = sparse_frames(audio, frames)
        activations = embeddings(cut)
        distance = tf.reduce_mean(
            tf.abs(activations - tf.roll(activations, frames, axis=0)), axis=1
        )
        audible = _is_audible(cut)
        counted = audible & tf.roll(audible, frames, axis=0)
        if len(audio) > 1:
            distances.append(tf.boolean_mask(distance, counted).numpy())
    found = np.concatenate([[], *distances])
    if not found.size:
        raise ValueError("no two audible examples to compare")
    return float(found.mean())


def _is_audible(frames: tf.Tensor) -> tf.Tensor:
    """Tell which frames are above -80 dB: [frames, 1024] -> bool [frames]."""
    return tf.math.reduce_std(frames, axis=1) > SILENCE


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
