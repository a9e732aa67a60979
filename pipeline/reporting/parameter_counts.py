"""Count the parameters of each experiment's model at the paper's sizes, part by part."""

from copy import deepcopy
from pathlib import Path

import pandas as pd
import tensorflow as tf

from pipeline.common.settings import Settings
from pipeline.common.yaml_files import read_yaml
from pipeline.examples.schema import Statistics
from pipeline.models.recipe import build_model, count_parameters, read_recipe
from pipeline.overlay import merge

ANY_STATISTICS = Statistics(loudness_mean=0.0, loudness_std=1.0)  # sizes do not depend on them


def parameter_counts(settings: Settings, paper: Path) -> pd.DataFrame:
    """Return rows of experiment, part and parameters.

    Args:
        settings: of params.yaml.
        paper: an overlay with the paper's sizes, merged into the settings.
    """
    merged = merge_sizes(settings, paper)
    return pd.DataFrame(
        [
            {"experiment": experiment, "part": part, "parameters": count}
            for experiment in merged.values["experiments"]
            for part, count in _count(merged, experiment).items()
        ]
    )


def merge_sizes(settings: Settings, paper: Path) -> Settings:
    """Merge an overlay with the paper's sizes into the settings.

    The overlay's blocks of experiments that the settings do not have are left out.
    """
    values = deepcopy(dict(settings.values))
    overlay = read_yaml(paper)
    overlay["experiments"] = {
        name: block
        for name, block in overlay["experiments"].items()
        if name in values["experiments"]
    }
    merge(values, overlay, paper)
    return Settings(paper, values)


def _count(settings: Settings, experiment: str) -> dict[str, int]:
    # in a graph that is never run, so that the paper's sizes cost no computation
    with tf.Graph().as_default():
        return count_parameters(build_model(read_recipe(settings, experiment), ANY_STATISTICS))
