"""The harmonic synthesizer (paper, section 3.2 and appendix B.5): pure functions of TensorFlow tensors.

Speed comes from two facts. The phase is needed once per sample, not once per sample and harmonic: within a frame f0 is
linear, so the phase is a closed form on top of the frame's start phase. And sin(k phi) for all k need not be tabulated:
with k = a + m b, e^(ik phi) = e^(ia phi) e^(imb phi), so a weighted sum of K harmonics costs about 2 sqrt(K) sinusoids
and one small matrix product.
"""

import math

import tensorflow as tf

from pipeline.units import HOP, SAMPLE_RATE

TWO_PI = 2 * math.pi


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


def phase_cycles(f0_hz: tf.Tensor) -> tf.Tensor:
    """Phase of the fundamental in cycles, modulo 1: [batch, frames] Hz -> [batch, frames, 64].

    phi(n) = sum of f0(m) / rate over m <= n, with f0 linear between frames (the paper's phase equation without its
    initial phase). Whole cycles are dropped, and the sum over frames is in float64, so that
    the error does not grow with time.
    """
    f0, following = tf.cast(f0_hz, tf.float64), tf.cast(next_frame(f0_hz), tf.float64)
    per_frame = (f0 + (following - f0) * (HOP - 1) / (2 * HOP)) * HOP / SAMPLE_RATE
    start = tf.cast(tf.math.floormod(tf.cumsum(per_frame, axis=1, exclusive=True), 1.0), f0_hz.dtype)
    n = tf.range(HOP, dtype=f0_hz.dtype)
    slope = (next_frame(f0_hz) - f0_hz) / HOP
    within = (f0_hz[..., None] * (n + 1) + slope[..., None] * n * (n + 1) / 2) / SAMPLE_RATE
    return tf.math.floormod(start[..., None] + within, 1.0)


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


def envelope_windows(dtype: tf.DType = tf.float32) -> tuple[tf.Tensor, tf.Tensor]:
    """Weights of this frame and of the next over a hop: [64] each, a Hann window of two hops that overlaps to 1.

    The paper names a Hamming window; the authors' code uses Hann, as here.
    """
    falling = 0.5 * (1 + tf.cos(math.pi * tf.range(HOP, dtype=dtype) / HOP))
    return falling, 1 - falling


def harmonic_synthesis(f0_hz: tf.Tensor, amplitude: tf.Tensor, distribution: tf.Tensor) -> tf.Tensor:
    """x(n) = A(n) sum_k c_k(n) sin(2 pi k phi(n)), the paper's harmonic oscillator.

    Args:
        f0_hz: [batch, frames] Hz at 250 Hz.
        amplitude: [batch, frames] linear.
        distribution: [batch, frames, harmonics], c_k, from `normalized_distribution`.

    Returns:
        audio: [batch, frames * 64]; the last frame's envelope is held.
    """
    amplitudes = amplitude[..., None] * distribution
    both = tf.stack([amplitudes, next_frame(amplitudes)], axis=2)  # [batch, frames, 2, harmonics]
    partial_sums = sum_of_sines(phase_cycles(f0_hz), both)
    audio = tf.reduce_sum(partial_sums * tf.stack(envelope_windows(f0_hz.dtype)), axis=2)
    return tf.reshape(audio, [tf.shape(f0_hz)[0], -1])


@tf.custom_gradient
def sum_of_sines(cycles: tf.Tensor, weights: tf.Tensor):
    """sum_k w_k sin(2 pi k phi) for every weight vector: the two-level sum of the module's docstring.

    The gradient is written out: with respect to phi the sum is one of cosines with weights 2 pi k w_k, as cheap as the sum
    itself, where TensorFlow's own would go back through every sinusoid.

    Args:
        cycles: [batch, frames, samples] phase of the fundamental.
        weights: [batch, frames, vectors, harmonics], harmonic k = 1 first.

    Returns:
        [batch, frames, vectors, samples]
    """
    vectors, harmonics = weights.shape[2:]
    small = math.ceil(math.sqrt(harmonics * vectors))
    large = math.ceil(harmonics / small)
    inner = cos_and_sin(tf.range(1, small + 1, dtype=cycles.dtype), cycles)
    cos, sin = (each[:, :, None] for each in cos_and_sin(small * tf.range(large, dtype=cycles.dtype), cycles))

    def gradient(upstream):
        """With respect to phase and weights; what is not asked for is left out of the graph."""
        slopes = TWO_PI * tf.range(1, harmonics + 1, dtype=cycles.dtype) * weights
        fine = upstream[:, :, :, None]
        to_cycles = tf.reduce_sum(upstream * two_level_sum(slopes, inner, (cos, -sin)), axis=2)
        return to_cycles, two_level_transpose((fine * sin, fine * cos), inner, harmonics)

    return two_level_sum(weights, inner, (sin, cos)), gradient


def cos_and_sin(multiples: tf.Tensor, cycles: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Of multiples of a phase: [multiples], [batch, frames, samples] -> 2 x [batch, frames, multiples, samples]."""
    angles = TWO_PI * multiples[:, None] * cycles[:, :, None]
    return tf.cos(angles), tf.sin(angles)


def two_level_sum(weights: tf.Tensor, inner: tuple[tf.Tensor, tf.Tensor], outer: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
    """sum_m sum_a w_(a + m b) (cos(a phi) p_m + sin(a phi) q_m): [batch, frames, vectors, harmonics] -> [..., vectors, samples].

    Args:
        inner: cos(a phi) and sin(a phi), [batch, frames, b, samples].
        outer: p and q, [batch, frames, 1, large, samples].
    """
    small, samples, large, (vectors, harmonics) = *inner[0].shape[2:], outer[0].shape[3], weights.shape[2:]
    leading = tf.shape(weights)[:2]
    padded = tf.pad(weights, [[0, 0], [0, 0], [0, 0], [0, small * large - harmonics]])
    grid = tf.reshape(padded, [*tf.unstack(leading), vectors * large, small])
    split = [*tf.unstack(leading), vectors, large, samples]
    parts = [tf.reshape(tf.matmul(grid, wave), split) * turn for wave, turn in zip(inner, outer, strict=True)]
    return tf.reduce_sum(parts[0] + parts[1], axis=3)


def two_level_transpose(outer: tuple[tf.Tensor, tf.Tensor], inner: tuple[tf.Tensor, tf.Tensor], harmonics: int) -> tf.Tensor:
    """The transpose of `two_level_sum` in its weights; `outer` holds what comes back, times p and q, for every vector."""
    small, (vectors, large, samples) = inner[0].shape[2], outer[0].shape[2:]
    leading = tf.unstack(tf.shape(outer[0])[:2])
    rows = [tf.reshape(turned, [*leading, vectors * large, samples]) for turned in outer]
    grid = tf.add_n([tf.matmul(row, wave, transpose_b=True) for row, wave in zip(rows, inner, strict=True)])
    return tf.reshape(grid, [*leading, vectors, large * small])[..., :harmonics]
