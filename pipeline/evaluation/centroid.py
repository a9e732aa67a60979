"""The spectral centroid, a measure of brightness."""

import librosa
import numpy as np

from pipeline.common.units import HOP, SAMPLE_RATE

FFT = 1024  # samples


def spectral_centroid(audio: np.ndarray) -> np.ndarray:
    """Measure the centroid of magnitude spectra at 250 Hz, centred: [samples] -> [frames] Hz."""
    centroid = librosa.feature.spectral_centroid(
        y=audio, sr=SAMPLE_RATE, n_fft=FFT, hop_length=HOP
    )[0]
    return centroid[: len(audio) // HOP]
