"""The harmonic synthesizer against closed forms in float64."""

import numpy as np
import pytest
import tensorflow as tf

from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.dsp.harmonic import (
    hann_envelope,
    harmonic_synthesis,
    linear_envelope,
    normalized_distribution,
    phase_cycles,
    remove_above_nyquist,
)
from pipeline.dsp.interpolation import upsample_linear
from pipeline.dsp.sines import sum_of_sines


def tone(f0: float, frames: int, harmonics: int = 1, amplitude: float = 0.5) -> np.ndarray:
    """Synthesize a steady tone with equal harmonics: [frames * 64]."""
    f0_hz = tf.fill([1, frames], f0)
    distribution = tf.fill([1, frames, harmonics], 1 / harmonics)
    return harmonic_synthesis(f0_hz, tf.fill([1, frames], amplitude), distribution)[0].numpy()


def test_a_sine_has_its_frequency_and_amplitude():
    audio = tone(440.0, 250)
    n = np.arange(1, len(audio) + 1)
    np.testing.assert_allclose(audio, 0.5 * np.sin(2 * np.pi * 440 * n / SAMPLE_RATE), atol=2e-5)


def test_harmonics_are_multiples_with_their_weights(random):
    weights = random.uniform(size=20)
    weights /= weights.sum()
    distribution = np.tile(weights, (1, 250, 1)).astype(np.float32)
    audio = harmonic_synthesis(
        tf.fill([1, 250], 220.0), tf.ones([1, 250]), tf.constant(distribution)
    )[0].numpy()
    spectrum = np.abs(np.fft.rfft(audio)) / (len(audio) / 2)
    measured = spectrum[220 * np.arange(1, 21)]  # one second: a bin per Hz
    np.testing.assert_allclose(measured, weights, atol=1e-4)


@pytest.mark.parametrize("f0", [80.0, 440.0, 1999.0])
def test_silence_above_nyquist(f0):
    audible = remove_above_nyquist(tf.fill([1, 5], f0), tf.ones([1, 5, 100]))[0, 0].numpy()
    numbers = np.arange(1, 101)
    np.testing.assert_array_equal(audible, (numbers * f0 < SAMPLE_RATE / 2).astype(float))
    normalized = normalized_distribution(tf.fill([1, 5], f0), tf.ones([1, 5, 100])).numpy()
    np.testing.assert_allclose(normalized.sum(-1), 1, atol=1e-6)


def test_a_rising_f0_never_aliases():
    f0_hz = tf.constant([[3900.0, 3990.0, 4100.0, 4300.0]])
    audible = remove_above_nyquist(f0_hz, tf.ones([1, 4, 2]))[0, :, 1].numpy()
    # frame 1 glides to 4100 Hz, whose octave is above 8 kHz
    np.testing.assert_array_equal(audible, [1, 0, 0, 0])


def test_above_nyquist_everywhere_is_silence_not_nan():
    silent = normalized_distribution(tf.fill([1, 3], 8000.0), tf.ones([1, 3, 4]))
    np.testing.assert_array_equal(silent, 0)


@pytest.mark.parametrize(("harmonics", "vectors"), [(1, 1), (7, 2), (60, 2), (100, 2), (101, 3)])
def test_sum_of_sines_equals_the_plain_sum(random, harmonics, vectors):
    cycles = random.uniform(size=(2, 3, 64))
    weights = random.normal(size=(2, 3, vectors, harmonics))
    plain = np.einsum(
        "btvk,btkn->btvn",
        weights,
        np.sin(2 * np.pi * np.arange(1, harmonics + 1)[:, None] * cycles[:, :, None]),
    )
    fast = sum_of_sines(tf.constant(cycles, tf.float32), tf.constant(weights, tf.float32))
    np.testing.assert_allclose(fast, plain, atol=2e-3)


@pytest.mark.parametrize(("harmonics", "vectors"), [(1, 1), (7, 2), (100, 2), (101, 3)])
def test_gradients_of_the_sum_of_sines_equal_the_plain_sums(random, harmonics, vectors):
    cycles = random.uniform(size=(2, 3, 64))
    weights = random.normal(size=(2, 3, vectors, harmonics))
    upstream = random.normal(size=(2, 3, vectors, 64))
    factors = 2 * np.pi * np.arange(1, harmonics + 1)
    angles = factors[:, None] * cycles[:, :, None]
    to_cycles = np.einsum("btvk,k,btkn,btvn->btn", weights, factors, np.cos(angles), upstream)
    to_weights = np.einsum("btkn,btvn->btvk", np.sin(angles), upstream)
    inputs = [tf.constant(values, tf.float64) for values in (cycles, weights)]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        audio = sum_of_sines(*inputs)
    ours = tape.gradient(audio, inputs, output_gradients=tf.constant(upstream))
    for gradient, exact in zip(ours, (to_cycles, to_weights), strict=True):
        np.testing.assert_allclose(gradient, exact, atol=1e-8)


