"""Loudness of signals whose loudness is known."""

import librosa
import numpy as np
import pytest

from pipeline.features.loudness import FLOOR_DB, loudness_db


def sine(frequency: float, amplitude: float) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(32000) / 16000)).astype(
        np.float32
    )[None]


@pytest.mark.parametrize("amplitude", [1.0, 0.1, 0.01])
@pytest.mark.parametrize("frequency", [110.0, 440.0, 1000.0, 3000.0])
def test_a_sine_reads_its_level_and_a_weight(frequency, amplitude):
    expected = 20 * np.log10(amplitude) + librosa.A_weighting(np.array([frequency]))[0]
    measured = loudness_db(sine(frequency, amplitude)).numpy()[0, 50:450]
    np.testing.assert_allclose(measured, expected, atol=0.25)


def test_gain_of_6_db_is_6_db():
    quiet, loud = (
        loudness_db(sine(700, a)).numpy()[0, 50:450] for a in (0.1, 0.1 * 10 ** (6 / 20))
    )
    np.testing.assert_allclose(loud - quiet, 6, atol=1e-3)


def test_silence_is_the_floor_and_shape_is_250_hz():
    loudness = loudness_db(np.zeros((2, 64000), np.float32)).numpy()
    assert loudness.shape == (2, 1000)
    np.testing.assert_array_equal(loudness, FLOOR_DB)


def test_frames_are_centred():
    audio = np.zeros((1, 64000), np.float32)
    audio[0, 32000] = 1
    assert abs(int(loudness_db(audio).numpy()[0].argmax()) - 500) <= 1
