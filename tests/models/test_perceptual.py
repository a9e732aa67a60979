"""The perceptual loss: CREPE's own network, simple cases and the direction of the gradient."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.crepe.network import load_network
from pipeline.dsp.harmonic import harmonic_synthesis
from pipeline.models.perceptual import embeddings, perceptual_loss, read_layers, sparse_frames


def tones(midi: tf.Tensor, frames: int = 128) -> tf.Tensor:
    """Synthesize tones with ten harmonics: [batch] -> [batch, frames * 64]."""
    f0_hz = tf.repeat((440 * 2 ** ((midi - 69) / 12))[:, None], frames, axis=1)
    weights = tf.constant(0.7 ** np.arange(10) / np.sum(0.7 ** np.arange(10)), tf.float32)
    return harmonic_synthesis(
        f0_hz, 0.5 * tf.ones_like(f0_hz), weights * tf.ones([tf.size(midi), frames, 1])
    )


def test_activations_equal_those_of_crepes_own_network(random):
    network = load_network("small")
    fifth = keras.Model(network.input, network.get_layer("conv5-maxpool").output)
    frames = random.normal(size=(3, 1024)).astype(np.float32)
    normalized = (frames - frames.mean(axis=1, keepdims=True)) / frames.std(axis=1, keepdims=True)
    ours = embeddings(tf.constant(frames)).numpy()
    np.testing.assert_allclose(ours, fifth(normalized).numpy().reshape(3, -1), atol=1e-4)


def test_frames_lie_in_the_middle_of_equal_parts():
    audio = tf.range(8192.0)[None]
    np.testing.assert_array_equal(sparse_frames(audio, 2)[:, 0], [1536, 1536 + 4096])
    np.testing.assert_array_equal(sparse_frames(audio, 8)[:, 0], np.arange(8) * 1024)
    assert sparse_frames(audio[:, :-1], 3).shape == (3, 1024)


def test_inputs_that_differ_only_in_level_have_no_loss():
    tone = tones(tf.constant([60.0]))
    np.testing.assert_array_equal(perceptual_loss(tone, tone, 2), 0)
    relative = perceptual_loss(tone, 0.1 * tone, 2) / perceptual_loss(
        tone, tones(tf.constant([60.5])), 2
    )
    assert relative.numpy()[0] < 0.01


@pytest.mark.parametrize("pitch", [48.0, 60.0, 72.0])
def test_it_grows_with_detuning_to_half_a_semitone(pitch):
    detuned = tones(pitch + tf.constant([0.0, 0.1, 0.25, 0.5]))
    losses = perceptual_loss(tf.repeat(detuned[:1], 4, axis=0), detuned, 2).numpy()
    assert (np.diff(losses) > 0).all()


def test_the_gradient_points_to_the_target_within_a_quarter_semitone():
    pitches = np.repeat(np.arange(45, 80, 5), 6).astype(np.float32)
    detuning = np.tile([-0.25, -0.15, -0.05, 0.05, 0.15, 0.25], 7).astype(np.float32)
    found = tf.Variable(pitches + detuning)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(perceptual_loss(tones(tf.constant(pitches), 32), tones(found, 32), 2))
    gradient = tape.gradient(loss, found).numpy()
    assert np.isfinite(gradient).all() and (np.sign(gradient) == np.sign(detuning)).mean() > 0.85


def test_its_first_use_may_be_inside_a_graph():
    read_layers.cache_clear()
    tone = tones(tf.constant([60.0]))
    np.testing.assert_array_equal(tf.function(perceptual_loss)(tone, tone, 2), 0)


def test_silence_has_finite_gradients_and_a_silent_target_no_loss():
    target = tf.concat([tones(tf.constant([60.0])), tf.zeros([1, 8192])], axis=0)
    audio = tf.Variable(tf.zeros([2, 8192]))
    with tf.GradientTape() as tape:
        losses = perceptual_loss(target, audio, 2)
    gradient = tape.gradient(losses, audio).numpy()
    assert losses[0] > 0 and losses[1] == 0
    assert np.isfinite(gradient).all() and not gradient[1].any()


def test_an_example_does_not_depend_on_its_batch(random):
    target, audio = (tf.constant(random.normal(size=[3, 4096]), tf.float32) for _ in range(2))
    np.testing.assert_allclose(
        perceptual_loss(target, audio, 2)[1:2],
        perceptual_loss(target[1:2], audio[1:2], 2),
        rtol=1e-4,
    )


def test_it_works_in_a_graph_of_unknown_sizes_without_variables(random):
    audio = tf.constant(random.normal(size=[2, 4096]), tf.float32)
    graph = tf.function(
        lambda t, a: perceptual_loss(t, a, 2), input_signature=[tf.TensorSpec([None, None])] * 2
    )
    np.testing.assert_allclose(
        graph(audio, audio[:, ::-1]), perceptual_loss(audio, audio[:, ::-1], 2), rtol=1e-4
    )
    assert not graph.get_concrete_function().variables