def test_phase_does_not_drift_in_four_seconds():
    frames = np.arange(1000)
    f0_hz = 300 + 100 * np.sin(2 * np.pi * 5 * frames / 250)
    # linear between frames, the last frame held
    per_sample = np.interp(np.arange(64000) / HOP, frames, f0_hz)
    exact = np.cumsum(per_sample / SAMPLE_RATE) % 1
    ours = phase_cycles(tf.constant(f0_hz[None], tf.float32))[0].numpy().ravel()
    error = np.abs((ours - exact + 0.5) % 1 - 0.5)
    # in cycles of the fundamental: 0.7 degrees at the 100th harmonic
    assert error.max() < 2e-5 and error[-1000:].max() < 2e-5


@pytest.mark.parametrize("frames", [1, 2, 7])
def test_the_gradient_of_the_phase_equals_a_finite_difference(random, frames):
    # f0 is so low that no phase wraps: a wrap would spoil the finite difference
    f0_hz = tf.constant(random.uniform(10, 40, (2, frames)))
    weights = random.normal(size=(2, frames, 64))
    analytic, numeric = tf.test.compute_gradient(
        lambda f0: tf.reduce_sum(weights * phase_cycles(f0)), [f0_hz], 1e-3
    )
    np.testing.assert_allclose(analytic, numeric, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("envelope", "shape"),
    [
        (hann_envelope, lambda n: 0.5 * (1 + np.cos(np.pi * n / HOP))),
        (linear_envelope, lambda n: 1 - np.abs(n) / HOP),
    ],
)
def test_envelopes_interpolate_between_frames(envelope, shape):
    np.testing.assert_allclose(envelope().numpy().sum(0), 1, atol=1e-6)
    amplitude = np.zeros((1, 20), np.float32)
    amplitude[0, 10] = 1
    audio = harmonic_synthesis(
        tf.fill([1, 20], 4000.0), tf.constant(amplitude), tf.ones([1, 20, 1]), envelope
    )[0].numpy()
    n = np.arange(-HOP, HOP)
    np.testing.assert_allclose(np.abs(audio[9 * HOP : 11 * HOP : 2]), shape(n)[::2], atol=1e-4)
    assert not audio[: 9 * HOP].any() and not audio[11 * HOP :].any()


def test_upsampling_is_linear_and_holds_the_end():
    up = upsample_linear(tf.constant([[[0.0], [4.0], [2.0]]]), 4)[0, :, 0].numpy()
    np.testing.assert_allclose(up, [0, 1, 2, 3, 4, 3.5, 3, 2.5, 2, 2, 2, 2])


def test_gradients_reach_amplitude_distribution_and_f0():
    f0 = tf.Variable(tf.fill([1, 8], 200.0))
    amplitude = tf.Variable(tf.ones([1, 8]))
    distribution = tf.Variable(tf.ones([1, 8, 5]))
    with tf.GradientTape() as tape:
        audio = harmonic_synthesis(f0, amplitude, normalized_distribution(f0, distribution))
        energy = tf.reduce_sum(audio**2)
    for gradient in tape.gradient(energy, [f0, amplitude, distribution]):
        assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


# 2 * 700 frames are more than one chunk, and not a whole number of chunks
@pytest.mark.parametrize("frames", [8, 700])
def test_unknown_batch_size_and_length_change_nothing(random, frames):
    f0 = tf.constant(random.uniform(100, 300, (2, frames)), tf.float32)
    distribution = tf.constant(random.uniform(100, 300, (2, frames, 5)), tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([None, None]), tf.TensorSpec([None, None, 5])])
    def synthesize_and_differentiate(f0, distribution):
        with tf.GradientTape() as tape:
            tape.watch([f0, distribution])
            audio = harmonic_synthesis(f0, tf.ones_like(f0), distribution / 1000)
        return audio, *tape.gradient(audio, [f0, distribution], output_gradients=tf.cos(audio))

    whole = synthesize_and_differentiate(f0, distribution)
    for example in range(2):
        alone = harmonic_synthesis(
            f0[example : example + 1],
            tf.ones([1, frames]),
            distribution[example : example + 1] / 1000,
        )
        np.testing.assert_allclose(whole[0][example], alone[0], atol=2e-5)
    assert all(np.isfinite(part).all() for part in whole)
