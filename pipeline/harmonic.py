"""The harmonic synthesizer (paper, section 3.2 and appendix B.5): pure functions of TensorFlow tensors.

Speed comes from two facts. The phase is needed once per sample, not once per sample and harmonic: within a frame f0 is
linear, so the phase is a closed form on top of the frame's start phase. And sin(k phi) for all k need not be tabulated:
with k = a + m b, e^(ik phi) = e^(ia phi) e^(imb phi), so a weighted sum of K harmonics costs about 2 sqrt(K) sinusoids
and one small matrix product.
"""

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from pipeline.units import HOP, SAMPLE_RATE

TWO_PI = 2 * math.pi
CHUNK = 512  # frames whose harmonics are summed at a time, see `in_chunks`


def upsample_linear(frames: tf.Tensor, factor: int) -> tf.Tensor:
    """Linear interpolation in time: [batch, frames, channels] -> [batch, frames * factor, channels].

    Frame t stays at position t * factor; the last frame is held.
    """
    following = next_frame(frames)
    ramp = tf.cast(tf.range(factor), frames.dtype)[None, None, :, None] / factor
    fine = frames[:, :, None, :] + (following - frames)[:, :, None, :] * ramp
    shape = tf.shape(frames)
    return tf.reshape(fine, [shape[0], shape[1] * factor, frames.shape[-1]])


def next_frame(frames: tf.Tensor) -> tf.Tensor:
    """Each frame's successor along axis 1; the last is its own."""
    return tf.concat([frames[:, 1:], frames[:, -1:]], axis=1)


@tf.custom_gradient
def phase_cycles(f0_hz: tf.Tensor):
    """Phase of the fundamental in cycles, modulo 1: [batch, frames] Hz -> [batch, frames, 64].

    phi(n) = sum of f0(m) / rate over m <= n, with f0 linear between frames (the paper's phase equation without its
    initial phase). Whole cycles are dropped, and the sum over frames is in float64, so that
    the error does not grow with time.

    The gradient is written out: TensorFlow's own sums six shared ones, in any order (`devices.fix_order_of_sums`).
    """
    f0, following = tf.cast(f0_hz, tf.float64), tf.cast(next_frame(f0_hz), tf.float64)
    per_frame = (f0 + (following - f0) * (HOP - 1) / (2 * HOP)) * HOP / SAMPLE_RATE
    start = tf.cast(tf.math.floormod(tf.cumsum(per_frame, axis=1, exclusive=True), 1.0), f0_hz.dtype)
    n = tf.range(HOP, dtype=f0_hz.dtype)
    slope = (next_frame(f0_hz) - f0_hz) / HOP
    within = (f0_hz[..., None] * (n + 1) + slope[..., None] * n * (n + 1) / 2) / SAMPLE_RATE
    return tf.math.floormod(start[..., None] + within, 1.0), phase_gradient


def phase_gradient(upstream: tf.Tensor) -> tf.Tensor:
    """The gradient of `phase_cycles`: from its output's, [batch, frames, 64], to that of f0, [batch, frames]."""
    share = tf.constant([1 + 1 / HOP, 1 - 1 / HOP], tf.float64) / 2 * HOP / SAMPLE_RATE  # of a frame's f0 and of the next one's
    later = tf.cumsum(tf.reduce_sum(tf.cast(upstream, tf.float64), axis=-1), axis=1, exclusive=True, reverse=True)
    n = tf.range(HOP, dtype=upstream.dtype)
    of_next = n * (n + 1) / (2 * HOP)
    within = tf.tensordot(upstream, tf.stack([n + 1 - of_next, of_next], axis=1) / SAMPLE_RATE, 1)
    of_this, of_next = tf.unstack(tf.cast(later[..., None] * share, upstream.dtype) + within, axis=-1)
    moved = tf.pad(of_next, [[0, 0], [1, 0]])  # to the frame it belongs to; the last frame is its own successor
    return of_this + tf.concat([moved[:, :-2], moved[:, -2:-1] + moved[:, -1:]], axis=1)


