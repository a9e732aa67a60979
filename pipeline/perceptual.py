"""The perceptual loss of the unsupervised model: distances between activations inside CREPE (paper, section 4.2, and appendix B).

CREPE "small" (Kim et al. 2018) with its published weights up to the fifth max-pooling, as a plain function whose weights are
constants: no variables that a model could train or save by mistake.
"""

from functools import cache
from typing import NamedTuple

import h5py
import numpy as np
import tensorflow as tf

from pipeline.f0 import FRAME, SILENCE, find_weights

CAPACITY = "small"
LAYERS = 5
FIRST_STRIDE = 4
NORMALIZATION_EPSILON = 1e-3  # of Keras's batch normalization


class Convolution(NamedTuple):
    """One of CREPE's layers: convolution, ReLU, batch normalization as a gain and an offset."""

    kernel: np.ndarray  # [taps, channels, filters]
    bias: np.ndarray  # [filters]
    gain: np.ndarray
    offset: np.ndarray


def perceptual_loss(target: tf.Tensor, audio: tf.Tensor, frames: int) -> tf.Tensor:
    """L1 distance of CREPE's activations: 2 x [batch, samples] at 16 kHz -> [batch].

    The sum over a frame's 512 activations, the mean over `frames` frames of 1024 samples, each from the middle of one of as
    many equal parts; a part has at least 1024 samples. Frames in which the target is silent (below -80 dB) count as 0.
    """
    of_target, of_audio = sparse_frames(target, frames), sparse_frames(audio, frames)
    distance = tf.reduce_sum(tf.abs(embeddings(of_target) - embeddings(of_audio)), axis=1)
    heard = tf.cast(tf.math.reduce_std(of_target, axis=1) > SILENCE, distance.dtype)
    return tf.reduce_mean(tf.reshape(distance * heard, [-1, frames]), axis=1)


def sparse_frames(audio: tf.Tensor, frames: int) -> tf.Tensor:
    """The middle 1024 samples of each of `frames` equal parts: [batch, samples] -> [batch * frames, 1024]."""
    part = tf.shape(audio)[1] // frames
    start = (part - FRAME) // 2
    parts = tf.reshape(audio[:, : frames * part], [-1, part])
    return tf.ensure_shape(parts[:, start : start + FRAME], [None, FRAME])


def embeddings(frames: tf.Tensor) -> tf.Tensor:
    """CREPE's activations after the fifth max-pooling: [frames, 1024] -> [frames, 512].

    Frames are normalized as for CREPE, to mean 0 and variance 1; the floor keeps the gradient finite in silence.
    """
    mean, variance = tf.nn.moments(frames, axes=[1], keepdims=True)
    first, *others = crepe_layers()
    hidden = _finish(_first_convolution((frames - mean) * tf.math.rsqrt(variance + SILENCE**2), first), first)
    for layer in others:
        hidden = _finish(_same_convolution(hidden, layer), layer)
    return tf.reshape(hidden, [-1, hidden.shape[1] * hidden.shape[2]])


def _first_convolution(frames: tf.Tensor, layer: Convolution) -> tf.Tensor:
    """Stride 4 over one channel as stride 1 over blocks of four samples: [frames, 1024] -> [frames, 256, filters]."""
    taps, _, filters = layer.kernel.shape
    padding = (taps - FIRST_STRIDE) // 2
    blocks = tf.reshape(tf.pad(frames, [[0, 0], [padding, padding]]), [-1, (FRAME + 2 * padding) // FIRST_STRIDE, FIRST_STRIDE])
    return correlation(blocks, layer.kernel.reshape(taps // FIRST_STRIDE, FIRST_STRIDE, filters))


def _same_convolution(hidden: tf.Tensor, layer: Convolution) -> tf.Tensor:
    """Stride 1 with zeros beyond the ends: [frames, length, channels] -> [frames, length, filters]."""
    before = (len(layer.kernel) - 1) // 2
    return correlation(tf.pad(hidden, [[0, 0], [before, len(layer.kernel) - 1 - before], [0, 0]]), layer.kernel)


def correlation(signal: tf.Tensor, kernel: np.ndarray) -> tf.Tensor:
    """What `tf.nn.conv1d` computes without padding, by FFT: [frames, length, channels] -> [frames, length - taps + 1, filters].

    CREPE's filters are long: with its gradient this takes a quarter of `conv1d`'s time on a CPU in the dearest layer, the second.
    """
    length = signal.shape[1]
    size = length + length % 2
    spectrum = tf.signal.rfft(tf.transpose(signal, [0, 2, 1]), [size])
    response = np.fft.rfft(kernel, size, axis=0).conj()  # [bins, channels, filters]
    parts = (part.astype(np.float32) for part in (response.real, response.imag))  # a graph takes complex constants in slowly
    product = tf.matmul(tf.transpose(spectrum, [2, 0, 1]), tf.complex(*parts))
    correlated = tf.signal.irfft(tf.transpose(product, [1, 2, 0]), [size])
    return tf.transpose(correlated, [0, 2, 1])[:, : length - len(kernel) + 1]


def _finish(convolved: tf.Tensor, layer: Convolution) -> tf.Tensor:
    """What follows a convolution: bias, ReLU, batch normalization, max-pooling by two."""
    normalized = tf.nn.relu(convolved + layer.bias) * layer.gain + layer.offset
    return tf.nn.max_pool1d(normalized, 2, 2, "VALID")


@cache
def crepe_layers() -> tuple[Convolution, ...]:
    """The published weights of the first five layers."""
    with h5py.File(find_weights(CAPACITY)) as file:
        return tuple(_read_layer(file, f"conv{number}") for number in range(1, LAYERS + 1))


def _read_layer(file: h5py.File, name: str) -> Convolution:
    (convolution,), (normalization,) = file[name].values(), file[f"{name}-BN"].values()
    kernel, bias = (convolution[f"{part}:0"][()] for part in ("kernel", "bias"))
    parts = ("gamma", "beta", "moving_mean", "moving_variance")
    gamma, beta, mean, variance = (normalization[f"{part}:0"][()] for part in parts)
    gain = gamma / np.sqrt(variance + NORMALIZATION_EPSILON)
    return Convolution(kernel.reshape(len(kernel), -1, len(bias)), bias, gain, beta - mean * gain)
