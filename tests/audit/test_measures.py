"""The audit's own metrics: closed forms, and the pipeline's metrics, which they must not be."""

import numpy as np
import pytest

from pipeline.audit.measures import (
    close,
    early_to_late_db,
    f0_distance,
    frames,
    loudness,
    loudness_0_0_6,
    spectral_loss,
    window,
)
from pipeline.evaluation.metrics import semitone_distance
from pipeline.evaluation.metrics import spectral_loss as training_loss
from pipeline.features import loudness_0_0_6 as curve_0_0_6
from pipeline.features.loudness import loudness_curve
from pipeline.studies.room_acoustics import DIRECT, EARLY, OCTAVES_HZ, band_edges, energy_ratio_db

SECOND = np.arange(16000) / 16000


def decay(seconds, random, ratio=1.0):
    """A response with a direct sound and a tail of a known T60 and a known ratio of energies."""
    tail = random.normal(size=16000) * 10 ** (-3 * SECOND / seconds) * (SECOND >= 0.0025)
    response = tail / np.sqrt(ratio * np.square(tail).sum())
    response[0] = 1.0
    return response


@pytest.mark.parametrize("decibels", [0, -6, -40])
def test_a_full_scale_sine_of_1_khz_is_the_reference(decibels):
    sine = 10 ** (decibels / 20) * np.sin(2 * np.pi * 1000 * SECOND)
    assert loudness(sine)[50:200] == pytest.approx(decibels, abs=0.02)


def test_silence_is_at_the_floor():
    assert set(loudness(np.zeros(4096))) == {-80.0}


@pytest.mark.parametrize(("hz", "decibels"), [(100, -19.1), (250, -8.6), (4000, 1.0)])
def test_loudness_is_a_weighted(hz, decibels):
    """The weights are those of IEC 61672's table."""
    assert loudness(np.sin(2 * np.pi * hz * SECOND))[50:200].mean() == pytest.approx(
        decibels, abs=0.1
    )


def test_loudness_is_the_pipelines(random):
    audio = (0.1 * random.normal(size=16000) * SECOND).astype(np.float32)
    np.testing.assert_allclose(loudness(audio), loudness_curve(audio), atol=0.01)


def test_loudness_of_0_0_6_is_the_pipelines(random):
    audio = (0.1 * random.normal(size=16000) * SECOND).astype(np.float32)
    audio[4000:8000] = 0
    expected = curve_0_0_6.loudness_0_0_6(audio)
    np.testing.assert_allclose(loudness_0_0_6(audio), expected, atol=0.01)


def test_spectral_loss_is_the_pipelines(random):
    one, other = (random.normal(size=16384).astype(np.float32) * 0.1 for _ in range(2))
    assert spectral_loss(one, other) == pytest.approx(training_loss(one, other), rel=1e-4)
    assert spectral_loss(one, one) == 0 < spectral_loss(one, 0.5 * one)


def test_a_sound_twice_as_loud_costs_a_logarithm_of_two_in_each_of_six_scales(random):
    noise = random.normal(size=16384)
    magnitudes = [
        np.abs(np.fft.rfft(frames(noise, size, size // 4, 0) * window(size))).mean()
        for size in (2048, 1024, 512, 256, 128, 64)
    ]
    assert spectral_loss(noise, 2 * noise) == pytest.approx(
        6 * np.log(2) + sum(magnitudes), rel=1e-3
    )


def test_windows_add_up_to_a_constant():
    total = sum(np.roll(np.pad(window(64), (0, 64)), shift) for shift in (0, 32, 64))
    assert total[32:96] == pytest.approx(1)


@pytest.mark.parametrize("semitones", [0.0, 1.0, -12.0])
def test_f0_distance_is_in_semitones(semitones):
    wanted = np.full(10, 440.0)
    found = wanted * 2 ** (semitones / 12)
    assert f0_distance(wanted, found, np.ones(10, bool)) == pytest.approx(abs(semitones))
    assert f0_distance(wanted, found, np.ones(10, bool)) == pytest.approx(
        semitone_distance(wanted, found).mean()
    )


def test_frames_that_do_not_count_do_not_and_none_is_undefined():
    wanted, found = np.array([440.0, 440.0]), np.array([440.0, 880.0])
    assert f0_distance(wanted, found, np.array([True, False])) == 0
    assert np.isnan(f0_distance(wanted, found, np.zeros(2, bool)))


def test_no_f0_is_midi_0():
    assert f0_distance(np.array([440.0]), np.array([0.0]), np.ones(1, bool)) == 69


@pytest.mark.parametrize("ratio", [1.0, 4.0])
def test_a_rooms_ratio_is_that_of_its_energies(random, ratio):
    """In the widest band; a click and noise are white alike."""
    response = decay(0.5, random, ratio)
    assert early_to_late_db(response, 0.0025, 20, 7900) == pytest.approx(
        10 * np.log10(ratio), abs=0.5
    )


@pytest.mark.parametrize("center", OCTAVES_HZ)
def test_a_rooms_ratios_are_the_studies(random, center):
    response = decay(0.4, random)
    for seconds, samples in ((0.0025, DIRECT), (0.05, EARLY)):
        assert early_to_late_db(response, seconds, *band_edges(center)) == pytest.approx(
            energy_ratio_db(response, samples, str(center)), abs=1e-6
        )


def test_figures_are_close_within_two_hundredths_or_two_percent():
    assert close(0.5, 0.519) and not close(0.5, 0.521)
    assert close(10.0, 10.19) and not close(10.0, 10.21)
    assert close(np.nan, np.nan) and not close(np.nan, 1.0) and not close(1.0, np.nan)