def remove_above_nyquist(f0_hz: tf.Tensor, amplitudes: tf.Tensor) -> tf.Tensor:
    """Silence harmonics that reach Nyquist anywhere in the span a frame's smoothing window covers.

    Args:
        f0_hz: [batch, frames] Hz.
        amplitudes: [batch, frames, harmonics].
    """
    previous = tf.concat([f0_hz[:, :1], f0_hz[:, :-1]], axis=1)
    highest = tf.maximum(tf.maximum(previous, f0_hz), next_frame(f0_hz))
    numbers = tf.range(1, amplitudes.shape[-1] + 1, dtype=f0_hz.dtype)
    return tf.where(highest[..., None] * numbers < SAMPLE_RATE / 2, amplitudes, tf.zeros_like(amplitudes))


def normalized_distribution(f0_hz: tf.Tensor, distribution: tf.Tensor) -> tf.Tensor:
    """Harmonic distribution c_k with c_k >= 0 and sum 1, silent above Nyquist: [batch, frames, harmonics]."""
    audible = remove_above_nyquist(f0_hz, distribution)
    return tf.math.divide_no_nan(audible, tf.reduce_sum(audible, axis=-1, keepdims=True))


def hann_envelope(dtype: tf.DType = tf.float32) -> tf.Tensor:
    """Weights of this frame and of the next over a hop: [2, 64], a Hann window of two hops that overlaps to 1.

    The paper names a Hamming window; the authors' code uses Hann, as here.
    """
    falling = 0.5 * (1 + tf.cos(math.pi * tf.range(HOP, dtype=dtype) / HOP))
    return tf.stack([falling, 1 - falling])


def linear_envelope(dtype: tf.DType = tf.float32) -> tf.Tensor:
    """Weights of this frame and of the next over a hop, without a smoothing window: [2, 64], a straight line between frames."""
    rising = tf.range(HOP, dtype=dtype) / HOP
    return tf.stack([1 - rising, rising])


def harmonic_synthesis(
    f0_hz: tf.Tensor, amplitude: tf.Tensor, distribution: tf.Tensor, envelope: Callable[[tf.DType], tf.Tensor] = hann_envelope
) -> tf.Tensor:
    """x(n) = A(n) sum_k c_k(n) sin(2 pi k phi(n)), the paper's harmonic oscillator.

    Args:
        f0_hz: [batch, frames] Hz at 250 Hz.
        amplitude: [batch, frames] linear.
        distribution: [batch, frames, harmonics], c_k, from `normalized_distribution`.
        envelope: how amplitudes go from one frame to the next.

    Returns:
        audio: [batch, frames * 64]; the last frame's envelope is held.
    """
    amplitudes = amplitude[..., None] * distribution
    both = tf.stack([amplitudes, next_frame(amplitudes)], axis=2)  # [batch, frames, 2, harmonics]
    partial_sums = sum_of_sines(phase_cycles(f0_hz), both)
    audio = tf.reduce_sum(partial_sums * envelope(f0_hz.dtype), axis=2)
    return tf.reshape(audio, [tf.shape(f0_hz)[0], -1])


@tf.custom_gradient
def sum_of_sines(cycles: tf.Tensor, weights: tf.Tensor):
    """sum_k w_k sin(2 pi k phi) for every weight vector: the two-level sum of the module's docstring.

    The gradient is written out, and computes the sinusoids anew instead of keeping them.

    Args:
        cycles: [batch, frames, samples] phase of the fundamental.
        weights: [batch, frames, vectors, harmonics], harmonic k = 1 first.

    Returns:
        [batch, frames, vectors, samples]
    """

    def gradient(upstream):
        """With respect to phase and weights."""
        to_cycles, to_weights = in_chunks(sines_gradient, (cycles, weights, upstream), (cycles.dtype, weights.dtype))
        return tf.reshape(to_cycles, tf.shape(cycles)), tf.reshape(to_weights, tf.shape(weights))

    sums = in_chunks(sines, (cycles, weights), cycles.dtype)
    return tf.reshape(sums, [*tf.unstack(tf.shape(weights)[:2]), weights.shape[2], cycles.shape[-1]]), gradient


