"""How closely a sound follows its conditioning: tones with known answers, trajectories."""

import numpy as np
import pytest

from pipeline.evaluation.centroid import spectral_centroid
from pipeline.evaluation.control import describe_trajectory
from pipeline.evaluation.following import follow
from tracked_tones import SAMPLES, STEP_MS, condition, tone, tracked_tone


def test_following_is_measured_in_semitones_decibels_and_shares():
    found = follow(condition(440, -30.0), tracked_tone(440 * 2 ** (1 / 12), -24.0), STEP_MS)
    assert found["f0_l1"] == pytest.approx(1, abs=1e-6)
    assert found["loudness_l1_db"] == pytest.approx(6)
    assert found["frames_outlier"] == 0
    assert found["frames_pitched"] == 8
    assert (
        follow(condition(440, -30.0), tracked_tone(440, -30.0, confidence=0.5), STEP_MS)[
            "frames_outlier"
        ]
        == 8
    )


def test_what_the_tracker_cannot_hear_is_left_out_and_counted():
    found = follow(condition(4000, -30.0), tracked_tone(4000, -30.0), STEP_MS)
    assert np.isnan(found["f0_l1"])
    assert found["frames_pitched"] == 0
    assert found["frames_beyond"] == found["frames_asked"] == 8


def test_the_centroid_of_a_tone_is_its_frequency():
    assert np.median(spectral_centroid(tone(1000))) == pytest.approx(1000, abs=2)
    assert follow(condition(500, -30.0), tracked_tone(500, -20.0, audio=tone(1000)), STEP_MS)[
        "centroid_harmonics"
    ] == pytest.approx(2, rel=0.1)


def test_silence_has_no_centroid():
    assert np.isnan(
        follow(
            condition(440, -30.0),
            tracked_tone(440, -80.0, audio=np.zeros(SAMPLES, np.float32)),
            STEP_MS,
        )["centroid_hz"]
    )


def test_a_trajectory_up_one_down_and_a_jump():
    steps = np.arange(5.0)
    assert describe_trajectory(steps, steps) == pytest.approx((1, 0.25))
    assert describe_trajectory(-steps, steps) == pytest.approx(
        (-1, 0.25)
    )  # it moves against the conditioning
    assert describe_trajectory(np.full(5, np.nan), -steps) == pytest.approx((1, 0.25))
    assert describe_trajectory(steps, np.array([0, 0, 0, 1, 1.0]))[1] == 1
    assert np.isnan(describe_trajectory(steps, np.full(5, 3.0))).all()
