"""The recipes of params.yaml at a small size, for tests that build every kind of model."""

from conftest import ROOT
from pipeline.common.settings import Settings
from pipeline.models.autoencoder import ModelConfig
from pipeline.models.recipe import Recipe, read_recipe

OPTIONS = (
    "use_loudness",
    "use_z",
    "f0",
    "z_normalization",
    "mlp_layers",
    "f0_bins",
    "linear_envelopes",
    "reverb_seconds",
)


def small_recipe(small_model_values: dict, experiment: str) -> Recipe:
    """Return an experiment's options at a small size, with its baseline's own sizes."""
    recipe = read_recipe(Settings.read(ROOT / "params.yaml"), experiment)
    options = {name: getattr(recipe.model, name) for name in OPTIONS}
    options |= {
        name: 0
        for name in ("gru_units", "harmonics", "noise_bands")
        if not getattr(recipe.model, name)
    }
    return recipe._replace(model=ModelConfig(**small_model_values | options))
