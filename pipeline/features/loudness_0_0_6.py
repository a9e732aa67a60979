"""The loudness curve of the authors' code of the paper's time, version 0.0.6.

It serves evaluation alone: differences of this curve, in its standard deviations, are comparable
with the paper's loudness L1. Models are given the curve of `pipeline.features.loudness`.
"""

from collections.abc import Iterable

import librosa
import numpy as np
import scipy.fft

from pipeline.common.units import HOP, SAMPLE_RATE

WINDOW = 2048  # samples
REFERENCE_DB = 20.7  # subtracted: the level of white noise of amplitude 1
FLOOR_DB = -120.0  # of each bin, relative to the reference
SMALLEST = np.float32(1e-20)  # magnitude below which the logarithm is cut off


def loudness_0_0_6(audio: np.ndarray) -> np.ndarray:
    """Measure loudness as `compute_loudness` in ddsp/spectral_ops.py of version 0.0.6 does.

    It departs from `loudness_curve` in four ways: frame t begins at sample 64 t instead of being
    centred there, so the last ones reach into zeros; A-weighting is added in decibels; the floor
    holds for each bin; decibels, not powers, are averaged over the bins.

    Args:
        audio: [samples] at 16 kHz.

    Returns:
        [ceil(samples / 64)] dB, at least -120.
    """
    frames = -(-len(audio) // HOP)
    missing = (frames - 1) * HOP + WINDOW - len(audio)
    padded = np.pad(audio.astype(np.float32), (0, missing))
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    window = librosa.filters.get_window("hann", WINDOW).astype(np.float32)
    magnitudes = np.abs(scipy.fft.rfft(windows * window))
    with np.errstate(divide="ignore"):  # 0 Hz, whose weight librosa limits to -80 dB
        weights = librosa.A_weighting(librosa.fft_frequencies(sr=SAMPLE_RATE, n_fft=WINDOW))
    offsets = (weights - REFERENCE_DB).astype(np.float32)
    bins_db = 20 * np.log10(np.maximum(magnitudes, SMALLEST)) + offsets
    return np.maximum(bins_db, np.float32(FLOOR_DB)).mean(axis=1)


def loudness_std_0_0_6(sounds: Iterable[np.ndarray]) -> float:
    """Return the standard deviation of the curve over all frames of sounds, [samples] each, in dB.

    Sounds are measured one at a time; only sums are kept.
    """
    sums = np.zeros(3)
    for audio in sounds:
        curve = loudness_0_0_6(audio).astype(float)
        sums += len(curve), curve.sum(), np.square(curve).sum()
    count, total, squares = sums
    return float(np.sqrt(squares / count - (total / count) ** 2))
