"""What a check is, and how rows are read without pandas."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet
import yaml

HOLDS, FAILS, NOT_RUN = "holds", "fails", "not run"
SHOWN = 10  # findings of a check that a report lists

Columns = dict[str, np.ndarray]


class Check(NamedTuple):
    """A check's outcome."""

    name: str
    looked_at: str
    count: int
    findings: list[str]  # what does not hold
    not_run: str = ""  # why it could not be made

    @property
    def verdict(self) -> str:
        """holds, fails or not run; what was found counts even where the rest could not be looked
        at, and to look at nothing is no check.
        """
        if self.findings:
            return FAILS
        return NOT_RUN if self.not_run else HOLDS if self.count else FAILS


class Project(NamedTuple):
    """A clone of the repository, and what several checks read of it."""

    root: Path
    params: dict[str, Any]
    rows: dict[str, Columns]  # by file of reports/rows
    studies: dict[str, Columns]  # by file of reports/studies

    def runs(self) -> dict[str, tuple[str, int]]:
        """Experiment and seed of every training that params.yaml asks for, by the name of its
        files.
        """
        return {
            f"{name}-{seed}": (name, seed)
            for name in self.params["experiments"]
            for seed in self.params["seeds"]
        }

    def data_of(self, experiment: str) -> str:
        """The data set of an experiment, an ablation's being its base's."""
        block = self.params["experiments"][experiment]
        return self.data_of(block["ablates"]) if "ablates" in block else block["data"]


def read_project(root: Path) -> Project:
    """params.yaml and all rows of a clone."""
    rows, studies = (
        {
            path.stem: read_columns(path)
            for path in sorted((root / "reports" / name).glob("*.parquet"))
        }
        for name in ("rows", "studies")
    )
    return Project(root, yaml.safe_load((root / "params.yaml").read_text()), rows, studies)


def read_columns(path: Path) -> Columns:
    """The columns of a Parquet file; numbers as float64 with NaN for what is missing."""
    table = pyarrow.parquet.read_table(path)
    return {name: _column(table.column(name).to_pylist()) for name in table.column_names}


def _column(values: list) -> np.ndarray:
    if any(isinstance(value, str) for value in values):
        return np.array(["" if value is None else value for value in values], dtype=object)
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def join(parts: list[Columns]) -> Columns:
    """Rows of several files one after another."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def same(found: float, expected: float, tolerance: float = 1e-9) -> bool:
    """Equal within a relative tolerance; NaN equals NaN."""
    return bool(np.isclose(found, expected, rtol=tolerance, atol=tolerance, equal_nan=True))
