"""The layers of CREPE (Kim et al. 2018), with constant weights and fast convolutions.

CREPE's filters are long (64 taps), so that convolutions are several times cheaper in the frequency
domain. The transforms are matrix products: at CREPE's lengths these are faster on a CPU than an FFT
between two transpositions. Tests compare the results with the `crepe` package's network.
"""

from typing import NamedTuple

import keras
import numpy as np
import scipy.fft
import tensorflow as tf

FRAME = 1024  # samples per input frame
FIRST_STRIDE = 4
CONVOLUTIONS = 6
SILENCE = 1e-4  # standard deviation of a frame: -80 dB, the floor of the loudness scale


class Convolution(NamedTuple):
    """A layer of CREPE: convolution, ReLU, and batch normalization as a gain and an offset."""

    kernel: np.ndarray  # [taps, channels, filters]
    bias: np.ndarray  # [filters]
    gain: np.ndarray
    offset: np.ndarray


def read_convolution(network: keras.Model, number: int) -> Convolution:
    """Read the weights of the package's layer `number`, counted from 1."""
    normalization = network.get_layer(f"conv{number}-BN")
    kernel, bias = network.get_layer(f"conv{number}").get_weights()
    gamma, beta, mean, variance = normalization.get_weights()
    gain = gamma / np.sqrt(variance + normalization.epsilon)
    return Convolution(kernel[:, 0], bias, gain, beta - mean * gain)


def convolutional_part(frames: tf.Tensor, layers: list[Convolution]) -> tf.Tensor:
    """Apply the convolutional layers with their max-pooling.

    Args:
        frames: normalized samples, [frames, 1024].
        layers: the layers.

    Returns:
        [frames, positions * filters].
    """
    convolved = tf.transpose(first_convolution(frames, layers[0].kernel), [1, 0, 2])
    hidden = _activate_and_pool(convolved, layers[0])
    for layer in layers[1:]:
        hidden = _activate_and_pool(same_convolution(hidden, layer.kernel), layer)
    return tf.reshape(tf.transpose(hidden, [1, 0, 2]), [-1, hidden.shape[0] * hidden.shape[2]])


def first_convolution(frames: tf.Tensor, kernel: np.ndarray) -> tf.Tensor:
    """Convolve with stride 4, as stride 1 over blocks of four samples.

    Args:
        frames: normalized samples, [frames, 1024].
        kernel: [taps, 1, filters].

    Returns:
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
    """Convolve with stride 1 and zero padding, as `tf.nn.conv1d` does with "SAME".

    Args:
        hidden: [length, frames, channels].
        kernel: [taps, channels, filters].

    Returns:
        [length, frames, filters].
    """
    length, channels = hidden.shape[0], hidden.shape[2]
    filters = kernel.shape[2]
    frames = tf.shape(hidden)[1]
    full = length + len(kernel) - 1
    size = full + full % 2
    # constants are created outside the graph, inside which TensorFlow spends seconds copying them
    with tf.init_scope():
        analysis, synthesis = map(tf.constant, transforms(length, size))
        parts = tf.constant(response_parts(kernel, size))
    spectrum = tf.matmul(analysis, tf.reshape(hidden, [length, -1]))
    product = tf.matmul(tf.reshape(spectrum, [parts.shape[0], -1, channels]), parts)
    # real and imaginary parts of the spectrum, then of the response
    product = tf.reshape(product, [parts.shape[0], 2, frames, 2, filters])
    real = product[:, 0, :, 0] - product[:, 1, :, 1]
    imaginary = product[:, 0, :, 1] + product[:, 1, :, 0]
    convolved = tf.matmul(
        synthesis, tf.reshape(tf.stack([real, imaginary], axis=1), [2 * parts.shape[0], -1])
    )
    return tf.reshape(convolved, [length, frames, filters])


def response_parts(kernel: np.ndarray, size: int) -> np.ndarray:
    """Return a kernel's frequency response, real parts followed by imaginary ones.

    Args:
        kernel: [taps, channels, filters].
        size: the length of the transform.

    Returns:
        [bins, channels, 2 * filters].
    """
    delay = np.exp(-2j * np.pi * np.arange(size // 2 + 1) * ((len(kernel) - 1) // 2) / size)
    response = scipy.fft.rfft(kernel, size, axis=0).conj() * delay[:, None, None]
    return np.concatenate([response.real, response.imag], axis=2).astype(np.float32)


def transforms(length: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the DFT of `length` samples padded to `size`, and its inverse, as matrices.

    Returns:
        analysis: [2 * bins, length]; its rows are each bin's real and imaginary part in turn.
        synthesis: [length, 2 * bins], with columns in the same order.
    """
    bins = size // 2 + 1
    turns = np.exp(-2j * np.pi * np.outer(np.arange(bins), np.arange(length)) / size)
    # inner bins also stand for their mirror images
    twice = np.where(np.isin(np.arange(bins), [0, size // 2]), 1, 2)[:, None]
    analysis = np.stack([turns.real, turns.imag], axis=1).reshape(2 * bins, length)
    inverse = np.stack([turns.real * twice, turns.imag * twice], axis=1) / size
    synthesis = inverse.reshape(2 * bins, length).T
    return analysis.astype(np.float32), synthesis.astype(np.float32)


def _activate_and_pool(convolved: tf.Tensor, layer: Convolution) -> tf.Tensor:
    """Apply bias, ReLU, batch normalization and max-pooling: [length, ...] to [length / 2, ...]."""
    normalized = tf.nn.relu(convolved + layer.bias) * layer.gain + layer.offset
    pairs = tf.reshape(normalized, [normalized.shape[0] // 2, 2, -1, normalized.shape[2]])
    return tf.maximum(pairs[:, 0], pairs[:, 1])
