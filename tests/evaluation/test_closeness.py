"""Closeness to a true sound: gain, delay, bands and tails that are known."""

import numpy as np
import pytest
from scipy.signal import fftconvolve

from pipeline.evaluation.alignment import advance
from pipeline.evaluation.closeness import compare, measure_truth, tail_frames
from room_sounds import SAMPLES, notes, room


def test_gain_and_delay_are_reported_and_do_not_count(random):
    sound = notes(random)
    whole, bands = compare(measure_truth(sound, sound), advance(0.5 * sound, -5), 5)
    assert whole["gain_db"] == pytest.approx(20 * np.log10(2), abs=1e-4)
    assert whole["delay_ms"] == 20
    for name in ("spectral_loss", "loudness_l1_db", "log_spectral_distance_db"):
        assert whole[name] == pytest.approx(0, abs=1e-3)
    assert whole["spectral_loss_as_is"] > 0.5
    assert all(band["level_db"] == pytest.approx(0, abs=1e-3) for band in bands)


def test_a_band_that_is_too_loud_is_reported(random):
    dry = 0.1 * random.normal(size=SAMPLES).astype(np.float32)
    # below 1 kHz: + 6 dB
    hum = dry + fftconvolve(
        dry, np.sinc(np.arange(-400, 401) / 8) / 8 * np.hanning(801), "same"
    ).astype(np.float32)
    bands = {
        band["band_hz"]: band["level_db"] for band in compare(measure_truth(dry, dry), hum, 0)[1]
    }
    assert bands["250"] - bands["4000"] == pytest.approx(6, abs=0.3)
    assert bands["500"] - bands["2000"] == pytest.approx(6, abs=0.3)
    assert len(bands) == 6


def test_tails_are_measured_in_rests_only(random):
    silent = np.r_[np.full(50, -80.0), np.full(50, -20.0), np.full(200, -80.0)]
    found = np.flatnonzero(tail_frames(silent))
    # half a second after the last sounding frame
    assert found[0] == 100
    assert found[-1] == 223
    assert len(found) == 124


def test_a_tail_is_measured_over_the_sounding_level(random):
    """A room's sound has a tail; a steady one has no rest to measure it in."""
    dry = notes(random)
    wet = fftconvolve(dry, room(0.6, 0.0, random))[:SAMPLES].astype(np.float32)
    truth = measure_truth(dry, dry)
    tails = [compare(truth, sound, 0)[0]["tail_db"] for sound in (dry, wet, 10 ** (-5 / 20) * wet)]
    assert tails[0] < -40
    assert -25 < tails[1] < -5
    assert tails[2] == pytest.approx(tails[1], abs=0.01)
    steady = 0.1 * np.sin(2 * np.pi * 440 * np.arange(SAMPLES) / 16000).astype(np.float32)
    whole, _ = compare(measure_truth(steady, steady), steady, 0)
    assert np.isnan(whole["tail_db"])
    assert whole["frames_tail"] == 0


def test_a_silent_truth_is_undefined_not_zero(random):
    silence = np.zeros(SAMPLES, np.float32)
    whole, bands = compare(measure_truth(silence, silence), notes(random), 0)
    assert np.isnan(whole["loudness_l1_db"])
    assert np.isnan(whole["log_spectral_distance_db"])
    assert whole["frames_sounding"] == 0
    assert all(
        np.isnan(band["level_db"]) and np.isnan(band["log_spectral_distance_db"]) for band in bands
    )
