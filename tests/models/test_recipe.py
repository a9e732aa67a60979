"""Recipes: every experiment builds with the parameters counted by hand; saving, loading, export."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import yaml

from batches import STATISTICS, random_batch
from conftest import ROOT
from pipeline.common.settings import Settings
from pipeline.models.autoencoder import ModelConfig
from pipeline.models.objective import LossConfig, Objective
from pipeline.models.recipe import (
    Recipe,
    blank_batch,
    build_model,
    count_parameters,
    load_model,
    read_recipe,
    save_model,
)
from pipeline.training.export import export_model
from small_recipes import small_recipe

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
EXPERIMENTS = list(PARAMS["experiments"])


def mlp_count(inputs, units, layers):
    return (
        inputs * units + units + (layers - 1) * (units**2 + units) + layers * 2 * units
        if layers
        else 0
    )


def gru_count(inputs, units):
    return 3 * units * (inputs + units + 2)


def conditioning_count(c: ModelConfig) -> int:
    """Count the parameters of the paper's decoder and z encoder: an MLP has dense layers and layer
    normalization, a GRU two biases.
    """
    skipped = [1 + c.f0_bins, *([1] if c.use_loudness else [])]
    inputs = [*skipped, *([c.z_dims] if c.use_z else [])]
    widths = [c.mlp_units if c.mlp_layers else width for width in inputs]
    count = sum(mlp_count(width, c.mlp_units, c.mlp_layers) for width in inputs)
    count += gru_count(sum(widths), c.gru_units) if c.gru_units else 0
    count += mlp_count(
        c.gru_units + sum(widths[: len(skipped)] if c.gru_units else widths),
        c.mlp_units,
        c.mlp_layers,
    )
    return count + (
        2 * 30 + gru_count(30, c.z_gru_units) + (c.z_gru_units + 1) * c.z_dims if c.use_z else 0
    )


def heads_count(c: ModelConfig) -> int:
    hidden = c.mlp_units if c.mlp_layers else c.gru_units + 2 + c.f0_bins
    return (hidden + 1) * ((1 + c.harmonics if c.harmonics else 0) + c.noise_bands)


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_builds_with_the_expected_parameters(experiment):
    recipe = read_recipe(Settings.read(ROOT / "params.yaml"), experiment)
    counts = count_parameters(build_model(recipe, STATISTICS))
    assert sum(
        n for part, n in counts.items() if part.startswith("conditioning")
    ) == conditioning_count(recipe.model)
    if not recipe.baseline:
        heads = ("amplitude", "harmonic_distribution", "noise_magnitudes")
        assert sum(counts.get(name, 0) for name in heads) == heads_count(recipe.model)
        assert counts.get("reverb", 1) == max(round(16000 * recipe.model.reverb_seconds), 2) - 1
        assert ("f0_encoder" in counts) == (recipe.model.f0 != "given")


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_a_loaded_model_equals_the_saved_one(tmp_path, random, small_model_values, experiment):
    recipe = small_recipe(small_model_values, experiment)
    keras.utils.set_random_seed(3)
    model = build_model(recipe, STATISTICS)
    given = random_batch(random, frames=32)
    model.conditioning.adapt([given])
    save_model(model, recipe, STATISTICS, tmp_path)
    np.testing.assert_array_equal(*(m(given)["audio"] for m in (model, load_model(tmp_path))))


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_sums_of_gradients_do_not_depend_on_timing(random, small_model_values, experiment):
    """AddN starts with any term that no other operation still needs, so no other operation may read
    its terms (`models.determinism.fix_order_of_sums`).
    """
    loss = Objective(Settings.read(ROOT / "params.yaml").section("loss", LossConfig, experiment))
    model = build_model(small_recipe(small_model_values, experiment), STATISTICS)

    def gradients(batch):
        with tf.GradientTape() as tape:
            losses = model.losses(batch, loss, 0)
        return tape.gradient(losses, model.trainable_variables)

    graph = (
        tf.function(gradients, autograph=False)
        .get_concrete_function(random_batch(random, frames=128))
        .graph
    )
    sums = [
        operation
        for operation in graph.get_operations()
        if operation.type == "AddN" and len(operation.inputs) > 2
    ]
    assert sums and not [
        (operation.name, list(operation.inputs))
        for operation in sums
        if max(len(term.consumers()) for term in operation.inputs) > 1
    ]


def test_a_batch_of_silence_is_finite(small_model_values):
    audio = build_model(Recipe(ModelConfig(**small_model_values)), STATISTICS)(blank_batch(32))[
        "audio"
    ]
    assert np.isfinite(audio).all()


ALONE = """
import sys, numpy as np, tensorflow as tf
given = dict(np.load(sys.argv[2]))
model = tf.saved_model.load(sys.argv[1])
sound = model.resynthesize(**{name: tf.constant(value) for name, value in given.items()})
assert not [name for name in sys.modules if name.startswith("pipeline")]
np.savez(sys.argv[3], **sound)
"""


def test_an_exported_model_needs_only_tensorflow(tmp_path, random, small_model_values):
    recipe = Recipe(ModelConfig(**small_model_values | {"reverb_seconds": 0.02}))
    given = random_batch(random, frames=48, size=3)
    model = build_model(recipe, STATISTICS)
    model.conditioning.adapt([given])
    save_model(model, recipe, STATISTICS, tmp_path)
    export_model(tmp_path, tmp_path / "exported")
    np.savez(tmp_path / "given.npz", **given)
    command = [
        sys.executable,
        "-c",
        ALONE,
        *(str(tmp_path / name) for name in ("exported", "given.npz", "sound.npz")),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(tmp_path / "sound.npz") as sound:
        for name, expected in model(given).items():
            np.testing.assert_allclose(sound[name], expected, atol=1e-4)
