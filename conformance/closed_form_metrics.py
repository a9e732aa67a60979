"""The metrics against their definitions, mir_eval and librosa."""

from collections.abc import Iterator

import librosa
import mir_eval
import numpy as np

from conformance import formulas
from conformance.closed_form_spectra import FFT_SIZES, LIBROSA, NOISY_NOTES, excerpts
from conformance.inputs import ODD, RANDOM, samples, uniform
from conformance.measure import FLOAT64, Comparison, Row, compare
from pipeline.audio.clips import Clip
from pipeline.common.units import CONFIDENCE_THRESHOLD, HOP, SAMPLE_RATE
from pipeline.evaluation import metrics
from pipeline.evaluation import outliers as classes
from pipeline.features.loudness_0_0_6 import loudness_0_0_6, loudness_std_0_0_6

FRAMES = 250  # of the f0 grid, 16 ms apart
CURVE = 1000  # frames of the loudness curve
GIVEN = f"{RANDOM}, {FRAMES} f0 frames"
MIR_EVAL = "mir_eval"
DEVIATIONS = metrics.LoudnessDeviations(ours=7.0, of_0_0_6=5.0)


def clips() -> tuple[Clip, Clip]:
    """Draw an original, some of whose frames have f0 0, and a resynthesis a few cents off, with
    octave errors.
    """
    random = np.random.default_rng(4)
    f0 = random.uniform(100, 900, FRAMES) * (random.uniform(size=FRAMES) > 0.1)
    cents = random.normal(0, 50, FRAMES) + 1200 * random.integers(-1, 2, FRAMES)
    estimate = f0 * 2 ** (cents / 1200) * (random.uniform(size=FRAMES) > 0.1)
    loudness = uniform(-80, 0, 2, CURVE, seed=5)
    confidence = uniform(0.5, 1, 2, FRAMES, seed=6)
    audio = [excerpt[0] for excerpt in excerpts()]
    curves = zip(audio, loudness, (f0, estimate), confidence)
    return tuple(Clip(*map(np.asarray, each)) for each in curves)


def midi(hz: np.ndarray) -> np.ndarray:
    """MIDI pitches by librosa, 0 for 0 Hz."""
    with np.errstate(divide="ignore"):
        pitches = librosa.hz_to_midi(np.asarray(hz, float))
    return np.where(np.isfinite(pitches), pitches, 0)


def pitches() -> Iterator[Row]:
    """Pitches, their distances and the grid of f0 frames."""
    one, other = clips()
    given = Comparison("evaluation.metrics.to_midi", GIVEN, LIBROSA)
    yield from compare(given, metrics.to_midi(one.f0_hz), midi(one.f0_hz))
    distance = np.abs(midi(one.f0_hz) - midi(other.f0_hz))
    given = given._replace(module="evaluation.metrics.semitone_distance")
    yield from compare(given, metrics.semitone_distance(one.f0_hz, other.f0_hz), distance)
    given = Comparison("evaluation.metrics.coarse_grid", GIVEN, FLOAT64)
    yield from compare(given, metrics.coarse_grid(one, 16), np.arange(FRAMES) * 0.016 * 250)
    given = Comparison("evaluation.metrics.mean", GIVEN, FLOAT64)
    yield from compare(
        given, [metrics.mean(x) for x in (distance, distance[:0])], [sum(distance) / FRAMES, np.nan]
    )


def f0_measures() -> Iterator[Row]:
    """F0 L1 and the accuracies by counting, and by mir_eval."""
    one, other = clips()
    pitched = one.confidence >= CONFIDENCE_THRESHOLD
    distance = np.abs(midi(one.f0_hz) - midi(other.f0_hz))[pitched]
    given = Comparison("evaluation.metrics.f0_metrics", GIVEN, FLOAT64)
    row = metrics.f0_metrics(one, other)
    yield from compare(given, row["f0_l1"], distance.mean())
    voiced = (one.f0_hz > 0) & pitched
    cents = 100 * (midi(other.f0_hz) - midi(one.f0_hz))[voiced]
    sounding = other.f0_hz[voiced] > 0
    near = [np.abs(cents) <= 50, np.abs(cents - 1200 * np.round(cents / 1200)) <= 50]
    exact = [(hit & sounding).mean() for hit in near]
    accuracy = metrics.pitch_accuracy(one.f0_hz, voiced, other.f0_hz)
    given = given._replace(module="evaluation.metrics.pitch_accuracy")
    yield from compare(given, accuracy, exact)
    melody = mir_eval.melody
    arguments = (voiced.astype(float), melody.hz2cents(one.f0_hz * voiced))
    arguments += ((other.f0_hz > 0).astype(float), melody.hz2cents(other.f0_hz))
    exact = [f(*arguments) for f in (melody.raw_pitch_accuracy, melody.raw_chroma_accuracy)]
    yield from compare(given._replace(reference=MIR_EVAL), accuracy, exact)


