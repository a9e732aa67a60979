"""Metrics on signals with known answers."""

import numpy as np
import pytest

from pipeline.audio.clips import Clip
from pipeline.evaluation.metrics import (
    LoudnessDeviations,
    evaluate,
    pitch_accuracy,
    semitone_distance,
    validate,
)
from pipeline.features.loudness_0_0_6 import loudness_0_0_6


def clip(f0=440.0, confidence=0.95, loudness=-20.0, amplitude=0.1, frames=32):
    seconds = np.arange(64000) / 16000
    audio = (amplitude * np.sin(2 * np.pi * f0 * seconds)).astype(np.float32)
    return Clip(audio, np.full(1000, loudness), np.full(frames, f0), np.full(frames, confidence))


def score(reference, estimate, true_f0=None):
    return evaluate(reference, estimate, true_f0, 128, LoudnessDeviations(10.0, 5.0))


def test_a_clip_against_itself_is_perfect():
    row = score(clip(), clip(), np.full(32, 440.0))
    for name in (
        "loudness_l1_db",
        "loudness_l1_std",
        "f0_l1",
        "loudness_l1_std_0_0_6",
        "outlier_clips_0_0_6",
        "outlier_clips_3_7",
        "frames_outlier_paper",
        "spectral_loss",
    ):
        assert row[name] == 0
    assert row["rpa_crepe"] == row["rca_crepe"] == row["rpa_true"] == row["rca_true"] == 1


@pytest.mark.parametrize("semitones", [1, -3, 12])
def test_a_shift_is_measured_in_semitones(semitones):
    row = score(clip(), clip(f0=440 * 2 ** (semitones / 12)))
    assert row["f0_l1"] == pytest.approx(abs(semitones), abs=1e-6)
    assert row["rpa_crepe"] == 0
    assert row["rca_crepe"] == (1 if semitones == 12 else 0)
    assert row["outlier_clips_0_0_6"] == row["outlier_clips_3_7"] == 0  # 12 are not over 12
    assert row["spectral_loss"] > 0.1


def test_gain_is_measured_in_db_and_in_standard_deviations():
    row = score(clip(loudness=-20.0), clip(loudness=-26.0))
    assert row["loudness_l1_db"] == pytest.approx(6)
    assert row["loudness_l1_std"] == pytest.approx(0.6)
    assert row["loudness_bias_db_sounding"] == pytest.approx(-6)


def test_the_curve_of_0_0_6_is_measured_on_the_audio_in_its_own_deviations():
    reference, estimate = clip(amplitude=0.1), clip(amplitude=0.2)
    difference = loudness_0_0_6(reference.audio) - loudness_0_0_6(estimate.audio)
    row = score(reference, estimate)
    assert row["loudness_l1_std_0_0_6"] == pytest.approx(np.abs(difference).mean() / 5)
    assert row["loudness_l1_std_0_0_6"] > 0 == row["loudness_l1_std"]


def test_only_sounding_frames_count_as_sounding():
    reference = clip()._replace(loudness_db=np.r_[np.full(500, -20.0), np.full(500, -80.0)])
    estimate = clip()._replace(loudness_db=np.r_[np.full(500, -22.0), np.full(500, -60.0)])
    row = score(reference, estimate)
    assert row["loudness_l1_db_sounding"] == pytest.approx(2)
    assert row["loudness_l1_db"] == pytest.approx(11)
    assert row["loudness_bias_db_sounding"] == pytest.approx(-2)
    assert row["frames_sounding"] == 500


def test_an_untrackable_resynthesis_is_an_outlier_of_0_0_6_and_the_paper_not_of_3_7():
    row = score(clip(), clip(confidence=0.3))
    assert row["frames_outlier_paper"] == 32
    assert row["outlier_clips_0_0_6"] == 1
    assert np.isnan(row["f0_l1_without_outliers_0_0_6"])
    assert row["outlier_clips_3_7"] == 0
    assert row["f0_l1_without_outliers_3_7"] == 0


def test_two_octaves_are_an_outlier_of_both_versions_and_leave_f0_l1():
    row = score(clip(), clip(f0=1760.0))
    assert row["outlier_clips_0_0_6"] == row["outlier_clips_3_7"] == 1
    assert row["frames_outlier_paper"] == 0
    assert row["f0_l1"] == pytest.approx(24)
    assert np.isnan(row["f0_l1_without_outliers_0_0_6"])
    assert np.isnan(row["f0_l1_without_outliers_3_7"])


def test_the_papers_text_counts_pitched_frames_alone():
    original = clip()._replace(confidence=np.repeat([0.95, 0.5], 16))
    resynthesis = clip()._replace(confidence=np.tile([0.85, 0.84], 16))
    row = score(original, resynthesis)
    assert (row["frames_outlier_paper"], row["frames_pitched"]) == (8, 16)


def test_an_untracked_original_is_undefined_not_zero():
    row = score(clip(confidence=0.5), clip())
    for name in (
        "f0_l1",
        "f0_l1_without_outliers_0_0_6",
        "f0_l1_without_outliers_3_7",
        "outlier_clips_3_7",
        "rpa_crepe",
        "rca_crepe",
    ):
        assert np.isnan(row[name]), name
    assert row["outlier_clips_0_0_6"] == 1
    assert row["frames_pitched"] == 0
    assert np.isnan(row["rpa_true"])


def test_silent_original_is_undefined_against_the_true_f0():
    row = score(clip(loudness=-80.0), clip(), np.full(32, 440.0))
    assert np.isnan(row["rpa_true"])
    assert np.isnan(row["loudness_l1_db_sounding"])


def test_pitch_accuracy_counts_fifty_cents():
    reference = np.full(4, 440.0)
    estimate = 440 * 2 ** (np.array([0, 49, 51, 1200]) / 1200)
    assert pitch_accuracy(reference, np.ones(4, bool), estimate) == (0.5, 0.75)


def test_zero_hz_counts_as_midi_zero():
    np.testing.assert_allclose(
        semitone_distance(np.array([440.0, 0.0]), np.array([0.0, 0.0])), [69, 0]
    )


@pytest.mark.parametrize(
    "broken",
    [
        clip()._replace(loudness_db=np.zeros(999)),
        clip()._replace(f0_hz=np.full(32, np.nan)),
        clip()._replace(confidence=np.full(32, 1.5)),
        clip()._replace(f0_hz=np.full(32, -1.0)),
    ],
)
def test_invalid_clips_are_refused(broken):
    with pytest.raises(ValueError):
        validate(clip(), broken)
