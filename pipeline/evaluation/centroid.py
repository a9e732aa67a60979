"""The spectral centroid, by which one hears how bright a sound is."""

import librosa
import numpy as np

from pipeline.common.units import HOP, SAMPLE_RATE

FFT = 1024


def spectral_centroid(audio: np.ndarray) -> np.ndarray:
    """Spectral centroid of magnitudes at 250 Hz, frames centred: [samples] -> [samples / 64] Hz."""
    return librosa.feature.spectral_centroid(y=audio, sr=SAMPLE_RATE, n_fft=FFT, hop_length=HOP)[0][
        : len(audio) // HOP
    ]