def loudness_measures() -> Iterator[Row]:
    """Loudness L1 in dB and in standard deviations, and the bias."""
    one, other = clips()
    difference = other.loudness_db.astype(float) - one.loudness_db
    sounding = one.loudness_db > -70
    exact = {
        "loudness_l1_std": np.abs(difference).mean() / 7,
        "loudness_l1_db": np.abs(difference).mean(),
        "loudness_l1_db_sounding": np.abs(difference[sounding]).mean(),
        "loudness_bias_db_sounding": difference[sounding].mean(),
    }
    curves = [level_0_0_6(clip.audio) for clip in (one, other)]
    exact["loudness_l1_std_0_0_6"] = np.abs(curves[0] - curves[1]).mean() / 5
    row = metrics.loudness_metrics(one, other, DEVIATIONS)
    given = Comparison("evaluation.metrics.loudness_metrics", f"{RANDOM}, {CURVE} frames", FLOAT64)
    yield from compare(given, [row[name] for name in exact], list(exact.values()))
    module = "features.loudness_0_0_6"
    given = Comparison(f"{module}.loudness_0_0_6", samples(NOISY_NOTES, ODD), FLOAT64)
    yield from compare(given, loudness_0_0_6(one.audio), curves[0])
    given = given._replace(module=f"{module}.loudness_std_0_0_6")
    audio = [clip.audio for clip in (one, other)]
    yield from compare(given, loudness_std_0_0_6(audio), np.std(curves))


def level_0_0_6(audio: np.ndarray) -> np.ndarray:
    """Mean over the bins of A-weighted decibels, each at least -120 below white noise."""
    padded = np.pad(audio.astype(float), [0, 2048])
    starts = np.arange(0, len(audio), HOP)[:, None] + np.arange(2048)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)
    magnitude = np.abs(np.fft.rfft(padded[starts] * hann))
    with np.errstate(divide="ignore"):
        weights = librosa.A_weighting(np.fft.rfftfreq(2048, 1 / SAMPLE_RATE))
    levels = 20 * np.log10(np.maximum(magnitude, 1e-20)) + weights - 20.7
    return np.maximum(levels, -120).mean(1)


def outliers() -> Iterator[Row]:
    """Clips by the two versions of the authors' code."""
    sure = np.array([0.2, 0.9])
    unsure = np.array([0.2, 0.8])
    module = "evaluation.outliers"
    given = Comparison(f"{module}.untrackable", "three clips", FLOAT64, 0.0)
    yield from compare(given, [*map(classes.untrackable, (sure, unsure, unsure[:1]))], [0, 1, 1])
    cases = [(sure, sure, 3.0), (sure, sure, 13.0), (sure, unsure, 3.0), (unsure, sure, 3.0)]
    given = given._replace(module=f"{module}.outlier_0_0_6", input="every kind of clip")
    yield from compare(given, [classes.outlier_0_0_6(*case) for case in cases], [0, 1, 1, 1])
    given = given._replace(module=f"{module}.outlier_3_7")
    answers = [classes.outlier_3_7(original, f0_l1) for original, _, f0_l1 in cases]
    yield from compare(given, answers, [0, 1, 0, np.nan])


def whole_clips() -> Iterator[Row]:
    """The spectral loss of a clip, and the row of all metrics."""
    one, other = clips()
    pair = [clip.audio.astype(float)[None] for clip in (one, other)]
    exact = formulas.spectral_loss(*pair, FFT_SIZES, 1.0)[0]
    given = Comparison("evaluation.metrics.spectral_loss", samples(NOISY_NOTES, ODD), FLOAT64)
    yield from compare(given, metrics.spectral_loss(one.audio, other.audio), exact)
    row = metrics.evaluate(one, other, one.f0_hz, 16, DEVIATIONS)
    sounding = one.loudness_db[np.arange(FRAMES) * 4] > -70
    parts = metrics.loudness_metrics(one, other, DEVIATIONS) | metrics.f0_metrics(one, other)
    parts["rpa_true"], parts["rca_true"] = metrics.pitch_accuracy(one.f0_hz, sounding, other.f0_hz)
    parts["spectral_loss"] = exact
    given = Comparison("evaluation.metrics.evaluate", samples(NOISY_NOTES, ODD), "its parts")
    yield from compare(given, [row[name] for name in parts], list(parts.values()))
