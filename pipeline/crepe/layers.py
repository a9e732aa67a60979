"""CREPE (Kim et al. 2018) as a function whose weights are constants: the `crepe` package's network,
computed another way. Its filters are long (64 taps), so that convolutions are several times cheaper
in the frequency domain. The transforms are matrix products: for CREPE's lengths that is faster on a
CPU than an FFT between two transpositions. Results equal the package's network (tested).
"""

from typing import NamedTuple

import keras
import numpy as np
import scipy.fft
import tensorflow as tf

FRAME = 1024  # samples CREPE looks at
FIRST_STRIDE = 4
CONVOLUTIONS = 6
SILENCE = 1e-4  # standard deviation of a frame: -80 dB, the floor of the loudness scale


class Convolution(NamedTuple):
    """One of CREPE's layers: convolution, ReLU, batch normalization as a gain and an offset."""

    kernel: np.ndarray  # [taps, channels, filters]
    bias: np.ndarray  # [filters]
    gain: np.ndarray
    offset: np.ndarray


def read_convolution(network: keras.Model, number: int) -> Convolution:
    """The weights of the package's layer `number`, from 1."""
    normalization = network.get_layer(f"conv{number}-BN")
    kernel, bias = network.get_layer(f"conv{number}").get_weights()
    gamma, beta, mean, variance = normalization.get_weights()
    gain = gamma / np.sqrt(variance + normalization.epsilon)
    return Convolution(kernel[:, 0], bias, gain, beta - mean * gain)


def convolutional_part(frames: tf.Tensor, layers: list[Convolution]) -> tf.Tensor:
    """Through the first layers, each with its max-pooling: normalized [frames, 1024] -> [frames,
    positions * filters].
    """
    hidden = _finish(
        tf.transpose(first_convolution(frames, layers[0].kernel), [1, 0, 2]), layers[0]
    )
    for layer in layers[1:]:
        hidden = _finish(same_convolution(hidden, layer.kernel), layer)
    return tf.reshape(tf.transpose(hidden, [1, 0, 2]), [-1, hidden.shape[0] * hidden.shape[2]])


def first_convolution(frames: tf.Tensor, kernel: np.ndarray) -> tf.Tensor:
    """Stride 4 over one channel as stride 1 over blocks of four samples: [frames, 1024] ->
    [frames, 256, filters].
    """
    taps, _, filters = kernel.shape
    padding = (taps - FIRST_STRIDE) // 2
    blocks = tf.reshape(
        tf.pad(frames, [[0, 0], [padding, padding]]),
        [-1, (FRAME + 2 * padding) // FIRST_STRIDE, FIRST_STRIDE],
    )
    return tf.nn.conv1d(
        blocks, kernel.reshape(taps // FIRST_STRIDE, FIRST_STRIDE, filters), 1, "VALID"
    )


def same_convolution(hidden: tf.Tensor, kernel: np.ndarray) -> tf.Tensor:
    """Stride 1, zeros beyond the ends: [length, frames, channels] -> [length, frames, filters];
    as `tf.nn.conv1d` with "SAME".
    """
    length, channels, filters = hidden.shape[0], hidden.shape[2], kernel.shape[2]
    frames, size = tf.shape(hidden)[1], length + len(kernel) - 1 + (length + len(kernel) - 1) % 2
    # tensors outside of a graph under construction: inside, TensorFlow spends seconds on copying
    # them about
    with tf.init_scope():
        analysis, synthesis, parts = map(
            tf.constant, (*transforms(length, size), response_parts(kernel, size))
        )
    spectrum = tf.matmul(analysis, tf.reshape(hidden, [length, -1]))
    product = tf.matmul(tf.reshape(spectrum, [parts.shape[0], -1, channels]), parts)
    # parts of the spectrum, parts of the response
    product = tf.reshape(product, [parts.shape[0], 2, frames, 2, filters])
    real = product[:, 0, :, 0] - product[:, 1, :, 1]
    imaginary = product[:, 0, :, 1] + product[:, 1, :, 0]
    convolved = tf.matmul(
        synthesis, tf.reshape(tf.stack([real, imaginary], axis=1), [2 * parts.shape[0], -1])
    )
    return tf.reshape(convolved, [length, frames, filters])


def response_parts(kernel: np.ndarray, size: int) -> np.ndarray:
    """The kernel's frequency response, real parts beside imaginary ones: [taps, channels,
    filters] -> [bins, channels, 2 * filters].
    """
    delay = np.exp(-2j * np.pi * np.arange(size // 2 + 1) * ((len(kernel) - 1) // 2) / size)
    response = scipy.fft.rfft(kernel, size, axis=0).conj() * delay[:, None, None]
    return np.concatenate([response.real, response.imag], axis=2).astype(np.float32)


def transforms(length: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The DFT of `length` samples padded to `size`, and back: [2 * bins, length], [length, 2 *
    bins].

    Rows, and columns, are each bin's real and imaginary part in turn.
    """
    bins = size // 2 + 1
    turns = np.exp(-2j * np.pi * np.outer(np.arange(bins), np.arange(length)) / size)
    # inner bins stand for their mirror image too
    twice = np.where(np.isin(np.arange(bins), [0, size // 2]), 1, 2)[:, None]
    analysis = np.stack([turns.real, turns.imag], axis=1).reshape(2 * bins, length)
    synthesis = (
        (np.stack([turns.real * twice, turns.imag * twice], axis=1) / size)
        .reshape(2 * bins, length)
        .T
    )
    return analysis.astype(np.float32), synthesis.astype(np.float32)


def _finish(convolved: tf.Tensor, layer: Convolution) -> tf.Tensor:
    """What follows a convolution: bias, ReLU, batch normalization, max-pooling by two: [length,
    ...] -> [length / 2, ...].
    """
    normalized = tf.nn.relu(convolved + layer.bias) * layer.gain + layer.offset
    pairs = tf.reshape(normalized, [normalized.shape[0] // 2, 2, -1, normalized.shape[2]])
    return tf.maximum(pairs[:, 0], pairs[:, 1])
