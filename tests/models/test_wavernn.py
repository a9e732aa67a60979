"""WaveRNN: mu-law, sampling by the inverse distribution function, agreement of training and
sampling.
"""

import keras
import librosa
import numpy as np
import pytest
import tensorflow as tf

from batches import STATISTICS, random_batch
from pipeline.dsp.mu_law import LEVELS, ZERO, companded, inverse_mu_law, mu_law, to_levels
from pipeline.models.conditioning import ConditioningConfig
from pipeline.models.gru import recurrence
from pipeline.models.objective import LossConfig, Objective
from pipeline.models.wavernn import WaveRnn, WaveRnnConfig, draw, gru_step, piece_starts

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
OWN = WaveRnnConfig(
    units=7,
    step_samples=4,
    past_samples=10,
    output_units=9,
    pieces=2,
    piece_frames=4,
    input_noise=0.0,
    temperature=1.0,
)
FRAMES = 8
LOSS = Objective(
    LossConfig(fft_sizes=(256, 64), alpha=1.0, perceptual_weight=0.0, perceptual_frames=1)
)


def build(changes=None, use_z=True):
    """Build a small model whose weights are large enough to matter."""
    keras.utils.set_random_seed(0)
    model = WaveRnn(
        CONDITIONING.model_copy(update={"use_z": use_z}), OWN.model_copy(update=changes), STATISTICS
    )
    model.to_logits.kernel.assign(model.to_logits.kernel * 10)
    return model


def test_mu_law_is_librosas():
    audio = np.linspace(-1, 1, 1001).astype(np.float32)
    np.testing.assert_allclose(
        mu_law(audio), librosa.mu_compress(audio, mu=255, quantize=False), atol=1e-6
    )
    np.testing.assert_allclose(inverse_mu_law(mu_law(audio)), audio, atol=1e-6)


def test_every_level_comes_back_and_silence_is_exact():
    levels = np.arange(1, LEVELS)
    np.testing.assert_array_equal(to_levels(inverse_mu_law(companded(tf.constant(levels)))), levels)
    assert to_levels(tf.zeros([1])).numpy() == [ZERO]
    assert inverse_mu_law(companded(tf.constant([ZERO]))).numpy() == [0]
    np.testing.assert_array_equal(to_levels(tf.constant([-3.0, 3.0])), [1, LEVELS - 1])


def test_draws_follow_the_softmax(random):
    """On an even grid of numbers, the shares are the probabilities, levels rise and improbable
    levels do not occur.
    """
    logits = random.normal(size=48).astype(np.float32)
    logits[20:] = -1e9
    grid = tf.constant(np.linspace(0, 1, 100_000), tf.float32)
    levels = draw(tf.tile(logits[None], [100_000, 1]), grid).numpy()
    expected = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(np.bincount(levels, minlength=48) / 100_000, expected, atol=2e-4)
    assert (np.diff(levels) >= 0).all() and levels[0] == 0 and levels[-1] == 19


@pytest.mark.parametrize("certain", [0, 15, 16, 128, 255])
def test_a_certain_level_is_always_drawn(certain):
    logits = tf.one_hot([certain] * 3, LEVELS, 0.0, -1e9)
    np.testing.assert_array_equal(draw(logits, tf.constant([0.0, 0.5, 1.0])), [certain] * 3)


def test_a_step_equals_the_recurrence(random):
    projected, kernel, bias = (
        tf.constant(random.normal(size=s), tf.float32) for s in ((3, 2, 15), (5, 15), (15,))
    )
    state = tf.zeros([2, 5])
    for given, expected in zip(projected, recurrence(projected, kernel, bias), strict=True):
        state = gru_step(state, given, kernel, bias)
        np.testing.assert_allclose(state, expected, atol=1e-6)


@pytest.mark.parametrize("step_samples", [1, 4])
def test_sampling_draws_from_what_training_predicts(random, step_samples):
    """Draws from the teacher-forced logits of a sampled clip give the same clip."""
    model = build({"step_samples": step_samples, "temperature": 0.7})
    batch = random_batch(random, FRAMES)
    levels = to_levels(model(batch)["audio"])
    hidden = model.conditioning(batch)
    hidden = tf.concat([hidden, hidden[:, -1:]], axis=1)
    logits = model.teacher_forced(
        hidden, tf.pad(companded(levels), [[0, 0], [OWN.past_samples, 0]])
    )
    uniform = tf.reshape((batch["noise"] + 1) / 2, [-1])
    expected = draw(tf.reshape(logits / 0.7, [-1, LEVELS]), uniform)
    np.testing.assert_array_equal(np.maximum(expected, 1), levels.numpy().ravel())
    assert len(np.unique(levels)) > 20


