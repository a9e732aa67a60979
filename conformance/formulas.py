"""Closed forms in float64, as plain as their equations. They take and return tensors, so that
TensorFlow differentiates them.
"""

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from pipeline.common.units import HOP, SAMPLE_RATE

TWO_PI = 2 * math.pi


def exp_sigmoid(x: tf.Tensor) -> tf.Tensor:
    """2 sigmoid(x)^(ln 10) + 1e-7 (paper, appendix B.5)."""
    return 2 * tf.sigmoid(x) ** math.log(10) + 1e-7


def upsampled(frames: tf.Tensor, factor: int = HOP) -> tf.Tensor:
    """Linear interpolation, the last frame held: [batch, frames, channels] -> [batch, frames *
    factor, channels].
    """
    return _overlapped(frames, factor, _triangle)


def smoothed(frames: tf.Tensor, window: str = "hann") -> tf.Tensor:
    """Overlapping windows of two hops centred on each frame, the last frame held: `hamming` as the
    paper says, `hann` as the authors' code has it.
    """
    return _overlapped(frames, HOP, {"hann": _hann, "hamming": _hamming}[window])


def _overlapped(frames: tf.Tensor, factor: int, window: Callable) -> tf.Tensor:
    """Add each frame times a window around it; `window` maps distances in hops to weights."""
    following = tf.concat([frames[:, 1:], frames[:, -1:]], axis=1)
    distance = np.arange(factor)[:, None] / factor
    parts = [
        part[:, :, None] * tf.constant(window(x), frames.dtype)
        for part, x in ((frames, distance), (following, distance - 1))
    ]
    return tf.reshape(parts[0] + parts[1], [frames.shape[0], -1, frames.shape[-1]])


def _triangle(x: np.ndarray) -> np.ndarray:
    return 1 - np.abs(x)


