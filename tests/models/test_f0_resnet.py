"""The authors' f0 encoder: closed forms of its decoding, shapes, range, gradients, context."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.models.f0_resnet import (
    MEL_BINS,
    ResnetConfig,
    ResnetF0Encoder,
    log_mel,
    mean_midi,
)

TINY = ResnetConfig(stem_channels=4, channels=2, blocks=(2, 1, 1), bins=32)


@pytest.fixture
def encoder() -> ResnetF0Encoder:
    """Build a small encoder with seeded weights."""
    keras.utils.set_random_seed(0)
    return ResnetF0Encoder(TINY)


def test_the_mean_over_all_bins_has_a_closed_form(random):
    logits = random.normal(size=[5, 32])
    weights = np.log1p(np.exp(logits)) + 1e-3
    expected = 127 * (weights * np.arange(32) / 32).sum(1) / weights.sum(1)
    np.testing.assert_allclose(mean_midi(tf.constant(logits, tf.float32)), expected, rtol=1e-5)


@pytest.mark.parametrize(("bin_", "midi"), [(0, 0.0), (16, 63.5), (31, 123.03)])
def test_the_bins_divide_the_whole_midi_range(bin_, midi):
    logits = np.full([1, 32], -50, np.float32)
    logits[0, bin_] = 1e4
    assert abs(mean_midi(tf.constant(logits))[0].numpy() - midi) < 0.05


def test_a_second_candidate_an_octave_away_does_pull():
    """So the authors' code has it; `f0_frames` avoids it."""
    logits = np.full([1, 127], -50, np.float32)
    logits[0, [50, 62]] = 100
    assert abs(mean_midi(tf.constant(logits))[0].numpy() - 56) < 0.2


@pytest.mark.parametrize("samples", [8192, 8192 + 64, 1024, 64])
def test_every_control_frame_has_an_f0(encoder, random, samples):
    audio = tf.constant(random.normal(size=[2, samples]), tf.float32)
    assert encoder(audio).shape == (2, samples // 64)
    assert encoder.logits(audio).shape == (2, -(-samples // 512), 32)
    assert log_mel(audio).shape == (2, -(-samples // 512), MEL_BINS)


def test_frequency_is_halved_and_time_is_not(encoder):
    assert encoder.network.output_shape[1:3] == (None, 15)  # 229, 115, 58, 58, 29, 15
    assert encoder.network.output_shape[3] == 4 * 2 * 4


def test_a_frame_sees_its_neighbours(encoder, random):
    audio = random.normal(size=[1, 16384]).astype(np.float32)
    changed = audio.copy()
    changed[:, 8192:8704] = 0
    moved = np.abs(encoder.logits(audio) - encoder.logits(changed))[0].max(-1)
    alone = {12, 13, 14, 15, 16}  # frames of 2048 samples that hold the change
    assert all(moved[frame] > 0 for frame in alone | {11, 17})


def test_the_gradient_of_f0_reaches_every_weight(encoder, random):
    with tf.GradientTape() as tape:
        f0_hz = encoder(tf.constant(random.normal(size=[2, 4096]), tf.float32))
    gradients = tape.gradient(f0_hz, encoder.trainable_variables)
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)


def test_silence_is_finite_with_its_gradient(encoder):
    with tf.GradientTape() as tape:
        f0_hz = encoder(tf.zeros([1, 1024]))
    gradients = tape.gradient(f0_hz, encoder.trainable_variables)
    assert np.isfinite(f0_hz).all() and all(np.isfinite(gradient).all() for gradient in gradients)


def test_an_example_does_not_depend_on_its_batch(encoder, random):
    audio = tf.constant(random.normal(size=[3, 2048]), tf.float32)
    np.testing.assert_allclose(encoder.logits(audio)[1:2], encoder.logits(audio[1:2]), atol=1e-4)


def test_the_authors_small_network_has_their_number_of_weights():
    """Counted by hand from their nn.py: convolutions with bias, normalizations with scale and
    shift."""

    def convolution(size, inputs, outputs):
        return size * size * inputs * outputs + outputs

    def block(inputs, inner, first):
        outer = 4 * inner
        count = 2 * inputs + convolution(1, inputs, inner) + 2 * inner
        count += convolution(3, inner, inner) + 2 * inner + convolution(1, inner, outer)
        return count + (convolution(1, inputs, outer) if first else 0)

    expected = convolution(7, 1, 64)
    channels = 64
    for stack, blocks in enumerate([2, 3, 4, 3]):
        inner = 32 * 2**stack
        for number in range(blocks):
            expected += block(channels, inner, first=number == 0)
            channels = 4 * inner
        expected += 2 * channels if stack >= 2 else 0  # ends of their residual stacks
    keras.utils.set_random_seed(0)
    network = ResnetF0Encoder(
        ResnetConfig(stem_channels=64, channels=32, blocks=(2, 3, 4, 3), bins=128)
    ).network
    assert network.count_params() == expected


def test_a_short_training_finds_the_pitch_of_one_tone():
    """The job at all: f0 of tones that differ in pitch alone, learned with the pitch as label."""
    keras.utils.set_random_seed(0)
    encoder = ResnetF0Encoder(TINY)
    seconds = np.arange(4096) / 16000
    pitches = np.array([48.0, 55.0, 62.0, 69.0], np.float32)
    phases = 2 * np.pi * 440 * 2 ** ((pitches[:, None] - 69) / 12) * seconds
    audio = tf.constant(sum(np.sin(k * phases) / k for k in range(1, 6)), tf.float32)
    optimizer = keras.optimizers.Adam(1e-2)
    encoder(audio)
    optimizer.build(encoder.trainable_variables)

    @tf.function
    def update() -> tf.Tensor:
        """Make one update."""
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(mean_midi(encoder.logits(audio)) - pitches[:, None]))
        optimizer.apply(
            tape.gradient(loss, encoder.trainable_variables), encoder.trainable_variables
        )
        return loss

    for _ in range(150):
        update()
    found = mean_midi(encoder.logits(audio)).numpy()[:, 1:-4]
    assert np.abs(np.median(found, axis=1) - pitches).max() < 0.5
