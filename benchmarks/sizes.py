"""Sizes of the training benchmark and its experiments: the paper's solo instrument and the default
experiment.
"""

from pathlib import Path
from typing import NamedTuple

import yaml

from pipeline.common.params import read_params
from pipeline.common.units import SAMPLE_RATE

DEFAULT = "supervised"  # the experiment whose training step is measured separately
# taps of the reverb by number of harmonics: as in the authors' code, as in the paper
TAPS = {60: 48000, 100: 64000}


class Size(NamedTuple):
    """Sizes of examples and networks, and the number of repeats."""

    batch: int
    seconds: float  # per example
    units: int  # of the GRU and the MLPs
    repeats: int
    least: float  # minimum duration of a turn in seconds
    largest: int  # longest example in seconds, and largest batch

    def request(self, case: str, **values: int | float | str | bool) -> dict:
        """Return a worker's request for a case."""
        return {
            "case": case,
            "batch": self.batch,
            "seconds": self.seconds,
            "units": self.units,
        } | values


def write_params(params: Path, path: Path, size: Size) -> Path:
    """Write a params.yaml whose experiments are the paper's solo instrument and the default
    experiment, each in both precisions.
    """
    values = read_params(params)
    experiments = {DEFAULT: values["experiments"][DEFAULT]} | {
        solo_name(harmonics): solo(size, harmonics) for harmonics in TAPS
    }
    for name, blocks in list(experiments.items()):
        train = blocks.get("train", {}) | {"precision": "mixed_bfloat16"}
        experiments[f"{name}_bfloat16"] = blocks | {"train": train}
    path.write_text(yaml.safe_dump(values | {"experiments": experiments}))
    return path


def solo_name(harmonics: int) -> str:
    """Name the solo-instrument experiment by its number of harmonics."""
    return f"solo_{harmonics}"


def solo(size: Size, harmonics: int) -> dict:
    """Define the solo instrument as an experiment: without z, with a reverb."""
    model = {
        "gru_units": size.units,
        "mlp_units": size.units,
        "mlp_layers": 3,
        "use_z": False,
        "f0_bins": 0,
        "f0": "given",
        "harmonics": harmonics,
        "noise_bands": 65,
        "reverb_seconds": TAPS[harmonics] / SAMPLE_RATE,
    }
    train = {
        "batch_size": size.batch,
        "crop_seconds": size.seconds,
        "warmup_seconds": 0.0,
        "precision": "float32",
    }
    return {"data": "notes", "model": model, "train": train}
