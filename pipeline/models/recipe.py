"""Models by recipe: which network an experiment trains, built, saved and loaded."""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from pipeline.common.params import Params, validate
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
OBJECTIVES = {  # what each is trained on, in a table's words
    "wavernn": "cross-entropy, nats per sample",
    "stft": "squared error of log magnitudes",
}


class Recipe(NamedTuple):
    """The DDSP autoencoder, or a baseline in its place with a config of its own; both have the
    same conditioning.
    """

    model: ModelConfig
    baseline: str | None = None
    own: Params | None = None

    def objective(self) -> str:
        """What the model is trained on."""
        return OBJECTIVES.get(self.baseline, "multi-scale spectral loss")

    def parts(self) -> dict[str, Any]:
        """The recipe as JSON can hold it."""
        own = self.own.model_dump() if self.own else None
        return {"model": self.model.model_dump(), "baseline": self.baseline, "own": own}


def read_recipe(settings: Settings, experiment: str) -> Recipe:
    """Read the recipe of an experiment: the `model` section with its overrides, and a baseline's
    own config.
    """
    model = settings.section("model", ModelConfig, experiment)
    described = settings.experiment(experiment)
    if described.baseline is None:
        return Recipe(model)
    _, config = NETWORKS[described.baseline]
    where = f"experiments.{experiment}.{described.baseline}"
    own = validate(described.overrides[described.baseline], config, settings.path, where)
    return Recipe(model, described.baseline, own)


def build_model(recipe: Recipe, statistics: Statistics) -> keras.Model:
    """A model with its weights created."""
    model = (
        NETWORKS[recipe.baseline][0](recipe.model, recipe.own, statistics)
        if recipe.baseline
        else Autoencoder(recipe.model, statistics)
    )
    model(blank_batch(frames=64))
    return model


def blank_batch(frames: int) -> dict[str, tf.Tensor]:
    """A batch of one silent example, as models take them."""
    silence, curve = tf.zeros([1, frames * HOP]), tf.ones([1, frames])
    return {"audio": silence, "noise": silence, "f0_hz": 440 * curve, "loudness_db": -80 * curve}


def save_model(model: keras.Model, recipe: Recipe, statistics: Statistics, folder: Path) -> None:
    """Write config.json and model.weights.h5 into an existing folder."""
    parts = recipe.parts() | {"statistics": statistics.model_dump()}
    (folder / "config.json").write_text(json.dumps(parts, indent=2) + "\n")
    model.save_weights(folder / "model.weights.h5")


def load_model(folder: Path) -> keras.Model:
    """The model `save_model` wrote."""
    parts = json.loads((folder / "config.json").read_text())
    baseline = parts["baseline"]
    own = NETWORKS[baseline][1](**parts["own"]) if baseline else None
    model = build_model(
        Recipe(ModelConfig(**parts["model"]), baseline, own), Statistics(**parts["statistics"])
    )
    model.load_weights(folder / "model.weights.h5")
    return model


def count_parameters(model: keras.Model) -> dict[str, int]:
    """Trainable parameters by part of the model; call it before anything is frozen."""
    conditioning = model.conditioning
    inner = [layer for layer in (conditioning.z_encoder, conditioning.decoder) if layer is not None]
    parts = {f"conditioning/{layer.name}": layer for layer in inner}
    parts |= {layer.name: layer for layer in model.layers if layer is not conditioning}
    counts = {name: _size(layer.trainable_variables) for name, layer in parts.items()}
    rest = _size(model.trainable_variables) - sum(counts.values())
    return counts | ({model.name: rest} if rest else {})


def _size(variables: list[keras.Variable]) -> int:
    return sum(math.prod(variable.shape) for variable in variables)
