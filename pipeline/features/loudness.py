"""Loudness: A-weighted power on a decibel scale (paper, section 4 and appendix B).

0 dB is a full-scale sine at 1 kHz, so a 1 kHz sine of amplitude a reads 20 log10(a). The floor is
-80 dB. Power is averaged over the spectrum before the logarithm, as in later versions of the
authors' code; the window of 2048 samples is that of their first version.
"""

import librosa
import numpy as np
import tensorflow as tf

from pipeline.common.units import HOP, SAMPLE_RATE

WINDOW = 2048  # samples
FLOOR_DB = -80.0
CHUNK = 4096  # control frames per chunk; bounds memory for recordings of any length


def loudness_curve(audio: np.ndarray) -> np.ndarray:
    """Loudness of a recording of any length: [samples] at 16 kHz -> [samples // 64] dB.

    Chunks of the recording are measured one at a time, which gives the values of `loudness_db`.
    """
    padded = np.pad(audio, (WINDOW // 2, WINDOW // 2 - HOP))[None]
    frames = len(audio) // HOP
    chunks = [
        padded[:, start * HOP : min(start + CHUNK, frames) * HOP + WINDOW - HOP]
        for start in range(0, frames, CHUNK)
    ]
    return np.concatenate([_decibels(tf.constant(chunk))[0].numpy() for chunk in chunks])


def loudness_db(audio: tf.Tensor) -> tf.Tensor:
    """Loudness in centred frames at 250 Hz: [batch, samples] -> [batch, samples // 64] dB, at
    least -80.
    """
    return _decibels(tf.pad(audio, [[0, 0], [WINDOW // 2, WINDOW // 2 - HOP]]))


@tf.function(reduce_retracing=True)
def _decibels(padded: tf.Tensor) -> tf.Tensor:
    """Loudness of audio that is already padded so that frames are centred."""
    window = tf.signal.hann_window(WINDOW)
    spectrum = tf.signal.rfft(tf.signal.frame(padded, WINDOW, HOP) * window)
    weighted = tf.reduce_sum(tf.square(tf.abs(spectrum)) * a_weighting(WINDOW), axis=-1)
    # the same sum for a sine of amplitude 1
    full_scale = WINDOW * tf.reduce_sum(tf.square(window)) / 4
    decibels = 10 * tf.math.log(tf.maximum(weighted / full_scale, 1e-12)) / np.log(10)
    return tf.maximum(decibels, FLOOR_DB)


def a_weighting(size: int) -> np.ndarray:
    """A-weighting (IEC 61672) as power gains at the bins of a real FFT: [size // 2 + 1]."""
    frequencies = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    with np.errstate(divide="ignore"):
        return (10 ** (librosa.A_weighting(frequencies, min_db=None) / 10)).astype(np.float32)
