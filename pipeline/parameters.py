"""How many parameters each experiment's model has at the paper's sizes, part by part."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import tensorflow as tf
import yaml

from pipeline.config import read_params
from pipeline.examples import Statistics
from pipeline.model import build_model, count_parameters, read_recipe
from pipeline.overlay import merge

ANY_STATISTICS = Statistics(loudness_mean=0.0, loudness_std=1.0)  # they size nothing


def parameter_counts(params: Path, paper: Path) -> pd.DataFrame:
    """Rows of experiment, part, parameters: the models of params.yaml with the overlay PAPER merged."""
    values, overlay = read_params(params), yaml.safe_load(paper.read_text())
    overlay["experiments"] = {name: block for name, block in overlay["experiments"].items() if name in values["experiments"]}
    merge(values, overlay, paper)
    with TemporaryDirectory() as folder:
        merged = Path(folder) / "params.yaml"
        merged.write_text(yaml.safe_dump(values, sort_keys=False))
        rows = [
            {"experiment": experiment, "part": part, "parameters": count}
            for experiment in values["experiments"]
            for part, count in _count(merged, experiment).items()
        ]
    return pd.DataFrame(rows)


def _count(path: Path, experiment: str) -> dict[str, int]:
    """In a graph that is never run: models of the paper's size are built without computing anything."""
    with tf.Graph().as_default():
        return count_parameters(build_model(read_recipe(path, experiment), ANY_STATISTICS))
