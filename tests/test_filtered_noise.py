"""The filtered-noise synthesizer against NumPy and closed forms."""

import numpy as np
import pytest
import tensorflow as tf

from pipeline.filtered_noise import fft_convolve, filtered_noise, impulse_responses, time_varying_filter
from pipeline.units import HOP


def test_convolution_equals_numpy(random):
    signal, response = random.normal(size=(3, 64)), random.normal(size=(3, 129))
    ours = fft_convolve(tf.constant(signal, tf.float32), tf.constant(response, tf.float32)).numpy()
    np.testing.assert_allclose(ours, [np.convolve(s, r) for s, r in zip(signal, response)], atol=1e-4)


def test_convolution_with_an_impulse_is_a_delay(random):
    signal = random.normal(size=(1, 200)).astype(np.float32)
    impulse = np.zeros((1, 50), np.float32)
    impulse[0, 17] = 1
    np.testing.assert_allclose(fft_convolve(tf.constant(signal), tf.constant(impulse)).numpy()[0, 17:217], signal[0], atol=1e-5)


def test_impulse_responses_are_linear_phase_and_have_the_magnitudes():
    frequencies = np.linspace(0, 1, 65)
    magnitudes = np.exp(-((frequencies - 0.3) ** 2) / 0.05).astype(np.float32)  # smooth: the window blurs little
    response = impulse_responses(tf.constant(magnitudes[None, None]))[0, 0].numpy()
    np.testing.assert_allclose(response[1:], response[1:][::-1], atol=1e-6)
    np.testing.assert_allclose(np.abs(np.fft.rfft(response, 128)), magnitudes, atol=0.02)


def test_flat_unit_magnitudes_change_nothing(random):
    signal = random.normal(size=(2, 20 * HOP)).astype(np.float32)
    filtered = time_varying_filter(tf.constant(signal), tf.ones([2, 20, 65]))
    np.testing.assert_allclose(filtered, signal, atol=1e-5)


@pytest.mark.parametrize("band", [10, 32, 55])
def test_noise_has_its_energy_where_the_filter_is(band):
    magnitudes = np.zeros((1, 500, 65), np.float32)
    magnitudes[..., band] = 1
    spectrum = np.abs(np.fft.rfft(filtered_noise(tf.constant(magnitudes), [1, 2])[0])) ** 2
    centroid = (spectrum * np.linspace(0, 64, len(spectrum))).sum() / spectrum.sum()
    assert abs(centroid - band) < 0.5
    inside = slice(int((band - 3) / 64 * len(spectrum)), int((band + 3) / 64 * len(spectrum)))
    assert spectrum[inside].sum() > 0.99 * spectrum.sum()


def test_noise_is_a_function_of_its_seed():
    magnitudes = tf.ones([1, 10, 65])
    first, again, other = (filtered_noise(magnitudes, seed).numpy() for seed in ([1, 2], [1, 2], [1, 3]))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1
    assert np.abs(first).max() < 1.001 and abs(first.std() - 1 / np.sqrt(3)) < 0.05
