"""Scores of timbre transfers on tones with known answers."""

import numpy as np
import pytest

from pipeline.audio.clips import Clip
from pipeline.evaluation.timbre_transfer import correlation, score, truth_scores
from pipeline.studies.conditions import Condition
from transfer_sounds import TARGET, tone


def clip(f0=440.0, loudness=None, confidence=0.95):
    loudness = np.linspace(-40, -20, 1000) if loudness is None else loudness
    return Clip(tone(f0), loudness, np.full(32, f0), np.full(32, confidence))


def scored(source, output, octaves, asked=None):
    asked = source.loudness_db if asked is None else asked
    condition = Condition(
        np.full(1000, source.f0_hz[0] * 2.0**octaves), asked, source.confidence >= 0.85
    )
    return score(source, output, condition, octaves, TARGET, step_ms=128)


def test_a_transfer_that_follows_its_conditioning_is_perfect():
    row = scored(clip(), clip(f0=880.0), octaves=1)
    assert row["rpa"] == row["rca"] == row["rpa_asked"] == 1
    assert row["f0_l1"] == pytest.approx(0)
    assert row["loudness_correlation"] == pytest.approx(1)
    assert row["loudness_l1_db"] == 0
    assert row["frames_pitched"] == 32
    assert row["frames_outlier"] == row["frames_beyond"] == 0
    assert scored(clip(), clip(), octaves=0)["timbre_to_source"] == 0


def test_a_wrong_octave_keeps_chroma_and_loses_pitch():
    row = scored(clip(), clip(), octaves=1)
    assert row["rpa"] == 0
    assert row["rca"] == 1
    assert row["f0_l1"] == pytest.approx(12)
    assert scored(clip(), clip(f0=500.0), octaves=0)["rca"] == 0


def test_loudness_is_compared_with_what_was_asked_and_correlated_with_the_source():
    source, output = clip(), clip(loudness=np.linspace(-30, -20, 1000))
    row = scored(source, output, 0, asked=np.linspace(-32, -22, 1000))
    assert row["loudness_correlation"] == pytest.approx(1)
    assert row["loudness_l1_db"] == pytest.approx(2)
    falling = scored(source, clip(loudness=np.linspace(-20, -40, 1000)), 0)
    assert falling["loudness_correlation"] == pytest.approx(-1)
    assert falling["loudness_correlation_asked"] == pytest.approx(1)


def test_undefined_is_not_zero():
    silent = clip(loudness=np.full(1000, -80.0), confidence=0.3)
    row = scored(silent, clip(), 0)
    for name in (
        "rpa",
        "rca",
        "f0_l1",
        "loudness_correlation",
        "loudness_l1_db",
        "timbre_to_source",
        "timbre_source_to_training",
    ):
        assert np.isnan(row[name]), name
    assert row["frames_pitched"] == row["frames_sounding"] == row["frames_source"] == 0
    assert np.isfinite(row["timbre_to_training"])
    assert np.isnan(correlation(np.ones(9), np.arange(9)))
    assert np.isnan(correlation(np.ones(1), np.ones(1)))
    beyond = scored(clip(f0=1500.0), clip(), octaves=1)  # CREPE cannot track 3000 Hz
    assert np.isnan(beyond["rpa"])
    assert beyond["frames_beyond"] == 32


def test_the_true_f0_shows_an_octave_error_of_the_tracker():
    """Tracked an octave too high, moved an octave down: the output is right."""
    source = clip()._replace(f0_hz=np.full(32, 880.0))
    truth = np.where(np.arange(1000) < 512, 440.0, 0.0)
    found = truth_scores(source, clip(), truth, 128)
    assert found == {"source_rpa_true": 0, "rca_true": 1, "frames_true": 16}
    assert np.isnan(truth_scores(source, clip(), None, 128)["rca_true"])
