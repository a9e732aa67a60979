"""Loudness of signals with a known loudness."""

import librosa
import numpy as np
import pytest

from pipeline.features.loudness import FLOOR_DB, loudness_db


def sine(frequency: float, amplitude: float) -> np.ndarray:
    """Two seconds of a sine: [1, 32000]."""
    time = np.arange(32000) / 16000
    return (amplitude * np.sin(2 * np.pi * frequency * time)).astype(np.float32)[None]


@pytest.mark.parametrize("amplitude", [1.0, 0.1, 0.01])
@pytest.mark.parametrize("frequency", [110.0, 440.0, 1000.0, 3000.0])
def test_a_sine_reads_its_level_plus_its_a_weighting(frequency, amplitude):
    expected = 20 * np.log10(amplitude) + librosa.A_weighting(np.array([frequency]))[0]
    measured = loudness_db(sine(frequency, amplitude)).numpy()[0, 50:450]
    np.testing.assert_allclose(measured, expected, atol=0.25)


def test_gain_of_6_db_is_6_db():
    quiet = loudness_db(sine(700, 0.1)).numpy()[0, 50:450]
    loud = loudness_db(sine(700, 0.1 * 10 ** (6 / 20))).numpy()[0, 50:450]
    np.testing.assert_allclose(loud - quiet, 6, atol=1e-3)


def test_silence_reads_the_floor_at_250_hz():
    loudness = loudness_db(np.zeros((2, 64000), np.float32)).numpy()
    assert loudness.shape == (2, 1000)
    np.testing.assert_array_equal(loudness, FLOOR_DB)


def test_frames_are_centred():
    audio = np.zeros((1, 64000), np.float32)
    audio[0, 32000] = 1
    assert abs(int(loudness_db(audio).numpy()[0].argmax()) - 500) <= 1
