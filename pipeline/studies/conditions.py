"""What models were asked for in the studies, kept beside the tracked sets of what they made of
it.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

# of a study's folder: the tracked set, and a line per clip of its rows
CLIPS, PLAN = "clips", "plan.csv"


class Condition(NamedTuple):
    """What one clip was conditioned on."""

    f0_hz: np.ndarray  # [frames] at 250 Hz
    loudness_db: np.ndarray  # [frames]
    pitched: np.ndarray  # [coarse frames] bool: where the originals have a pitch


def write_conditions(folder: Path, conditions: dict[str, Condition]) -> None:
    """Write what every clip of a tracked set was conditioned on beside it."""
    curves = {
        name: np.stack([getattr(condition, name) for condition in conditions.values()])
        for name in Condition._fields
    }
    np.savez(folder / "conditions.npz", ids=np.array(list(conditions)), **curves)


def read_conditions(folder: Path) -> dict[str, Condition]:
    """The inverse of `write_conditions`."""
    with np.load(folder / "conditions.npz") as stored:
        curves = zip(*(stored[name] for name in Condition._fields))
        return {str(name): Condition(*values) for name, values in zip(stored["ids"], curves)}
