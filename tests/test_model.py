"""The autoencoder: shapes, parameter counts, nothing shared by mistake, saving and loading."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import yaml

from conftest import ROOT
from pipeline.config import read_section
from pipeline.examples import Statistics
from pipeline.model import ModelConfig, build_model, load_model, save_model

STATISTICS = Statistics(loudness_mean=-40.0, loudness_std=20.0)
EXPERIMENTS = list(yaml.safe_load((ROOT / "params.yaml").read_text())["experiments"])
SEED = tf.constant([0, 0])


def batch(random, frames=64, size=2):
    return {
        "audio": tf.constant(random.normal(size=(size, frames * 64)) * 0.1, tf.float32),
        "f0_hz": tf.constant(random.uniform(100, 1000, (size, frames)), tf.float32),
        "loudness_db": tf.constant(random.uniform(-80, 0, (size, frames)), tf.float32),
    }


def mlp_count(inputs, units, layers):
    return inputs * units + units + (layers - 1) * (units**2 + units) + layers * 2 * units


def gru_count(inputs, units):
    return 3 * units * (inputs + units + 2)


def expected_count(c: ModelConfig) -> int:
    """The paper's architecture, counted by hand: MLP = dense + layer norm, GRU with two biases."""
    streams = 3 if c.use_z else 2
    count = 2 * mlp_count(1, c.mlp_units, c.mlp_layers) + gru_count(streams * c.mlp_units, c.gru_units)
    count += mlp_count(c.gru_units + 2 * c.mlp_units, c.mlp_units, c.mlp_layers)
    count += (c.mlp_units + 1) * (1 + c.harmonics + c.noise_bands)
    if c.use_z:
        count += mlp_count(c.z_dims, c.mlp_units, c.mlp_layers)
        count += 2 * 30 + gru_count(30, c.z_gru_units) + (c.z_gru_units + 1) * c.z_dims
    return count


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_builds_with_the_expected_parameters(experiment):
    config = read_section(ROOT / "params.yaml", "model", ModelConfig, experiment)
    model = build_model(config, STATISTICS)
    assert sum(int(np.prod(w.shape)) for w in model.trainable_variables) == expected_count(config)


def test_the_papers_size_is_the_papers_count():
    overlay = yaml.safe_load((ROOT / "params" / "paper.yaml").read_text())["model"]
    count = expected_count(ModelConfig(**overlay, use_z=True))
    assert abs(count - 7e6) / 7e6 < 0.1  # Table 1: 7M for the supervised NSynth model


@pytest.mark.parametrize("use_z", [True, False])
def test_shapes(random, small_model_values, use_z):
    model = build_model(ModelConfig(**small_model_values | {"use_z": use_z}), STATISTICS)
    given = batch(random)
    controls = model.controls(given["audio"], given["f0_hz"], given["loudness_db"])
    assert controls.amplitude.shape == (2, 64)
    assert controls.distribution.shape == (2, 64, 20)
    assert controls.noise_magnitudes.shape == (2, 64, 17)
    np.testing.assert_allclose(controls.distribution.numpy().sum(-1), 1, atol=1e-5)
    result = model(given, noise_seed=SEED)
    assert result.audio.shape == (2, 64 * 64)
    np.testing.assert_allclose(result.audio, result.harmonic + result.noise, atol=1e-6)


def test_noise_starts_quiet(random, small_model_values):
    given = batch(random)
    model = build_model(ModelConfig(**small_model_values), STATISTICS)
    assert model.controls(given["audio"], given["f0_hz"], given["loudness_db"]).noise_magnitudes.numpy().mean() < 0.01


def test_no_layer_is_shared(small_model_values):
    model = build_model(ModelConfig(**small_model_values), STATISTICS)
    parts = [*model.decoder.input_mlps, model.decoder.output_mlp, model.decoder.gru, model.z_encoder, model.amplitude_head,
             model.distribution_head, model.noise_head]  # fmt: skip
    weights = [id(weight) for part in parts for weight in part.weights]
    assert len(weights) == len(set(weights)) == len(model.weights)


def test_every_weight_gets_a_gradient(random, small_model_values):
    model = build_model(ModelConfig(**small_model_values), STATISTICS)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(batch(random), noise_seed=SEED).audio ** 2)
    for variable, gradient in zip(model.trainable_variables, tape.gradient(loss, model.trainable_variables)):
        assert gradient is not None and np.isfinite(gradient).all() and np.abs(gradient).max() > 0, variable.path


def test_without_z_the_audio_is_not_looked_at(random, small_model_values):
    given = batch(random)
    other = given | {"audio": given["audio"] * 0}
    for use_z, same in ((False, True), (True, False)):
        model = build_model(ModelConfig(**small_model_values | {"use_z": use_z}), STATISTICS)
        outputs = [model(b, noise_seed=SEED).audio.numpy() for b in (given, other)]
        assert np.array_equal(*outputs) == same


def test_saved_and_loaded_model_is_the_same(tmp_path, random, small_model_values):
    keras.utils.set_random_seed(3)
    model = build_model(ModelConfig(**small_model_values), STATISTICS)
    given = batch(random)
    model.z_encoder.adapt([given["audio"]])
    save_model(model, tmp_path)
    outputs = [m(given, noise_seed=SEED).audio.numpy() for m in (model, load_model(tmp_path))]
    np.testing.assert_array_equal(*outputs)


def test_z_follows_the_control_rate(random, small_model_values):
    model = build_model(ModelConfig(**small_model_values), STATISTICS)
    assert model.z_encoder(tf.constant(random.normal(size=(2, 64000)), tf.float32)).shape == (2, 1000, 4)
