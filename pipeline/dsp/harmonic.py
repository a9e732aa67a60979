"""The harmonic synthesizer (paper, section 3.2 and appendix B.5), as pure functions.

The phase is computed once per sample, not once per sample and harmonic. Within a frame f0 is
linear, so the phase is a closed form plus the frame's start phase. `pipeline.dsp.sines` sums the
harmonics.
"""

import math
from collections.abc import Callable

import tensorflow as tf

from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.dsp.interpolation import next_frame
from pipeline.dsp.sines import sum_of_sines


@tf.custom_gradient
def phase_cycles(f0_hz: tf.Tensor):
    """Integrate f0 to the phase of the fundamental, in cycles modulo 1.

    phi(n) = sum of f0(m) / rate over m <= n, with f0 linear between frames (the paper's phase
    equation without its initial phase). Whole cycles are dropped, and the sum over frames is in
    float64, so that the error does not grow with time.

    The gradient is `phase_gradient`: TensorFlow's own adds six gradients in no fixed order
    (`models.determinism.fix_order_of_sums`).

    Args:
        f0_hz: [batch, frames] Hz.

    Returns:
        [batch, frames, 64] cycles, in [0, 1).
    """
    f0 = tf.cast(f0_hz, tf.float64)
    following = tf.cast(next_frame(f0_hz), tf.float64)
    cycles_per_frame = (f0 + (following - f0) * (HOP - 1) / (2 * HOP)) * HOP / SAMPLE_RATE
    start = tf.math.floormod(tf.cumsum(cycles_per_frame, axis=1, exclusive=True), 1.0)
    start = tf.cast(start, f0_hz.dtype)
    n = tf.range(HOP, dtype=f0_hz.dtype)
    slope = (next_frame(f0_hz) - f0_hz) / HOP
    within = (f0_hz[..., None] * (n + 1) + slope[..., None] * n * (n + 1) / 2) / SAMPLE_RATE
    return tf.math.floormod(start[..., None] + within, 1.0), phase_gradient


def phase_gradient(upstream: tf.Tensor) -> tf.Tensor:
    """Propagate a gradient with respect to the phase back to f0: the gradient of `phase_cycles`.

    A frame's phase depends on its own f0 and on the next frame's, and so do the start phases of all
    later frames.

    Args:
        upstream: [batch, frames, 64], gradient with respect to the phase in cycles.

    Returns:
        [batch, frames], gradient with respect to f0 in Hz.
    """
    # slopes of a frame's whole advance in phase: with respect to its own f0 and the next frame's
    advance = tf.constant([1 + 1 / HOP, 1 - 1 / HOP], tf.float64) / 2 * HOP / SAMPLE_RATE
    frame_sums = tf.reduce_sum(tf.cast(upstream, tf.float64), axis=-1)
    later_frames = tf.cumsum(frame_sums, axis=1, exclusive=True, reverse=True)
    n = tf.range(HOP, dtype=upstream.dtype)
    ramp = n * (n + 1) / (2 * HOP)
    within = tf.tensordot(upstream, tf.stack([n + 1 - ramp, ramp], axis=1) / SAMPLE_RATE, 1)
    to_own, to_next = tf.unstack(
        tf.cast(later_frames[..., None] * advance, upstream.dtype) + within, axis=-1
    )
    # shift `to_next` to the frame that it belongs to; the last frame is its own successor
    shifted = tf.pad(to_next, [[0, 0], [1, 0]])
    return to_own + tf.concat([shifted[:, :-2], shifted[:, -2:-1] + shifted[:, -1:]], axis=1)


def remove_above_nyquist(f0_hz: tf.Tensor, amplitudes: tf.Tensor) -> tf.Tensor:
    """Zero the harmonics that reach Nyquist anywhere under a frame's smoothing window.

    The window spans the previous, this and the next frame.

    Args:
        f0_hz: [batch, frames] Hz.
        amplitudes: [batch, frames, harmonics], harmonic k = 1 first.

    Returns:
        [batch, frames, harmonics].
    """
    previous = tf.concat([f0_hz[:, :1], f0_hz[:, :-1]], axis=1)
    highest = tf.maximum(tf.maximum(previous, f0_hz), next_frame(f0_hz))
    numbers = tf.range(1, amplitudes.shape[-1] + 1, dtype=f0_hz.dtype)
    return tf.where(
        highest[..., None] * numbers < SAMPLE_RATE / 2, amplitudes, tf.zeros_like(amplitudes)
    )


def normalized_distribution(f0_hz: tf.Tensor, distribution: tf.Tensor) -> tf.Tensor:
    """Normalize a harmonic distribution to sum 1, with no harmonic above Nyquist.

    If all harmonics are above Nyquist, all are 0.

    Args:
        f0_hz: [batch, frames] Hz.
        distribution: [batch, frames, harmonics], not negative.

    Returns:
        c_k: [batch, frames, harmonics].
    """
    audible = remove_above_nyquist(f0_hz, distribution)
    return tf.math.divide_no_nan(audible, tf.reduce_sum(audible, axis=-1, keepdims=True))


def hann_envelope(dtype: tf.DType = tf.float32) -> tf.Tensor:
    """Return the weights of this frame and the next over a hop, from a Hann window: [2, 64].

    The window is two hops long and overlaps to 1. The paper names a Hamming window; the authors'
    code uses Hann, as here.
    """
    falling = 0.5 * (1 + tf.cos(math.pi * tf.range(HOP, dtype=dtype) / HOP))
    return tf.stack([falling, 1 - falling])


def linear_envelope(dtype: tf.DType = tf.float32) -> tf.Tensor:
    """Return the weights of this frame and the next over a hop, from a straight line: [2, 64].

    This is interpolation without a smoothing window.
    """
    rising = tf.range(HOP, dtype=dtype) / HOP
    return tf.stack([1 - rising, rising])


def harmonic_synthesis(
    f0_hz: tf.Tensor,
    amplitude: tf.Tensor,
    distribution: tf.Tensor,
    envelope: Callable[[tf.DType], tf.Tensor] = hann_envelope,
) -> tf.Tensor:
    """Synthesize x(n) = A(n) sum_k c_k(n) sin(2 pi k phi(n)), the paper's harmonic oscillator.

    Args:
        f0_hz: [batch, frames] Hz, at 250 frames per second.
        amplitude: [batch, frames], A, linear.
        distribution: [batch, frames, harmonics], c_k, from `normalized_distribution`.
        envelope: how amplitudes pass from one frame to the next: `hann_envelope` or
            `linear_envelope`.

    Returns:
        audio: [batch, frames * 64]; the last frame's amplitudes are held.
    """
    amplitudes = amplitude[..., None] * distribution
    # of this frame and the next: [batch, frames, 2, harmonics]
    amplitude_pairs = tf.stack([amplitudes, next_frame(amplitudes)], axis=2)
    partial_sums = sum_of_sines(phase_cycles(f0_hz), amplitude_pairs)
    audio = tf.reduce_sum(partial_sums * envelope(f0_hz.dtype), axis=2)
    return tf.reshape(audio, [tf.shape(f0_hz)[0], -1])
