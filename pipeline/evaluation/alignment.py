"""Align two sounds in delay and gain before they are compared, in the same way for all comparisons.

* Delay: a model's phases are arbitrary, so the waveforms of two equal sounds need not correlate.
  Onset envelopes (librosa: the rise of the mel spectrum) at 250 Hz do. A system has one delay for
  all clips, and a slurred line has no onset to show it: so the delay is where the sum of all clips'
  cross-correlations is highest, within 100 ms either way, rounded to a control frame. Loudness
  curves are unsuitable: a reverberant tail delays them by 5 to 50 ms in a room without a delay.
* Gain: per clip, the least-squares gain between magnitude spectrograms. The loud partials determine
  it; hiss hardly affects it.
"""

from collections.abc import Iterable

import librosa
import numpy as np
from scipy.signal import correlate

from pipeline.common.units import FRAME_RATE, HOP, SAMPLE_RATE

LARGEST_DELAY = round(0.1 * FRAME_RATE)  # frames
FFT, STEP = 1024, 256  # samples
MEL_BINS = 40


def common_delay(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> int:
    """Return by how many control frames the second sound of each pair lags behind the first.

    Args:
        pairs: the onset envelopes of two sounds, [frames] each; one pair per clip.

    Returns:
        The delay common to all clips; 0 if no clip has an onset.
    """
    total = np.zeros(2 * LARGEST_DELAY + 1)
    for pair in pairs:
        reference, delayed = (envelope - envelope.mean() for envelope in pair)
        energy = np.sqrt(np.square(reference).sum() * np.square(delayed).sum())
        if energy > 0:
            middle = len(reference) - 1
            correlation = correlate(delayed, reference)
            total += correlation[middle - LARGEST_DELAY : middle + LARGEST_DELAY + 1] / energy
    return int(np.argmax(total)) - LARGEST_DELAY if total.any() else 0


def onset_envelope(audio: np.ndarray) -> np.ndarray:
    """Measure the rise of the mel spectrum at 250 Hz: [samples] -> [frames]."""
    return librosa.onset.onset_strength(
        y=audio, sr=SAMPLE_RATE, n_fft=FFT, hop_length=HOP, n_mels=MEL_BINS
    )


def advance(audio: np.ndarray, frames: int) -> np.ndarray:
    """Advance `audio` by a number of control frames (delay it if negative), padding with zeros:
    [samples] -> [samples].
    """
    samples = frames * HOP
    padded = np.pad(audio, (max(-samples, 0), max(samples, 0)))
    return padded[max(samples, 0) :][: len(audio)]


def best_gain(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Return the least-squares factor from `estimate` to `reference`, two magnitude spectrograms; 1
    if either is silent.
    """
    if not (reference.any() and estimate.any()):
        return 1.0
    return float((reference * estimate).sum() / np.square(estimate).sum())


def magnitudes(audio: np.ndarray) -> np.ndarray:
    """Compute a magnitude spectrogram with centred frames: [samples] -> [FFT / 2 + 1, frames].

    A full-scale sine has magnitude 1.
    """
    return np.abs(librosa.stft(audio, n_fft=FFT, hop_length=STEP)) / (FFT / 4)
