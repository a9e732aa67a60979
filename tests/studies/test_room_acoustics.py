"""Room acoustic measures against closed forms."""

import numpy as np
import pytest

from pipeline.studies.room_acoustics import (
    BANDS,
    DIRECT,
    EARLY,
    decay_curve,
    decay_distance,
    decaying_noise,
    describe_response,
    energy_ratio_db,
    reverberation_time,
)
from room_sounds import decay, ring, room


@pytest.mark.parametrize("t60", [0.3, 0.6, 0.9])
def test_t60_of_a_known_decay(t60, random):
    assert (
        reverberation_time(ring(t60))
        == pytest.approx(t60, rel=0.01)
        == reverberation_time(ring(t60), "1000")
    )
    assert reverberation_time(room(t60, 0.0, random)) == pytest.approx(t60, rel=0.05)
    for band in BANDS[3:]:  # from 500 Hz on, where a band holds enough of the noise
        assert reverberation_time(room(t60, 0.0, random), band) == pytest.approx(t60, rel=0.15)


def test_t60_ignores_the_direct_sound(random):
    assert reverberation_time(room(0.6, 30.0, random)) == pytest.approx(0.6, rel=0.05)


def test_the_decay_curve_of_an_exponential_is_a_line():
    np.testing.assert_allclose(
        decay_curve(decay(0.5))[: 16000 // 2], -60 * np.arange(8000) / 8000, atol=0.01
    )


def test_a_click_has_no_reverberation():
    click = np.eye(1, 16000)[0]
    measures = describe_response(click, click, "all")
    assert np.isnan(measures["t60_seconds"])
    assert np.isnan(measures["direct_to_reverberant_db"])
    assert np.isnan(measures["c50_db"])
    assert measures["decay_distance_db"] == 0
    assert decaying_noise(click, 0).sum() == 1


@pytest.mark.parametrize("gain", [0.1, 0.5, 2.0])
def test_an_echo_has_the_ratio_of_its_gain(gain):
    echo = np.zeros(16000)
    echo[0], echo[800 + DIRECT] = 1.0, gain
    for band in BANDS:
        assert energy_ratio_db(echo, DIRECT, band) == pytest.approx(-20 * np.log10(gain), abs=0.05)
        assert energy_ratio_db(echo, EARLY, band) == pytest.approx(-20 * np.log10(gain), abs=0.05)
    assert energy_ratio_db(echo, EARLY + 2 * DIRECT) != energy_ratio_db(echo, EARLY)


def test_distance_of_two_decays_is_that_of_their_lines():
    """Down to -30 dB, t / 0.4 s against t / 0.8 s: 0 dB at the start, 15 dB at the end."""
    assert decay_distance(ring(0.4), ring(0.4)) == 0
    assert decay_distance(ring(0.4, 2.0), ring(0.8, 2.0)) == pytest.approx(7.5, rel=0.02)


def test_each_band_has_its_decay():
    response = ring(0.8, hz=500) + ring(0.3, hz=4000)
    assert reverberation_time(response, "500") == pytest.approx(0.8, rel=0.02)
    assert reverberation_time(response, "4000") == pytest.approx(0.3, rel=0.02)


def test_decaying_noise_has_the_measures_of_its_response(random):
    learned = room(0.7, 3.0, random)
    like = decaying_noise(learned, 1)
    assert reverberation_time(like) == pytest.approx(reverberation_time(learned), rel=0.06)
    assert energy_ratio_db(like, DIRECT) == pytest.approx(energy_ratio_db(learned, DIRECT), abs=0.3)
    assert like[0] == 1
    assert (decaying_noise(learned, 1) == like).all()
    assert (decaying_noise(learned, 2) != like).any()
    assert abs(np.corrcoef(like[1:], learned[1:])[0, 1]) < 0.1
