"""Loudness: A-weighted power on a decibel scale (paper, section 4 and appendix B).
Conventions: 0 dB is a full-scale 1 kHz sine (any sine of amplitude a at 1 kHz reads 20 log10 a),
    and -80 dB the floor.
Power is averaged over the spectrum before the logarithm, as in later versions of the authors' code;
the window has 2048 samples, their first version's.
"""

import librosa
import numpy as np
import tensorflow as tf

from pipeline.common.units import HOP, SAMPLE_RATE

WINDOW = 2048
FLOOR_DB = -80.0
CHUNK = 4096  # control frames in memory at once for long recordings


def loudness_curve(audio: np.ndarray) -> np.ndarray:
    """Loudness of a recording of any length, [samples] -> [samples / 64] dB: chunk by chunk, the
    same values as at once.
    """
    padded = np.pad(audio, (WINDOW // 2, WINDOW // 2 - HOP))[None]
    starts = range(0, len(audio) // HOP, CHUNK)
    pieces = [
        padded[:, start * HOP : min(start + CHUNK, len(audio) // HOP) * HOP + WINDOW - HOP]
        for start in starts
    ]
    return np.concatenate([_decibels(tf.constant(piece))[0].numpy() for piece in pieces])


def loudness_db(audio: tf.Tensor) -> tf.Tensor:
    """Loudness at 250 Hz, frames centred: [batch, samples] -> [batch, samples / 64] dB, at least
    -80.
    """
    return _decibels(tf.pad(audio, [[0, 0], [WINDOW // 2, WINDOW // 2 - HOP]]))


@tf.function(reduce_retracing=True)
def _decibels(padded: tf.Tensor) -> tf.Tensor:
    window = tf.signal.hann_window(WINDOW)
    spectrum = tf.signal.rfft(tf.signal.frame(padded, WINDOW, HOP) * window)
    weighted = tf.reduce_sum(tf.square(tf.abs(spectrum)) * a_weighting(WINDOW), axis=-1)
    # the same sum for a sine of amplitude 1
    full_scale = WINDOW * tf.reduce_sum(tf.square(window)) / 4
    decibels = 10 * tf.math.log(tf.maximum(weighted / full_scale, 1e-12)) / np.log(10)
    return tf.maximum(decibels, FLOOR_DB)


def a_weighting(size: int) -> np.ndarray:
    """A-weighting as power gains at the bins of a real FFT (IEC 61672): [size / 2 + 1]."""
    frequencies = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    with np.errstate(divide="ignore"):
        return (10 ** (librosa.A_weighting(frequencies, min_db=None) / 10)).astype(np.float32)