def in_chunks(function: Callable, tensors: tuple[tf.Tensor, ...], dtypes: Any) -> Any:
    """`function` of all frames, CHUNK at a time: tensors of [batch, frames, ...] to those of [batch * frames, ...].

    Tensors of all harmonics and samples then stay in the processor's cache, however long or many the examples are.
    """
    count = tf.reduce_prod(tf.shape(tensors[0])[:2])

    def split(tensor):
        """[batch, frames, ...] -> [chunks, CHUNK, ...], filled up with zeros."""
        flat = tf.reshape(tensor, [-1, *tensor.shape[2:]])
        padded = tf.pad(flat, [[0, -count % CHUNK]] + [[0, 0]] * (flat.shape.rank - 1))
        return tf.reshape(padded, [-1, CHUNK, *tensor.shape[2:]])

    chunks = tf.map_fn(lambda parts: function(*parts), tuple(map(split, tensors)), fn_output_signature=dtypes)
    return tf.nest.map_structure(lambda result: tf.reshape(result, [-1, *result.shape[2:]])[:count], chunks)


def sines(cycles: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """`sum_of_sines` of some frames: [frames, samples], [frames, vectors, harmonics] -> [frames, vectors, samples]."""
    inner, cos, sin = two_levels(cycles, weights)
    return weighted_sum(weights, inner, (sin, cos))


def sines_gradient(cycles: tf.Tensor, weights: tf.Tensor, upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Gradients of `sines` with respect to cycles and weights; the first is a sum of cosines with weights 2 pi k w_k."""
    inner, cos, sin = two_levels(cycles, weights)
    slopes = TWO_PI * tf.range(1, weights.shape[-1] + 1, dtype=cycles.dtype) * weights
    to_cycles = tf.reduce_sum(upstream * weighted_sum(slopes, inner, (cos, -sin)), axis=1)
    fine = upstream[:, :, None]  # [frames, vectors, 1, samples]
    to_grid = tf.add_n([
        tf.matmul(tf.reshape(fine * turn, [CHUNK, -1, cycles.shape[-1]]), wave, transpose_b=True)
        for wave, turn in zip(inner, (sin, cos), strict=True)
    ])  # fmt: skip
    return to_cycles, tf.reshape(to_grid, [CHUNK, weights.shape[1], -1])[..., : weights.shape[-1]]


def two_levels(cycles: tf.Tensor, weights: tf.Tensor) -> tuple[tuple[tf.Tensor, tf.Tensor], tf.Tensor, tf.Tensor]:
    """The module docstring's e^(ia phi) with a = 1 ... b as cosine and sine [frames, b, samples]; cosine and sine of m b phi.

    The latter are [frames, 1, m, samples]. For several weight vectors, b is larger: they share the first level.
    """
    small = math.ceil(math.sqrt(weights.shape[-1] * weights.shape[-2]))
    large = math.ceil(weights.shape[-1] / small)
    inner = TWO_PI * tf.range(1, small + 1, dtype=cycles.dtype)[:, None] * cycles[:, None]
    outer = TWO_PI * small * tf.range(large, dtype=cycles.dtype)[:, None] * cycles[:, None, None]
    return (tf.cos(inner), tf.sin(inner)), tf.cos(outer), tf.sin(outer)


def weighted_sum(weights: tf.Tensor, inner: tuple[tf.Tensor, tf.Tensor], outer: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
    """sum over m and a of w_(a + m b) (cos(a phi) p_m + sin(a phi) q_m), p and q being `outer`: [frames, vectors, samples]."""
    vectors, harmonics = weights.shape[1:]
    small, large, samples = inner[0].shape[1], outer[0].shape[2], inner[0].shape[-1]
    padded = tf.pad(weights, [[0, 0], [0, 0], [0, small * large - harmonics]])
    grid = tf.reshape(padded, [CHUNK, vectors * large, small])
    split = [CHUNK, vectors, large, samples]
    parts = [tf.reshape(tf.matmul(grid, wave), split) * turn for wave, turn in zip(inner, outer, strict=True)]
    return tf.reduce_sum(tf.add_n(parts), axis=2)