def test_the_loss_is_the_cross_entropy_of_the_whole_crop(random):
    """With one piece as long as the crop, the loss equals NumPy's from the logits."""
    model = build({"pieces": 1, "piece_frames": 8})
    batch = random_batch(random, FRAMES)
    levels = to_levels(batch["audio"])
    hidden = model.conditioning(batch)
    hidden = tf.concat([hidden, hidden[:, -1:]], axis=1)
    logits = (
        model.teacher_forced(hidden, tf.pad(companded(levels), [[0, 0], [OWN.past_samples, 0]]))
        .numpy()
        .astype(float)
    )
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = -np.take_along_axis(logs, levels.numpy()[..., None], -1).mean((1, 2))
    np.testing.assert_allclose(model.losses(batch, LOSS, 0), expected, rtol=1e-5)


def test_a_prediction_does_not_see_its_own_sample(random):
    model = build()
    signal = random.normal(size=(1, 10 + 128)).astype(np.float32)
    hidden = tf.constant(random.normal(size=(1, 3, 6)), tf.float32)
    other = signal.copy()
    other[0, 10 + 50] += 0.5
    difference = np.abs(
        model.teacher_forced(hidden, signal) - model.teacher_forced(hidden, other)
    ).max(-1)[0]
    assert not difference[:51].any() and difference[51] > 0


def test_pieces_start_everywhere_but_in_the_warm_up():
    noise = tf.constant(np.linspace(-1, 1, 500)[:, None], tf.float32)
    starts = piece_starts(noise, 1, 3, tf.constant(10), tf.constant(4)).numpy()[:, 0]
    assert set(starts) == {3, 4, 5, 6}
    assert np.bincount(starts)[3:].min() > 100
    assert set(piece_starts(noise, 1, 9, tf.constant(10), tf.constant(4)).numpy()[:, 0]) == {6}


def test_input_noise_disturbs_the_past_but_not_the_target(random):
    batch = random_batch(random, FRAMES) | {"audio": tf.zeros([2, 512])}
    for model in (build(), build({"input_noise": 20.0})):
        model.to_logits.bias.assign(tf.one_hot(ZERO, LEVELS) * 100)
        assert np.all(model.losses(batch, LOSS, 0).numpy() < 1e-3)
    assert not np.allclose(
        build().losses(batch, LOSS, 0), build({"input_noise": 20.0}).losses(batch, LOSS, 0)
    )


def test_every_weight_gets_a_gradient_and_none_is_shared(random):
    model = build({"input_noise": 1.0})
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model.losses(random_batch(random, frames=24), LOSS, 0))
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
    np.testing.assert_allclose(model(alone)["audio"], model(batch)["audio"][1:2], atol=1e-6)
    np.testing.assert_allclose(
        model.losses(alone, LOSS, 0), model.losses(batch, LOSS, 0)[1:2], rtol=1e-5
    )


def test_any_batch_size_and_length_in_a_graph(random):
    model = build(use_z=False)  # with z, lengths are multiples of 8 frames
    specs = {
        name: tf.TensorSpec([None, None]) for name in ("audio", "noise", "f0_hz", "loudness_db")
    }
    run = tf.function(
        lambda batch: (model(batch)["audio"], model.losses(batch, LOSS, 64)),
        input_signature=[specs],
    )
    for size, frames in ((2, 8), (1, 3)):
        batch = random_batch(random, frames, size)
        audio, losses = run(batch)
        assert audio.shape == (size, frames * 64) and losses.shape == (size,)
        assert np.isfinite(losses).all() and np.abs(audio).max() <= 1


def test_saved_and_loaded_weights_are_the_same(tmp_path, random):
    model = build()
    other = build()
    batch = random_batch(random, FRAMES)
    model(batch)
    other(batch)
    model.recurrent_kernel.assign(model.recurrent_kernel * 2)
    model.save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(model.losses(batch, LOSS, 0), other.losses(batch, LOSS, 0))
