"""The harmonic synthesizer (paper, section 3.2 and appendix B.5): pure functions of TensorFlow
tensors. The phase is needed once per sample, not once per sample and harmonic: within a frame f0 is
linear, so the phase is a closed form on top of the frame's start phase. `pipeline.dsp.sines` sums
the harmonics.
"""

import math
from collections.abc import Callable

import tensorflow as tf

from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.dsp.interpolation import next_frame
from pipeline.dsp.sines import sum_of_sines


@tf.custom_gradient
def phase_cycles(f0_hz: tf.Tensor):
    """Phase of the fundamental in cycles, modulo 1: [batch, frames] Hz -> [batch, frames, 64].

    phi(n) = sum of f0(m) / rate over m <= n, with f0 linear between frames (the paper's phase
    equation without its initial phase). Whole cycles are dropped, and the sum over frames is in
    float64, so that the error does not grow with time.

    The gradient is written out: TensorFlow's own sums six shared ones, in any order
    (`models.determinism.fix_order_of_sums`).
    """
    f0, following = tf.cast(f0_hz, tf.float64), tf.cast(next_frame(f0_hz), tf.float64)
    per_frame = (f0 + (following - f0) * (HOP - 1) / (2 * HOP)) * HOP / SAMPLE_RATE
    start = tf.cast(
        tf.math.floormod(tf.cumsum(per_frame, axis=1, exclusive=True), 1.0), f0_hz.dtype
    )
    n = tf.range(HOP, dtype=f0_hz.dtype)
    slope = (next_frame(f0_hz) - f0_hz) / HOP
    within = (f0_hz[..., None] * (n + 1) + slope[..., None] * n * (n + 1) / 2) / SAMPLE_RATE
    return tf.math.floormod(start[..., None] + within, 1.0), phase_gradient


def phase_gradient(upstream: tf.Tensor) -> tf.Tensor:
    """The gradient of `phase_cycles`: from its output's, [batch, frames, 64], to that of f0,
    [batch, frames].
    """
    # of a frame's f0 and of the next one's
    share = tf.constant([1 + 1 / HOP, 1 - 1 / HOP], tf.float64) / 2 * HOP / SAMPLE_RATE
    later = tf.cumsum(
        tf.reduce_sum(tf.cast(upstream, tf.float64), axis=-1), axis=1, exclusive=True, reverse=True
    )
    n = tf.range(HOP, dtype=upstream.dtype)
    of_next = n * (n + 1) / (2 * HOP)
    within = tf.tensordot(upstream, tf.stack([n + 1 - of_next, of_next], axis=1) / SAMPLE_RATE, 1)
    of_this, of_next = tf.unstack(
        tf.cast(later[..., None] * share, upstream.dtype) + within, axis=-1
    )
    # to the frame it belongs to; the last frame is its own successor
    moved = tf.pad(of_next, [[0, 0], [1, 0]])
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
    return tf.where(
        highest[..., None] * numbers < SAMPLE_RATE / 2, amplitudes, tf.zeros_like(amplitudes)
    )


def normalized_distribution(f0_hz: tf.Tensor, distribution: tf.Tensor) -> tf.Tensor:
    """Harmonic distribution c_k with c_k >= 0 and sum 1, silent above Nyquist: [batch, frames,
    harmonics].
    """
    audible = remove_above_nyquist(f0_hz, distribution)
    return tf.math.divide_no_nan(audible, tf.reduce_sum(audible, axis=-1, keepdims=True))


def hann_envelope(dtype: tf.DType = tf.float32) -> tf.Tensor:
    """Weights of this frame and of the next over a hop: [2, 64], a Hann window of two hops that
    overlaps to 1.

    The paper names a Hamming window; the authors' code uses Hann, as here.
    """
    falling = 0.5 * (1 + tf.cos(math.pi * tf.range(HOP, dtype=dtype) / HOP))
    return tf.stack([falling, 1 - falling])


def linear_envelope(dtype: tf.DType = tf.float32) -> tf.Tensor:
    """Weights of this frame and of the next over a hop, without a smoothing window: [2, 64], a
    straight line between frames.
    """
    rising = tf.range(HOP, dtype=dtype) / HOP
    return tf.stack([1 - rising, rising])


def harmonic_synthesis(
    f0_hz: tf.Tensor,
    amplitude: tf.Tensor,
    distribution: tf.Tensor,
    envelope: Callable[[tf.DType], tf.Tensor] = hann_envelope,
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
