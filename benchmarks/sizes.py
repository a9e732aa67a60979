"""How much the training benchmark measures, and the experiments it measures: the paper's solo
instrument, the default one.
"""

from pathlib import Path
from typing import NamedTuple

import yaml

from pipeline.common.params import read_params
from pipeline.common.units import SAMPLE_RATE

DEFAULT = "supervised"  # the experiment whose step is measured on its own
# of the reverb, by the number of harmonics: the authors' code, the paper
TAPS = {60: 48000, 100: 64000}


class Size(NamedTuple):
    """How much of everything is measured."""

    batch: int
    seconds: float
    units: int
    repeats: int
    least: float  # seconds that each turn lasts at least
    largest: int

    def request(self, case: str, **values: int | float | str | bool) -> dict:
        """What a worker is asked for."""
        return {
            "case": case,
            "batch": self.batch,
            "seconds": self.seconds,
            "units": self.units,
        } | values


def write_params(params: Path, path: Path, size: Size) -> Path:
    """params.yaml with the paper's solo instrument as experiments, and the default experiment,
    each in both precisions.
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
    """The experiment with so many harmonics."""
    return f"solo_{harmonics}"


def solo(size: Size, harmonics: int) -> dict:
    """The solo instrument as an experiment: no z, a reverb."""
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
