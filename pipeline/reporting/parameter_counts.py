"""How many parameters each experiment's model has at the paper's sizes, part by part."""

from copy import deepcopy
from pathlib import Path

import pandas as pd
import tensorflow as tf
import yaml

from pipeline.common.settings import Settings
from pipeline.examples.schema import Statistics
from pipeline.models.recipe import build_model, count_parameters, read_recipe
from pipeline.overlay import merge

ANY_STATISTICS = Statistics(loudness_mean=0.0, loudness_std=1.0)  # they size nothing


def parameter_counts(settings: Settings, paper: Path) -> pd.DataFrame:
    """Rows of experiment, part, parameters: the models of params.yaml with the overlay PAPER
    merged.
    """
    values = deepcopy(dict(settings.values))
    overlay = yaml.safe_load(paper.read_text())
    overlay["experiments"] = {
        name: block
        for name, block in overlay["experiments"].items()
        if name in values["experiments"]
    }
    merge(values, overlay, paper)
    merged = Settings(paper, values)
    return pd.DataFrame(
        [
            {"experiment": experiment, "part": part, "parameters": count}
            for experiment in values["experiments"]
            for part, count in _count(merged, experiment).items()
        ]
    )


def _count(settings: Settings, experiment: str) -> dict[str, int]:
    """In a graph that is never run: models of the paper's size are built without computing
    anything.
    """
    with tf.Graph().as_default():
        return count_parameters(build_model(read_recipe(settings, experiment), ANY_STATISTICS))
