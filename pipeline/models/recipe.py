"""Recipes: which network an experiment trains, and how to build, save and load it."""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from pipeline.common.params import Config, Params, validate
from pipeline.common.settings import Settings
from pipeline.common.units import HOP
from pipeline.examples.schema import Statistics
from pipeline.models.autoencoder import Autoencoder, ModelConfig
from pipeline.models.stft_decoder import StftDecoder, StftDecoderConfig
from pipeline.models.strided_conv import StridedConv, StridedConvConfig
from pipeline.models.wavernn import WaveRnn, WaveRnnConfig

NETWORKS = {
    "wavernn": (WaveRnn, WaveRnnConfig),
    "strided_conv": (StridedConv, StridedConvConfig),
    "stft": (StftDecoder, StftDecoderConfig),
}
OBJECTIVES = {  # training objectives as tables name them
    "wavernn": "cross-entropy, nats per sample",
    "stft": "squared error of log magnitudes",
}


class Recipe(NamedTuple):
    """The configuration of a network: the DDSP autoencoder or a baseline, which shares its
    conditioning.
    """

    model: ModelConfig
    baseline: str | None = None  # a key of NETWORKS; None: the autoencoder
    own: Params | None = None  # the baseline's own config

    def objective(self) -> str:
        """Name the training objective as tables do."""
        return OBJECTIVES.get(self.baseline, "multi-scale spectral loss")

    def parts(self) -> dict[str, Any]:
        """Return the recipe as values that JSON can hold."""
        own = self.own.model_dump() if self.own else None
        return {"model": self.model.model_dump(), "baseline": self.baseline, "own": own}


def read_recipe(settings: Settings, experiment: str) -> Recipe:
    """Read an experiment's recipe: the `model` section with its overrides and, for a baseline, the
    baseline's own config.
    """
    model = settings.section("model", ModelConfig, experiment)
    definition = settings.experiment(experiment)
    baseline = definition.baseline
    if baseline is None:
        return Recipe(model)
    _, config = NETWORKS[baseline]
    where = f"experiments.{experiment}.{baseline}"
    own = validate(definition.overrides[baseline], config, settings.path, where)
    return Recipe(model, baseline, own)


def build_model(recipe: Recipe, statistics: Statistics) -> keras.Model:
    """Build a model and create its weights."""
    model = (
        NETWORKS[recipe.baseline][0](recipe.model, recipe.own, statistics)
        if recipe.baseline
        else Autoencoder(recipe.model, statistics)
    )
    model(blank_batch(frames=64))
    return model


def blank_batch(frames: int) -> dict[str, tf.Tensor]:
    """Return a batch of one silent example of so many control frames, in the format that models
    take.
    """
    silence = tf.zeros([1, frames * HOP])
    curve = tf.ones([1, frames])
    return {"audio": silence, "noise": silence, "f0_hz": 440 * curve, "loudness_db": -80 * curve}


def save_model(model: keras.Model, recipe: Recipe, statistics: Statistics, folder: Path) -> None:
    """Write config.json and model.weights.h5 into an existing folder."""
    parts = recipe.parts() | {"statistics": statistics.model_dump()}
    (folder / "config.json").write_text(json.dumps(parts, indent=2) + "\n")
    model.save_weights(folder / "model.weights.h5")


def load_model(folder: Path) -> keras.Model:
    """Load a model that `save_model` wrote."""
    parts = json.loads((folder / "config.json").read_text())
    baseline = parts["baseline"]
    own = _from_json(NETWORKS[baseline][1], parts["own"]) if baseline else None
    recipe = Recipe(_from_json(ModelConfig, parts["model"]), baseline, own)
    model = build_model(recipe, Statistics(**parts["statistics"]))
    model.load_weights(folder / "model.weights.h5")
    return model


def _from_json(config: type[Config], values: dict[str, Any]) -> Config:
    """Read a config that came from JSON, which has lists where configs have tuples."""
    return config.model_validate_json(json.dumps(values))


def count_parameters(model: keras.Model) -> dict[str, int]:
    """Count the trainable parameters of each part of a model. Call this before freezing a part."""
    conditioning = model.conditioning
    conditioning_parts = (conditioning.z_encoder, conditioning.decoder)
    parts = {
        f"conditioning/{layer.name}": layer for layer in conditioning_parts if layer is not None
    }
    parts |= {layer.name: layer for layer in model.layers if layer is not conditioning}
    counts = {name: _size(layer.trainable_variables) for name, layer in parts.items()}
    rest = _size(model.trainable_variables) - sum(counts.values())
    return counts | ({model.name: rest} if rest else {})


def _size(variables: list[keras.Variable]) -> int:
    return sum(math.prod(variable.shape) for variable in variables)
