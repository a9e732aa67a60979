"""The filtered-noise synthesizer (paper, section 3.4 and appendix B.5), as pure functions."""

import numpy as np
import tensorflow as tf

from pipeline.common.units import HOP


def impulse_responses(bands: int) -> np.ndarray:
    """Design a linear-phase FIR filter per band, by frequency sampling.

    The inverse real DFT of the magnitudes is the zero-phase response; it is centred on tap
    bands - 1 and Hann-windowed. All of this is linear, so the filter of a frame is its magnitudes
    times the returned matrix.

    Args:
        bands: number of bands from 0 Hz to Nyquist.

    Returns:
        [bands, 2 * (bands - 1)], the impulse response of magnitude 1 in one band.
    """
    taps = 2 * (bands - 1)
    zero_phase = np.fft.irfft(np.eye(bands), axis=-1)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(taps) / taps)
    return np.roll(zero_phase, taps // 2, axis=-1) * hann


def filtered_noise(noise: tf.Tensor, magnitudes: tf.Tensor) -> tf.Tensor:
    """Filter each hop of noise with its frame's magnitudes and overlap-add the results.

    The delay of the linear-phase filters is removed.

    Args:
        noise: [batch, frames * 64], uniform in [-1, 1].
        magnitudes: [batch, frames, bands], linear gains from 0 Hz to Nyquist.

    Returns:
        audio: [batch, frames * 64].
    """
    bands = magnitudes.shape[-1]
    length = HOP + 2 * (bands - 1) - 1
    # a multiple of 64 transforms fast and needs less padding than the next power of two
    size = -(-length // 64) * 64
    transfer = np.fft.rfft(impulse_responses(bands), size).astype(np.complex64)
    real, imaginary = (
        tf.tensordot(magnitudes, tf.constant(part), 1) for part in (transfer.real, transfer.imag)
    )
    frames = tf.reshape(noise, [tf.shape(noise)[0], -1, HOP])
    filtered = tf.signal.irfft(tf.signal.rfft(frames, [size]) * tf.complex(real, imaginary), [size])
    delay = bands - 1
    audio = tf.signal.overlap_and_add(filtered[..., :length], HOP)
    return audio[:, delay : delay + tf.shape(noise)[1]]
