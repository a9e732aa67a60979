"""Independent control and phase invariance: what is played, against closed forms."""

import numpy as np
import pytest
import tensorflow as tf

from pipeline.common.cli import UserError
from pipeline.dsp.harmonic import hann_envelope, harmonic_synthesis, normalized_distribution
from pipeline.examples.schema import Statistics
from pipeline.models.autoencoder import Autoencoder, ModelConfig
from pipeline.studies.control import (
    Step,
    choose_pairs,
    controllable_features,
    interpolate,
    plan_steps,
    with_z,
)
from pipeline.studies.phase import VERSIONS, harmonics_with_phases, play_versions
from tracked_tones import FRAMES, SAMPLES, tone


@pytest.fixture(scope="module")
def model(small_model_values):
    tf.keras.utils.set_random_seed(0)
    network = Autoencoder(
        ModelConfig(**small_model_values | {"reverb_seconds": 0.1}),
        Statistics(loudness_mean=-40.0, loudness_std=10.0),
    )
    network(example_batch(np.random.default_rng(0)))
    # Untrained, noise is so quiet that rounding removes it.
    network.noise_head.bias.assign(tf.fill(network.noise_head.bias.shape, 6.0))
    return network


def example(random, hz=300.0, name="a@0"):
    return {
        "example_id": name,
        "audio": tone(hz),
        "f0_hz": np.full(FRAMES, hz, np.float32),
        "loudness_db": np.full(FRAMES, -30, np.float32),
        "noise": random.uniform(-1, 1, SAMPLES).astype(np.float32),
    }


def example_batch(random):
    return {
        name: tf.constant(value[None])
        for name, value in example(random).items()
        if name != "example_id"
    }


def test_pairs_are_of_different_instruments_and_each_note_is_first_once():
    instruments = {
        f"{name}{number}": name for name in ("oboe", "flute", "viola") for number in range(10)
    }
    pairs = choose_pairs(instruments, 30, 0)
    assert all(instruments[one] != instruments[other] for one, other in pairs)
    assert len({one for one, _ in pairs}) == 30
    assert pairs == choose_pairs(instruments, 30, 0)
    assert pairs != choose_pairs(instruments, 30, 1)
    with pytest.raises(UserError, match="one example"):
        choose_pairs({"a": "oboe"}, 1, 0)


def test_interpolation_is_even_in_what_is_heard():
    first = {"f0_hz": np.array([200.0]), "loudness_db": np.array([-60.0]), "z": np.zeros((1, 2))}
    second = {"f0_hz": np.array([800.0]), "loudness_db": np.array([-20.0]), "z": np.ones((1, 2))}
    assert interpolate(first, second, "f0", 0.5)["f0_hz"] == pytest.approx(400)
    assert interpolate(first, second, "loudness", 0.25)["loudness_db"] == pytest.approx(-50)
    moved = interpolate(first, second, "z", 0.5)
    assert (moved["z"] == 0.5).all()
    assert moved["f0_hz"] == 200
    assert moved["loudness_db"] == -60


def test_the_first_step_is_one_clip_whatever_is_varied():
    plan = plan_steps(2, ("f0", "z"), 5)
    assert len(plan) == 20
    assert len({step.clip() for step in plan}) == 18
    assert Step(1, "f0", 0).clip() == Step(1, "z", 0).clip()


def test_z_of_the_example_itself_changes_nothing(model, random):
    batch = example_batch(random)
    given = with_z(model, [example(np.random.default_rng(0))])[0]
    assert controllable_features(model) == ("loudness", "f0", "z")
    np.testing.assert_allclose(
        model(batch)["audio"], model(batch | {"z": given["z"][None]})["audio"], atol=1e-5
    )


def test_harmonics_without_phases_are_the_synthesizer(random):
    f0 = np.full(FRAMES, 220, np.float32)
    shape = random.uniform(0, 1, (1, FRAMES, 30)).astype(np.float32)
    distribution = normalized_distribution(tf.constant(f0[None]), tf.constant(shape))
    amplitude = random.uniform(0, 1, FRAMES).astype(np.float32)
    expected = harmonic_synthesis(
        tf.constant(f0[None]), tf.constant(amplitude[None]), distribution
    )[0]
    amplitudes = amplitude[:, None] * distribution[0].numpy()
    plain = harmonics_with_phases(f0, amplitudes, hann_envelope().numpy(), np.zeros(30))
    np.testing.assert_allclose(plain, expected, atol=1e-4)
    quarter = harmonics_with_phases(f0, amplitudes, hann_envelope().numpy(), np.full(30, np.pi / 2))
    assert np.sqrt(np.square(quarter - plain).sum() / np.square(plain).sum()) == pytest.approx(
        np.sqrt(2), rel=0.02
    )


def test_versions_differ_only_in_what_they_should(model):
    examples = [example(np.random.default_rng(n), 200.0 + 100 * n, f"{n}@0") for n in range(3)]
    played = [versions for _, versions in play_versions(model, examples, 7, 2)]
    again = [versions for _, versions in play_versions(model, examples, 7, 2)]
    for one, other, source in zip(played, again, examples):
        assert set(one) == set(VERSIONS)
        assert all(np.array_equal(one[name], other[name]) for name in VERSIONS)
        assert np.array_equal(one["original"], source["audio"])
        assert not np.allclose(one["first"], one["other_phases"])
        assert not np.array_equal(one["first"], one["other_noise"])


def test_draws_for_an_example_do_not_depend_on_the_others(model):
    examples = [example(np.random.default_rng(n), 200.0 + 100 * n, f"{n}@0") for n in range(3)]
    _, alone = next(play_versions(model, examples[2:], 7, 1))
    *_, (_, among) = play_versions(model, examples, 7, 2)
    for version in VERSIONS:
        np.testing.assert_allclose(alone[version], among[version], atol=1e-5)
