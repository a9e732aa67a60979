"""Spectra: magnitudes for the loss, A-weighting, mel and MFCC (paper, section 4 and appendix B)."""

import librosa
import numpy as np
import tensorflow as tf

from pipeline.units import SAMPLE_RATE


def stft_magnitude(audio: tf.Tensor, size: int, hop: int) -> tf.Tensor:
    """|STFT| with a periodic Hann window, the end padded with zeros: [batch, samples] -> [batch, frames, size / 2 + 1]."""
    return tf.abs(tf.signal.stft(audio, size, hop, size, pad_end=True))


def centered_frames(audio: tf.Tensor, size: int, hop: int) -> tf.Tensor:
    """Frames centred on every hop: [batch, samples] -> [batch, samples / hop, size], zeros beyond the ends."""
    padded = tf.pad(audio, [[0, 0], [size // 2, size - hop]])
    return tf.signal.frame(padded, size, hop)[:, : tf.shape(audio)[-1] // hop]


def a_weighting(size: int) -> np.ndarray:
    """A-weighting as power gains at the bins of a real FFT (IEC 61672): [size / 2 + 1]."""
    frequencies = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    with np.errstate(divide="ignore"):
        return (10 ** (librosa.A_weighting(frequencies, min_db=None) / 10)).astype(np.float32)


def mfcc(audio: tf.Tensor, coefficients: int = 30, mel_bins: int = 128, size: int = 1024, hop: int = 512) -> tf.Tensor:
    """Mel-frequency cepstral coefficients of 20 to 8000 Hz: [batch, samples] -> [batch, samples / hop, coefficients].

    The paper's figures (appendix B.1); the hop is the authors' code's for NSynth (125 frames in 4 s).
    """
    window = tf.signal.hann_window(size)
    magnitude = tf.abs(tf.signal.rfft(centered_frames(audio, size, hop) * window))
    mel = tf.signal.linear_to_mel_weight_matrix(mel_bins, size // 2 + 1, SAMPLE_RATE, 20.0, 8000.0)
    log_mel = tf.math.log(tf.matmul(magnitude, mel) + 1e-5)
    return tf.signal.mfccs_from_log_mel_spectrograms(log_mel)[..., :coefficients]
