"""The f0 encoder: closed forms of its decoding, shapes, gradients, independence of examples, and a
short training.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.models.f0_frames import (
    FRAME,
    FramesConfig,
    FramesF0Encoder,
    bin_count,
    expected_midi,
    relative_log_mel,
)
from pipeline.training.tones import pitch_losses, tone_batch

TINY = FramesConfig(lowest_midi=36.0, semitones=64, channels=4, stages=3, blocks=1)
BINS = bin_count(TINY)


@pytest.fixture
def encoder() -> FramesF0Encoder:
    """Build a small encoder with seeded weights."""
    keras.utils.set_random_seed(0)
    return FramesF0Encoder(TINY)


def gaussian_logits(centre: float, deviation: float = 1.0) -> np.ndarray:
    """Return the logarithm of an unnormalized Gaussian over the bins."""
    return (-(((np.arange(BINS) - centre) / deviation) ** 2) / 2).astype(np.float32)


@pytest.mark.parametrize("centre", [0.0, 3.0, 40.25, 66.5, 127.0])
def test_the_mean_of_a_narrow_distribution_is_its_centre(centre):
    found = expected_midi(tf.constant(gaussian_logits(centre, 0.6)[None]), 36.0)[0].numpy()
    edge = 0.3 if centre in (0.0, 127.0) else 0.02  # half of the bell is missing at the ends
    assert abs(found - (36 + centre / 2)) < edge


def test_the_weighted_mean_has_a_closed_form(random):
    logits = random.normal(size=[5, BINS]).astype(np.float32)
    for row, found in zip(logits, expected_midi(tf.constant(logits), 36.0).numpy(), strict=True):
        near = np.arange(max(row.argmax() - 3, 0), min(row.argmax() + 4, BINS))
        weights = np.exp(row[near].astype(float))
        np.testing.assert_allclose(
            found, 36 + (weights * near).sum() / weights.sum() / 2, rtol=1e-5
        )


def test_a_second_candidate_an_octave_away_does_not_pull():
    candidates = np.logaddexp(gaussian_logits(50.0, 0.6), gaussian_logits(74.0, 0.6) - 0.1)
    assert (
        abs(expected_midi(tf.constant(candidates[None], tf.float32), 36.0)[0].numpy() - 61) < 0.02
    )


@pytest.mark.parametrize(("samples", "frames"), [(8192, 32), (8192 + 64, 33), (1024, 4), (64, 1)])
def test_every_control_frame_has_an_f0(encoder, random, samples, frames):
    audio = tf.constant(random.normal(size=[2, samples]), tf.float32)
    f0_hz = tf.function(encoder, input_signature=[tf.TensorSpec([None, None])])(audio)
    assert f0_hz.shape == (2, samples // 64)
    assert f0_hz.numpy().min() >= 65.4 and f0_hz.numpy().max() <= 2561
    assert encoder.logits(audio).shape == (2, frames, BINS)


def test_f0_is_linear_in_pitch_between_frames(encoder, random):
    audio = tf.constant(random.normal(size=[1, 2048]), tf.float32)
    midi = expected_midi(encoder.logits(audio), 36.0)[0].numpy()
    coarse = np.log(440 * 2 ** ((midi - 69) / 12))
    expected = np.interp(np.arange(32) / 4, np.arange(8), coarse)
    np.testing.assert_allclose(np.log(encoder(audio)[0].numpy()), expected, atol=1e-4)


def test_the_input_does_not_depend_on_level(random):
    frames = random.normal(size=[3, FRAME]).astype(np.float32)
    loud = relative_log_mel(tf.constant(frames)).numpy()
    quiet = relative_log_mel(tf.constant(0.01 * frames)).numpy()
    np.testing.assert_allclose(loud, quiet, atol=1e-3)
    np.testing.assert_allclose(loud.mean(1), 0, atol=1e-4)
    np.testing.assert_allclose(loud.std(1), 1, atol=1e-2)


def test_silence_is_finite_with_its_gradient(encoder):
    audio = tf.Variable(tf.zeros([1, 1024]))
    with tf.GradientTape() as tape:
        f0_hz = encoder(audio)
    gradients = tape.gradient(f0_hz, encoder.trainable_variables)
    assert np.isfinite(f0_hz).all() and all(np.isfinite(gradient).all() for gradient in gradients)


def test_the_gradient_of_f0_reaches_every_weight(encoder, random):
    with tf.GradientTape() as tape:
        f0_hz = encoder(tf.constant(random.normal(size=[2, 2048]), tf.float32))
    gradients = tape.gradient(f0_hz, encoder.trainable_variables)
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)


def test_an_example_does_not_depend_on_its_batch(encoder, random):
    audio = tf.constant(random.normal(size=[3, 2048]), tf.float32)
    np.testing.assert_allclose(encoder.logits(audio)[1:2], encoder.logits(audio[1:2]), atol=1e-4)


def test_two_encoders_share_nothing():
    first = FramesF0Encoder(TINY)
    second = FramesF0Encoder(TINY)
    assert not {id(v) for v in first.variables} & {id(v) for v in second.variables}


def test_under_bfloat16_audio_and_pitch_stay_float32(random):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        encoder = FramesF0Encoder(TINY)
        audio = tf.constant(random.normal(size=[1, 2048]), tf.float32)
        assert encoder.network.compute_dtype == "bfloat16"
        assert encoder(audio).dtype == encoder.logits(audio).dtype == tf.float32
    finally:
        keras.config.set_dtype_policy("float32")


def test_a_short_training_finds_the_pitch_of_tones(encoder):
    optimizer = keras.optimizers.Adam(5e-3)
    optimizer.build(encoder.trainable_variables)

    @tf.function
    def update(step: tf.Tensor) -> None:
        """Make one update on new tones."""
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(pitch_losses(encoder, *tone_batch(0, step, 64)))
        optimizer.apply(
            tape.gradient(loss, encoder.trainable_variables), encoder.trainable_variables
        )

    for step in tf.range(80):
        update(step)
    seconds = np.arange(8192) / 16000
    pitches = np.array([45.0, 57.0, 64.5, 81.0])
    phases = 2 * np.pi * 440 * 2 ** ((pitches[:, None] - 69) / 12) * seconds
    audio = sum(np.sin(k * phases) / k for k in range(1, 6)).astype(np.float32)
    found = 69 + 12 * np.log2(encoder(tf.constant(audio)).numpy() / 440)
    assert np.abs(np.median(found, axis=1) - pitches).max() < 0.5
