"""The multi-scale spectral loss against its formula, its gradient against TensorFlow's."""

import librosa
import numpy as np
import pytest
import tensorflow as tf

from pipeline.dsp.spectral_loss import EPSILON, multi_scale_spectral_loss


def plain_loss(target, audio, sizes, alpha):
    """The formula with TensorFlow's own transform and gradients."""
    total = 0.0
    for size in sizes:
        wanted, estimate = (
            tf.abs(tf.signal.stft(x, size, size // 4, size, pad_end=True)) for x in (target, audio)
        )
        logs = tf.abs(tf.math.log(wanted + EPSILON) - tf.math.log(estimate + EPSILON))
        total += tf.reduce_mean(tf.abs(wanted - estimate), [1, 2])
        total += alpha * tf.reduce_mean(logs, [1, 2])
    return total


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_loss_and_gradient_equal_the_formula(random, alpha):
    target, audio = (tf.constant(random.normal(size=(3, 2000)) * 0.1, tf.float32) for _ in range(2))
    weights = tf.constant([1.0, 2.0, -0.5])
    results = []
    for function in (multi_scale_spectral_loss, plain_loss):
        with tf.GradientTape() as tape:
            tape.watch(audio)
            losses = function(target, audio, (512, 64), alpha)
            value = tf.reduce_sum(losses * weights)
        results.append((losses, tape.gradient(value, audio)))
    np.testing.assert_allclose(*(losses for losses, _ in results), rtol=1e-5)
    np.testing.assert_allclose(*(gradient for _, gradient in results), rtol=2e-3, atol=2e-4)


def test_one_scale_against_librosa(random):
    target, audio = random.normal(size=(2, 4096)).astype(np.float32)
    spectra = [
        np.abs(librosa.stft(np.pad(x, (0, 384)), n_fft=512, hop_length=128, center=False))
        for x in (target, audio)
    ]
    expected = (
        np.abs(spectra[0] - spectra[1]).mean()
        + 2 * np.abs(np.log(spectra[0] + 1e-5) - np.log(spectra[1] + 1e-5)).mean()
    )
    loss = multi_scale_spectral_loss(target[None], audio[None], (512,), 2.0)[0].numpy()
    assert loss == pytest.approx(expected, rel=1e-4)


def test_it_is_symmetric_and_0_for_equal_signals(random):
    target, audio = (tf.constant(random.normal(size=(2, 3000)), tf.float32) for _ in range(2))
    np.testing.assert_array_equal(multi_scale_spectral_loss(target, target), [0, 0])
    np.testing.assert_allclose(
        multi_scale_spectral_loss(target, audio),
        multi_scale_spectral_loss(audio, target),
        rtol=1e-6,
    )
    assert (multi_scale_spectral_loss(target, audio).numpy() > 0.1).all()
