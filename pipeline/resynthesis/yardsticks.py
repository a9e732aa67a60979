"""Two trivial resyntheses that a model must beat: the nearest training note, repitched, and the
instrument's mean harmonic spectrum.
"""

import numpy as np
import pandas as pd
import soxr
import tensorflow as tf

from pipeline.common.units import CONFIDENCE_THRESHOLD, HOP, SAMPLE_RATE
from pipeline.dsp.harmonic import harmonic_synthesis, normalized_distribution
from pipeline.examples.schema import example_id, split_id
from pipeline.features.loudness import FLOOR_DB, loudness_db

HARMONICS = 100
WINDOW = 2048
MEASURE_EVERY = 25  # frames: ten spectra a second are enough for a note's mean


def nearest_note(example: dict, notes: pd.DataFrame, training: dict[str, dict]) -> np.ndarray:
    """Resample the nearest training note to a test note's pitch.

    Nearest is the note of the same instrument closest in pitch, then in velocity. If the instrument
    has no training note, every training note is a candidate.

    Args:
        example: the test example.
        notes: the manifest, indexed by recording id.
        training: the training examples by example id. Only notes with a window that starts where
            the test example does are candidates.

    Returns:
        [samples], as long as the test example.
    """
    recording, start = split_id(example["example_id"])
    note = notes.loc[recording]
    trained = notes[[example_id(other, start) in training for other in notes.index]]
    same_instrument = trained[trained.instrument == note.instrument]
    candidates = same_instrument if len(same_instrument) else trained
    distances = candidates.assign(
        pitch_distance=(candidates.pitch - note.pitch).abs(),
        velocity_distance=(candidates.velocity - note.velocity).abs(),
    ).rename_axis("id")
    chosen = distances.sort_values(["pitch_distance", "velocity_distance", "id"]).iloc[0]
    ratio = 2 ** ((note.pitch - chosen.pitch) / 12)
    repitched = soxr.resample(
        training[example_id(chosen.name, start)]["audio"],
        SAMPLE_RATE * ratio,
        SAMPLE_RATE,
        quality="VHQ",
    )
    length = len(example["audio"])
    return np.pad(repitched[:length], (0, max(0, length - len(repitched)))).astype(np.float32)


def mean_distributions(training: dict[str, dict], notes: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return each instrument's mean harmonic distribution, [harmonics].

    An instrument without training notes gets the mean of all training notes.
    """
    by_instrument: dict[str, list[dict]] = {name: [] for name in notes.instrument.unique()}
    for example in training.values():
        by_instrument[notes.loc[example["recording_id"]].instrument].append(example)
    return {
        name: mean_distribution(examples or list(training.values()))
        for name, examples in by_instrument.items()
    }


def mean_distribution(examples: list[dict]) -> np.ndarray:
    """Average the harmonic distribution over pitched frames: [harmonics], summing to 1.

    It is measured in the magnitude spectrum at multiples of f0; uniform if no frame is pitched.
    """
    total = np.zeros(HARMONICS)
    for example in examples:
        for frame in range(0, len(example["f0_hz"]), MEASURE_EVERY):
            if example["f0_confidence"][frame] >= CONFIDENCE_THRESHOLD:
                total += _harmonic_amplitudes(
                    example["audio"], frame * HOP, float(example["f0_hz"][frame])
                )
    return total / total.sum() if total.sum() else np.full(HARMONICS, 1 / HARMONICS)


def mean_spectrum(example: dict, distribution: np.ndarray) -> np.ndarray:
    """Play a constant harmonic distribution with an example's f0 and loudness: [samples].

    The amplitude makes up the difference between the loudness of the distribution played at
    amplitude 1 and the example's.
    """
    f0_hz = tf.constant(example["f0_hz"])[None]
    tiled = tf.tile(tf.constant(distribution, tf.float32)[None, None], [1, f0_hz.shape[1], 1])
    shape = normalized_distribution(f0_hz, tiled)
    steady = loudness_db(harmonic_synthesis(f0_hz, tf.ones_like(f0_hz), shape))
    target = tf.constant(example["loudness_db"])[None]
    amplitude = tf.where(target > FLOOR_DB, 10 ** ((target - steady) / 20), 0.0)
    return harmonic_synthesis(f0_hz, amplitude, shape)[0].numpy()


def _harmonic_amplitudes(audio: np.ndarray, center: int, f0_hz: float) -> np.ndarray:
    """Measure the harmonics' magnitudes in a window around sample `center`: [harmonics], sum 1."""
    start = max(0, min(center - WINDOW // 2, len(audio) - WINDOW))
    spectrum = np.abs(np.fft.rfft(audio[start : start + WINDOW] * np.hanning(WINDOW)))
    bins = np.rint(np.arange(1, HARMONICS + 1) * f0_hz * WINDOW / SAMPLE_RATE).astype(int)
    below_nyquist = bins[bins < len(spectrum) - 1]
    below, above = spectrum[below_nyquist - 1], spectrum[below_nyquist + 1]
    peaks = np.maximum(np.maximum(below, spectrum[below_nyquist]), above)
    amplitudes = np.zeros(HARMONICS)
    amplitudes[: len(below_nyquist)] = peaks
    return amplitudes / amplitudes.sum() if amplitudes.sum() else amplitudes
