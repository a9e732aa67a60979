"""The STFT decoder: transforms and Griffin-Lim against librosa, and a loss that is zero for the
true magnitudes.
"""

import keras
import librosa
import numpy as np
import pytest
import tensorflow as tf

from batches import STATISTICS, random_batch
from pipeline.models.conditioning import ConditioningConfig
from pipeline.models.objective import LossConfig, Objective
from pipeline.models.stft_decoder import (
    QUIET,
    StftDecoder,
    StftDecoderConfig,
    griffin_lim,
    inverse_stft,
    stft,
)

CONDITIONING = ConditioningConfig(
    gru_units=8,
    mlp_units=6,
    mlp_layers=1,
    z_gru_units=5,
    z_dims=4,
    use_loudness=True,
    use_z=True,
    z_normalization="data_set",
    f0_bins=12,
)
OWN = StftDecoderConfig(
    stride=2, fft_size=512, kernel=3, units=7, layers=1, iterations=3, momentum=0.99
)
FRAMES = 32
LOSS = Objective(
    LossConfig(fft_sizes=(256, 64), alpha=1.0, perceptual_weight=0.0, perceptual_frames=1)
)


def build(changes=None, use_z=True):
    """Build a small model."""
    keras.utils.set_random_seed(0)
    return StftDecoder(
        CONDITIONING.model_copy(update={"use_z": use_z}), OWN.model_copy(update=changes), STATISTICS
    )


def tones(samples=16000):
    """Return a harmonic tone with vibrato and a second, lower tone: [1, samples]."""
    time = np.arange(samples) / 16000
    phase = 2 * np.pi * 440 * time + 0.5 * np.sin(2 * np.pi * 5 * time)
    mixture = sum(np.sin(k * phase) / k for k in range(1, 8)) + 0.5 * np.sin(
        2 * np.pi * 123.4 * time
    )
    return (0.2 * mixture).astype(np.float32)[None]


@pytest.mark.parametrize(("size", "hop"), [(1024, 256), (512, 128)])
def test_stft_equals_librosas(random, size, hop):
    audio = random.normal(size=(2, 20 * hop)).astype(np.float32)
    expected = librosa.stft(audio, n_fft=size, hop_length=hop, pad_mode="constant").transpose(
        0, 2, 1
    )
    np.testing.assert_allclose(stft(tf.constant(audio), size, hop), expected[:, :20], atol=1e-3)


@pytest.mark.parametrize("samples", [4096, 4000, 64])
def test_the_inverse_restores_the_signal_to_both_ends(random, samples):
    audio = random.normal(size=(2, samples)).astype(np.float32)
    found = inverse_stft(stft(tf.constant(audio), 1024, 256), 1024, 256, tf.constant(samples))
    np.testing.assert_allclose(found, audio, atol=1e-4)


def distance(audio, magnitudes):
    """Return the spectral convergence, the relative error of magnitudes, over the inner frames of
    librosa's transform.
    """
    found = np.abs(librosa.stft(audio, n_fft=1024, hop_length=256, pad_mode="constant"))[:, 4:-4]
    return np.linalg.norm(found - magnitudes[:, 4:-4]) / np.linalg.norm(magnitudes[:, 4:-4])


@pytest.mark.parametrize("momentum", [0.0, 0.99])
def test_griffin_lim_is_as_good_as_librosas(random, momentum):
    """Compare means over initial estimates, because each may reach a different optimum."""
    audio = tones()
    noise = random.uniform(-1, 1, (4, 16000)).astype(np.float32)
    magnitudes = np.abs(librosa.stft(audio[0], n_fft=1024, hop_length=256, pad_mode="constant"))
    ours = np.repeat(tf.abs(stft(tf.constant(audio), 1024, 256)).numpy(), 4, axis=0)
    found = griffin_lim(tf.constant(ours), tf.constant(noise), 1024, 256, 40, momentum).numpy()
    options = {"n_iter": 40, "hop_length": 256, "momentum": momentum, "pad_mode": "constant"}
    expected = [librosa.griffinlim(magnitudes, **options, random_state=seed) for seed in range(4)]
    our_distance = np.mean([distance(audio, magnitudes) for audio in found])
    librosas_distance = np.mean([distance(audio, magnitudes) for audio in expected])
    assert our_distance < 1.1 * librosas_distance
    assert our_distance < 0.2


def test_more_iterations_bring_the_magnitudes_nearer(random):
    magnitudes = np.abs(librosa.stft(tones()[0], n_fft=1024, hop_length=256, pad_mode="constant"))
    ours = tf.abs(stft(tf.constant(tones()), 1024, 256))
    noise = tf.constant(random.uniform(-1, 1, (1, 16000)), tf.float32)
    distances = [
        distance(griffin_lim(ours, noise, 1024, 256, n, 0.99).numpy()[0], magnitudes)
        for n in (0, 5, 50)
    ]
    assert distances[0] > distances[1] > distances[2]


def test_silence_stays_silent():
    noise = tf.random.stateless_uniform([1, 2048], [0, 0], -1.0, 1.0)
    audio = griffin_lim(tf.zeros([1, 8, 513]), noise, 1024, 256, 5, 0.99)
    np.testing.assert_array_equal(audio, 0)
    assert np.isfinite(griffin_lim(tf.ones([1, 8, 513]), noise * 0, 1024, 256, 5, 0.99)).all()


def test_the_loss_is_zero_for_the_right_magnitudes(random):
    """The head's bias predicts a constant spectrum far below the floor, like that of silence."""
    model = build()
    batch = random_batch(random, FRAMES) | {"audio": tf.zeros([2, 32 * 64])}
    model(batch)
    model.magnitude_head.kernel.assign(tf.zeros_like(model.magnitude_head.kernel))
    model.magnitude_head.bias.assign(tf.fill([257], -60 - QUIET))
    np.testing.assert_allclose(model.losses(batch, LOSS, 0), 0, atol=1e-5)
    model.magnitude_head.bias.assign(tf.fill([257], -QUIET))
    # (log(1 + FLOOR) - log(0 + FLOOR))^2
    np.testing.assert_allclose(model.losses(batch, LOSS, 0), np.log(1001) ** 2, rtol=1e-4)


def test_every_weight_gets_a_gradient_and_none_is_shared(random):
    model = build()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model.losses(random_batch(random, FRAMES), LOSS, 0))
    for variable, gradient in zip(
        model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
    ):
        assert (
            gradient is not None and np.isfinite(gradient).all() and np.abs(gradient).max() > 0
        ), variable.path
    assert len({id(weight) for weight in model.weights}) == len(model.weights)


def test_an_example_does_not_depend_on_its_batch(random):
    model = build()
    batch = random_batch(random, FRAMES, size=3)
    alone = {name: value[1:2] for name, value in batch.items()}
    np.testing.assert_allclose(model(alone)["audio"], model(batch)["audio"][1:2], atol=1e-4)


def test_any_batch_size_and_length_in_a_graph(random):
    model = build(use_z=False)  # with z, lengths are multiples of 8 frames
    specs = {
        name: tf.TensorSpec([None, None]) for name in ("audio", "noise", "f0_hz", "loudness_db")
    }
    run = tf.function(
        lambda batch: (model(batch)["audio"], model.losses(batch, LOSS, 64)),
        input_signature=[specs],
    )
    for size, frames in ((2, 32), (1, 31), (1, 3)):
        batch = random_batch(random, frames, size)
        audio, losses = run(batch)
        assert audio.shape == (size, frames * 64) and np.isfinite(losses).all()
