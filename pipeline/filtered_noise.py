"""The filtered-noise synthesizer (paper, section 3.4 and appendix B.5): pure functions of TensorFlow tensors."""

import tensorflow as tf

from pipeline.units import HOP


def impulse_responses(magnitudes: tf.Tensor) -> tf.Tensor:
    """Linear-phase FIR filters by frequency sampling: [batch, frames, bands] -> [batch, frames, 2 * (bands - 1)].

    Inverse real DFT of the magnitudes gives the zero-phase response; it is centred on tap bands - 1 and Hann-windowed.
    """
    taps = 2 * (magnitudes.shape[-1] - 1)
    zero_phase = tf.signal.irfft(tf.complex(magnitudes, tf.zeros_like(magnitudes)))
    return tf.roll(zero_phase, taps // 2, axis=-1) * tf.signal.hann_window(taps)


def fft_convolve(signal: tf.Tensor, responses: tf.Tensor) -> tf.Tensor:
    """Full linear convolution along the last axis: [..., n] * [..., m] -> [..., n + m - 1]."""
    length = signal.shape[-1] + responses.shape[-1] - 1
    size = -(-length // 64) * 64  # a multiple of a power of two transforms fast and needs less padding than one
    product = tf.signal.rfft(signal, [size]) * tf.signal.rfft(responses, [size])
    return tf.signal.irfft(product, [size])[..., :length]


def time_varying_filter(signal: tf.Tensor, magnitudes: tf.Tensor) -> tf.Tensor:
    """Filter each hop of a signal by its frame's magnitudes and overlap-add, the filters' delay removed.

    Args:
        signal: [batch, frames * 64].
        magnitudes: [batch, frames, bands] linear gains from 0 Hz to Nyquist.

    Returns:
        [batch, frames * 64]
    """
    frames = tf.reshape(signal, [tf.shape(signal)[0], -1, HOP])
    responses = impulse_responses(magnitudes)
    filtered = tf.signal.overlap_and_add(fft_convolve(frames, responses), HOP)
    delay = responses.shape[-1] // 2
    return filtered[:, delay : delay + tf.shape(signal)[1]]


def filtered_noise(magnitudes: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Uniform noise in [-1, 1] through the frames' filters: [batch, frames, bands] -> [batch, frames * 64].

    Args:
        seed: [2] integers; the same seed gives the same noise.
    """
    shape = tf.shape(magnitudes)
    noise = tf.random.stateless_uniform([shape[0], shape[1] * HOP], seed, -1.0, 1.0)
    return time_varying_filter(noise, magnitudes)
