"""The filtered-noise synthesizer against NumPy and closed forms."""

import numpy as np
import pytest
import tensorflow as tf

from pipeline.common.units import HOP
from pipeline.dsp.filtered_noise import filtered_noise, impulse_responses


def test_impulse_responses_are_linear_phase_and_have_the_magnitudes():
    frequencies = np.linspace(0, 1, 65)
    magnitudes = np.exp(-((frequencies - 0.3) ** 2) / 0.05)  # so smooth that windowing blurs little
    response = magnitudes @ impulse_responses(65)
    np.testing.assert_allclose(response[1:], response[1:][::-1], atol=1e-6)
    np.testing.assert_allclose(np.abs(np.fft.rfft(response, 128)), magnitudes, atol=0.02)


def test_equals_convolution_hop_by_hop(random):
    noise = random.uniform(-1, 1, 5 * HOP)
    magnitudes = random.uniform(0, 1, (5, 65))
    expected = np.zeros(5 * HOP + 127)
    for frame in range(5):
        hop = noise[frame * HOP : (frame + 1) * HOP]
        filtered = np.convolve(hop, magnitudes[frame] @ impulse_responses(65))
        expected[frame * HOP : frame * HOP + len(filtered)] += filtered
    ours = filtered_noise(
        tf.constant(noise[None], tf.float32), tf.constant(magnitudes[None], tf.float32)
    )
    np.testing.assert_allclose(ours[0], expected[64 : 64 + 5 * HOP], atol=1e-5)


def test_flat_unit_magnitudes_change_nothing(random):
    noise = random.normal(size=(2, 20 * HOP)).astype(np.float32)
    np.testing.assert_allclose(
        filtered_noise(tf.constant(noise), tf.ones([2, 20, 65])), noise, atol=1e-5
    )


@pytest.mark.parametrize("band", [10, 32, 55])
def test_noise_has_its_energy_in_the_filters_band(random, band):
    magnitudes = np.zeros((1, 500, 65), np.float32)
    magnitudes[..., band] = 1
    noise = tf.constant(random.uniform(-1, 1, (1, 500 * HOP)), tf.float32)
    spectrum = np.abs(np.fft.rfft(filtered_noise(noise, tf.constant(magnitudes))[0])) ** 2
    centroid = (spectrum * np.linspace(0, 64, len(spectrum))).sum() / spectrum.sum()
    assert abs(centroid - band) < 0.5
    inside = slice(int((band - 3) / 64 * len(spectrum)), int((band + 3) / 64 * len(spectrum)))
    assert spectrum[inside].sum() > 0.99 * spectrum.sum()


def test_the_gradient_equals_a_finite_difference(random):
    noise = tf.constant(random.uniform(-1, 1, (1, 3 * HOP)), tf.float32)
    magnitudes = tf.Variable(random.uniform(0, 1, (1, 3, 9)), dtype=tf.float32)
    weights = tf.constant(random.normal(size=3 * HOP), tf.float32)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(filtered_noise(noise, magnitudes) * weights)
    gradient = tape.gradient(value, magnitudes).numpy()
    step = np.zeros((1, 3, 9), np.float32)
    step[0, 1, 4] = 1  # a step of any size, because the output is linear in the magnitudes
    difference = tf.reduce_sum(filtered_noise(noise, tf.constant(step)) * weights).numpy()
    assert difference == pytest.approx(gradient[0, 1, 4], rel=1e-3)
