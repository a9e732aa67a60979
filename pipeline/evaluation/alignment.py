"""Delay and gain between sounds, taken away before they are compared; the same way for whatever is
compared.
Delay: a model's phases are arbitrary, so that waveforms need not correlate where two sounds are the
    same, and what correlates are
onset envelopes (librosa: rise of the mel spectrum) at 250 Hz. What makes the sounds has one delay,
not one per clip, and a slurred line has no onset to find one by: the delay is where the sum of all
clips' cross-correlations is highest, within 100 ms either way, to a control frame. Loudness curves
would not do: a tail makes them late, by 5 to 50 ms in a room that delays nothing.
Gain: per clip, the least-squares one between magnitude spectrograms. It is that of the loud
    partials; a hiss hardly moves it.
"""

from collections.abc import Iterable

import librosa
import numpy as np
from scipy.signal import correlate

from pipeline.common.units import FRAME_RATE, HOP, SAMPLE_RATE

LARGEST_DELAY = round(0.1 * FRAME_RATE)  # frames
FFT, STEP = 1024, 256
MEL_BINS = 40


def common_delay(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> int:
    """By how many control frames the second sound of each pair of onset envelopes, [frames], is
    later; 0 if there is no onset.
    """
    total = np.zeros(2 * LARGEST_DELAY + 1)
    for pair in pairs:
        wanted, found = (envelope - envelope.mean() for envelope in pair)
        energy = np.sqrt(np.square(wanted).sum() * np.square(found).sum())
        if energy > 0:
            middle = len(wanted) - 1
            total += (
                correlate(found, wanted)[middle - LARGEST_DELAY : middle + LARGEST_DELAY + 1]
                / energy
            )
    return int(np.argmax(total)) - LARGEST_DELAY if total.any() else 0


def onset_envelope(audio: np.ndarray) -> np.ndarray:
    """How much the mel spectrum rises at 250 Hz: [samples] -> [frames]."""
    return librosa.onset.onset_strength(
        y=audio, sr=SAMPLE_RATE, n_fft=FFT, hop_length=HOP, n_mels=MEL_BINS
    )


def earlier(audio: np.ndarray, frames: int) -> np.ndarray:
    """`audio` earlier by so many control frames (later, if below 0), zeros where nothing is
    known: [samples] -> [samples].
    """
    samples = frames * HOP
    padded = np.pad(audio, (max(-samples, 0), max(samples, 0)))
    return padded[max(samples, 0) :][: len(audio)]


def best_gain(wanted: np.ndarray, found: np.ndarray) -> float:
    """The factor of `found` with the least squared difference of two magnitude spectrograms; 1
    where either is silent.
    """
    return (
        float((wanted * found).sum() / np.square(found).sum())
        if wanted.any() and found.any()
        else 1.0
    )


def magnitudes(audio: np.ndarray) -> np.ndarray:
    """Magnitude spectrogram, frames centred, 1 for a full-scale sine: [samples] -> [FFT / 2 + 1,
    frames].
    """
    return np.abs(librosa.stft(audio, n_fft=FFT, hop_length=STEP)) / (FFT / 4)
