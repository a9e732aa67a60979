"""The f0 and loudness that studies condition a model on, stored beside the tracked output."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

# In a study's folder: the tracked set, and a table with one line per row of the study.
CLIPS, PLAN = "clips", "plan.csv"


class Condition(NamedTuple):
    """The conditioning of one clip."""

    f0_hz: np.ndarray  # [frames] at 250 Hz
    loudness_db: np.ndarray  # [frames]
    pitched: np.ndarray  # [coarse frames] bool: frames in which the originals have a pitch


def write_conditions(folder: Path, conditions: dict[str, Condition]) -> None:
    """Write the conditioning of every clip, by id, to folder/conditions.npz."""
    curves = {
        name: np.stack([getattr(condition, name) for condition in conditions.values()])
        for name in Condition._fields
    }
    np.savez(folder / "conditions.npz", ids=np.array(list(conditions)), **curves)


def read_conditions(folder: Path) -> dict[str, Condition]:
    """Read what `write_conditions` wrote."""
    with np.load(folder / "conditions.npz") as stored:
        curves = zip(*(stored[name] for name in Condition._fields))
        return {str(name): Condition(*values) for name, values in zip(stored["ids"], curves)}