def _hann(x: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.cos(np.pi * x)


def _hamming(x: np.ndarray) -> np.ndarray:
    return 0.54 + 0.46 * np.cos(np.pi * x)


def phase(f0_hz: tf.Tensor) -> tf.Tensor:
    """Phase of the fundamental in cycles, not wrapped: [batch, frames] -> [batch, frames * 64]."""
    return tf.cumsum(upsampled(f0_hz[..., None])[..., 0], axis=1) / SAMPLE_RATE


def harmonics(
    f0_hz: tf.Tensor, amplitude: tf.Tensor, distribution: tf.Tensor, window: str = "hann"
) -> tf.Tensor:
    """sum_k A(n) c_k(n) sin(2 pi k phi(n)) (paper, section 3.2): [batch, samples]."""
    numbers = tf.range(1, distribution.shape[-1] + 1, dtype=tf.float64)
    waves = tf.sin(TWO_PI * numbers * phase(f0_hz)[..., None])
    amplitudes = amplitude[..., None] * distribution
    envelopes = upsampled(amplitudes) if window == "linear" else smoothed(amplitudes, window)
    return tf.reduce_sum(envelopes * waves, axis=-1)


def sines(cycles: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """sum_k w_k sin(2 pi k phi): [..., samples], [..., vectors, harmonics] -> [..., vectors,
    samples].
    """
    numbers = tf.range(1, weights.shape[-1] + 1, dtype=tf.float64)
    waves = tf.sin(TWO_PI * numbers[:, None] * cycles[..., None, :])
    return tf.einsum("...vk,...kn->...vn", weights, waves)


def filters(bands: int) -> np.ndarray:
    """Frequency sampling: the cosines of each band, Hann-windowed, centred on tap bands - 1."""
    taps = 2 * (bands - 1)
    time = np.arange(taps) - taps // 2
    fold = np.where((np.arange(bands) == 0) | (np.arange(bands) == bands - 1), 1, 2)[:, None]
    cosines = np.cos(TWO_PI * np.arange(bands)[:, None] * time / taps)
    return fold * cosines / taps * (0.5 + 0.5 * np.cos(TWO_PI * time / taps))


def filtered_noise(noise: tf.Tensor, magnitudes: tf.Tensor) -> tf.Tensor:
    """Each hop convolved with its frame's filter in the time domain, without the filters' delay."""
    bands = magnitudes.shape[-1]
    responses = tf.einsum("btk,kn->btn", magnitudes, filters(bands))
    taps = responses.shape[-1]
    hops = tf.reshape(noise, [noise.shape[0], -1, HOP])
    shift = np.zeros([HOP, taps, HOP + taps - 1])
    shift[np.arange(HOP)[:, None], np.arange(taps), np.add.outer(range(HOP), range(taps))] = 1
    filtered = tf.einsum("bti,btj,ijn->btn", hops, responses, shift)
    return tf.signal.overlap_and_add(filtered, HOP)[:, bands - 1 : bands - 1 + noise.shape[1]]


def convolution(audio: tf.Tensor, response: tf.Tensor) -> tf.Tensor:
    """Causal convolution without the tail: [batch, samples], [taps] -> [batch, samples]."""
    padded = tf.pad(audio, [[0, 0], [response.shape[0] - 1, 0]])[..., None]
    return tf.nn.conv1d(padded, response[::-1, None, None], 1, "VALID")[..., 0]


def spectrum(frames: tf.Tensor) -> tf.Tensor:
    """Windowed DFT as a sum: [..., size] -> complex [..., size / 2 + 1]."""
    size = frames.shape[-1]
    time = np.arange(size)
    hann = 0.5 - 0.5 * np.cos(TWO_PI * time / size)
    angles = TWO_PI * np.outer(time, np.arange(size // 2 + 1)) / size
    return tf.complex(
        tf.tensordot(frames, hann[:, None] * np.cos(angles), 1),
        tf.tensordot(frames, -hann[:, None] * np.sin(angles), 1),
    )


def cut(audio: tf.Tensor, size: int, hop: int, before: int = 0) -> tf.Tensor:
    """Frames that begin `before` samples ahead of every hop: [batch, ceil(samples / hop), size]."""
    count = -(-audio.shape[1] // hop)
    padded = tf.pad(audio, [[0, 0], [before, size]])
    starts = np.arange(count)[:, None] * hop + np.arange(size)
    return tf.gather(padded, starts, axis=1)


def spectral_loss(
    target: tf.Tensor, audio: tf.Tensor, sizes: tuple[int, ...], alpha: float, epsilon: float = 1e-5
) -> tf.Tensor:
    """The paper's equation 4 with means, epsilon added to magnitudes: [batch]."""
    total = 0.0
    for size in sizes:
        ours, theirs = (tf.abs(spectrum(cut(x, size, size // 4))) for x in (audio, target))
        total += tf.reduce_mean(tf.abs(theirs - ours), axis=[1, 2])
        logs = tf.math.log(theirs + epsilon) - tf.math.log(ours + epsilon)
        total += alpha * tf.reduce_mean(tf.abs(logs), axis=[1, 2])
    return total


def gru(x: tf.Tensor, kernel: tf.Tensor, recurrent: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """h_t = z h_(t-1) + (1 - z) n, step by step: [batch, frames, channels] -> [batch, frames,
    units]; `bias` [2, 3 * units] for inputs and state.
    """
    given = tf.tensordot(x, kernel, 1) + bias[0]
    state = tf.zeros([x.shape[0], recurrent.shape[0]], x.dtype)
    states = []
    for frame in range(x.shape[1]):
        p_z, p_r, p_n = tf.split(given[:, frame], 3, axis=-1)
        h_z, h_r, h_n = tf.split(tf.matmul(state, recurrent) + bias[1], 3, axis=-1)
        z = tf.sigmoid(p_z + h_z)
        state = z * state + (1 - z) * tf.tanh(p_n + tf.sigmoid(p_r + h_r) * h_n)
        states.append(state)
    return tf.stack(states, axis=1)


def dense_layer(x: tf.Tensor, weights: list, epsilon: float, slope: float) -> tf.Tensor:
    """Dense layer, layer normalization and (leaky) ReLU; weights: kernel, bias, gain, shift."""
    kernel, bias, gain, shift = weights
    hidden = tf.tensordot(x, tf.constant(kernel, x.dtype), 1) + tf.constant(bias, x.dtype)
    mean, variance = tf.nn.moments(hidden, [-1], keepdims=True)
    normalized = (hidden - mean) / tf.sqrt(variance + epsilon)
    return tf.nn.leaky_relu(
        normalized * tf.constant(gain, x.dtype) + tf.constant(shift, x.dtype), slope
    )


def mlp(x: tf.Tensor, weights: list, epsilon: float = 1e-6, slope: float = 0.0) -> tf.Tensor:
    """Layers one after another; `weights` hold four arrays per layer."""
    for first in range(0, len(weights), 4):
        x = dense_layer(x, weights[first : first + 4], epsilon, slope)
    return x


def midi(hz: tf.Tensor) -> tf.Tensor:
    """69 + 12 log2(f / 440)."""
    return 69 + 12 * tf.math.log(hz / 440) / math.log(2)
