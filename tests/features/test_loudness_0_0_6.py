"""The loudness curve of version 0.0.6: restated from its source, and closed forms."""

import numpy as np
import pytest

from pipeline.features.loudness import loudness_curve
from pipeline.features.loudness_0_0_6 import loudness_0_0_6, loudness_std_0_0_6


def a_weighting_db(hz):
    """IEC 61672; the source's library limits it to -80 dB."""
    if hz == 0:
        return -80.0
    f = hz**2
    gain = 12194**2 * f**2 / ((f + 20.6**2) * (f + 12194**2))
    gain /= np.sqrt((f + 107.7**2) * (f + 737.9**2))
    return max(-80.0, 2.0 + 20 * np.log10(gain))


def source_curve(audio):
    """Restate compute_loudness (use_tf=False, its defaults) frame by frame in float64."""
    count = int(np.ceil(len(audio) / 64))
    padded = np.concatenate([audio.astype(float), np.zeros((count - 1) * 64 + 2048 - len(audio))])
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)
    weights = np.array([a_weighting_db(number * 16000 / 2048) for number in range(1025)])
    curve = []
    for frame in range(count):
        magnitudes = np.abs(np.fft.rfft(padded[64 * frame : 64 * frame + 2048] * window))
        decibels = 20 * np.log10(np.maximum(1e-20, magnitudes)) + weights - 20.7
        curve.append(np.maximum(decibels, -120).mean())
    return np.array(curve)


@pytest.mark.parametrize("samples", [16000, 6400, 1000, 65])
def test_the_curve_is_the_sources(random, samples):
    audio = (random.normal(size=samples) * np.linspace(0, 0.3, samples)).astype(np.float32)
    audio[samples // 3 : samples // 2] = 0
    expected = source_curve(audio)
    measured = loudness_0_0_6(audio)
    assert measured.shape == expected.shape
    np.testing.assert_allclose(measured, expected, atol=2e-3)


def test_silence_is_at_the_floor_of_every_bin():
    np.testing.assert_array_equal(loudness_0_0_6(np.zeros(64000, np.float32)), np.full(1000, -120))


def test_white_noise_of_amplitude_1_is_near_0_db(random):
    """A bin's power is exponentially distributed: its mean in dB is 10 gamma / ln 10 lower."""
    noise = random.uniform(-1, 1, 64000).astype(np.float32)
    power = 10 * np.log10(2048 * 3 / 8 / 3) - 10 * np.euler_gamma / np.log(10)
    weights = np.mean([a_weighting_db(number * 16000 / 2048) for number in range(1025)])
    expected = power + weights - 20.7
    assert abs(expected) < 1
    assert loudness_0_0_6(noise)[:968].mean() == pytest.approx(expected, abs=0.1)


def test_gain_of_20_db_is_20_db_where_no_bin_is_at_the_floor(random):
    noise = random.uniform(-1, 1, 16000).astype(np.float32)
    louder, quieter = loudness_0_0_6(noise), loudness_0_0_6(noise * np.float32(0.1))
    np.testing.assert_allclose((louder - quieter)[:218], 20, atol=0.1)


def test_a_frame_begins_at_its_time_unlike_in_our_curve():
    audio = np.zeros(64000, np.float32)
    audio[32000:] = 0.5 * np.sin(np.arange(32000))
    heard = np.flatnonzero(loudness_0_0_6(audio) > -120)
    assert heard[0] == (32000 - 2048) // 64 + 1
    assert np.flatnonzero(loudness_curve(audio) > -80)[0] > heard[0] + 10


def test_the_deviation_is_over_all_frames_of_all_sounds(random):
    sounds = [random.normal(size=size).astype(np.float32) * size / 9000 for size in (6400, 3200)]
    curves = np.concatenate([source_curve(audio) for audio in sounds])
    assert loudness_std_0_0_6(iter(sounds)) == pytest.approx(curves.std(), rel=1e-4)
