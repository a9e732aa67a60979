"""Adjusting a source to a target, and the target itself."""

import numpy as np
import pytest

from pipeline.studies.adjustment import adjust
from pipeline.studies.target import describe_target, timbre, timbre_distance
from transfer_sounds import TARGET, tone


@pytest.mark.parametrize(("midi", "octaves"), [(72, 0), (66.5, 0), (65.5, 1), (48, 2), (79, -1)])
def test_f0_is_moved_by_the_octaves_that_bring_it_nearest(midi, octaves):
    f0 = np.full(100, 440 * 2 ** ((midi - 69) / 12))
    f0[:30] *= 4  # not sounding, or not pitched: no matter what is tracked there
    loudness, confidence = np.full(100, -30.0), np.full(100, 0.9)
    loudness[:15], confidence[15:30] = -75.0, 0.5
    done, moved, _ = adjust(f0, confidence, loudness, TARGET)
    assert done.octaves == octaves
    assert done.pitch == pytest.approx(midi)
    np.testing.assert_allclose(moved, f0 * 2.0**octaves, rtol=1e-6)


def test_loudness_gets_the_targets_mean_and_spread_and_silence_stays_silent(random):
    loudness = np.r_[random.normal(-45, 4, 500), np.full(300, -74.0), np.full(200, -80.0)]
    done, _, moved = adjust(np.full(1000, 440.0), np.ones(1000), loudness, TARGET)
    assert moved[:500].mean() == pytest.approx(-30, abs=1e-3)
    assert moved[:500].std() == pytest.approx(8, abs=1e-3)
    np.testing.assert_array_equal(moved[500:], loudness[500:].astype(np.float32))
    assert done.loudness_scale == pytest.approx(8 / loudness[:500].std())
    assert np.corrcoef(moved[:500], loudness[:500])[0, 1] == pytest.approx(1, abs=1e-6)


def test_sources_without_pitch_spread_or_sound():
    flat, unsure = np.full(50, -40.0), np.full(50, 0.2)
    done, f0, moved = adjust(np.full(50, 100.0), unsure, flat, TARGET)
    assert done.octaves == 0
    assert np.isnan(done.pitch)
    assert (f0 == 100).all()
    assert (moved == -30).all()
    done, _, moved = adjust(np.full(50, 100.0), unsure, np.full(50, -80.0), TARGET)
    assert np.isnan(done.loudness_mean)
    assert (moved == -80).all()


def test_the_target_is_measured_on_sounding_and_pitched_frames():
    def example(midi, loudness, confidence):
        silent = np.arange(1000) >= 800
        return {
            "audio": tone(440 * 2 ** ((midi - 69) / 12)),
            "f0_hz": np.where(silent, 4000.0, 440 * 2 ** ((midi - 69) / 12)),
            "f0_confidence": np.full(1000, confidence),
            "loudness_db": np.where(silent, -80.0, loudness),
        }

    examples = [example(60, -20.0, 0.9), example(64, -30.0, 0.9), example(90, -40.0, 0.3)]
    target = describe_target(examples)
    assert target.pitch == pytest.approx(62, abs=1e-3)
    assert target.loudness_mean == pytest.approx(-30)
    assert target.loudness_std == pytest.approx(np.std([20, 30, 40]))
    timbres = np.array([timbre(each["audio"], each["loudness_db"]) for each in examples])
    distances = [timbre_distance(each, np.array(target.timbre_mean), target) for each in timbres]
    # a training clip is 1 from the mean, as root mean square
    assert np.mean(np.square(distances)) == pytest.approx(1, abs=1e-6)


def test_timbre_ignores_gain_and_silence():
    bright, dull = (tone(300, harmonics=count) for count in (20, 2))
    sounding = np.full(1000, -20.0)
    same, other = (
        timbre_distance(timbre(bright, sounding), timbre(bright * 0.3, sounding), TARGET),
        timbre_distance(timbre(bright, sounding), timbre(dull, sounding), TARGET),
    )
    assert same < 0.01
    assert other > 10 * max(same, 0.1)
    half = np.r_[bright[:32000], np.zeros(32000, np.float32)]
    heard = np.r_[np.full(480, -20.0), np.full(520, -80.0)]
    assert timbre_distance(timbre(half, heard), timbre(bright, sounding), TARGET) < 0.2
    assert np.isnan(timbre(half, np.full(1000, -80.0))).all()
    assert timbre_distance(np.zeros(12), np.full(12, 6.0), TARGET) == 3.0
