"""What a check returns, and how the audit reads rows without pandas."""

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet
from ruamel.yaml import YAML

HOLDS = "holds"
FAILS = "fails"
NOT_RUN = "not run"
SHOWN = 10  # findings that the report lists per check

Columns = dict[str, np.ndarray]


class Check(NamedTuple):
    """The outcome of a check."""

    name: str
    looked_at: str
    count: int
    findings: list[str]  # what does not hold
    not_run: str = ""  # why the check, or a part of it, could not run

    @property
    def verdict(self) -> str:
        """Return "holds", "fails" or "not run".

        Findings count even where a part of the check could not run. A check that looked at
        nothing fails.
        """
        if self.findings:
            return FAILS
        if self.not_run:
            return NOT_RUN
        return HOLDS if self.count else FAILS


class Project(NamedTuple):
    """A clone of the repository and the files that several checks read."""

    root: Path
    params: dict[str, Any]
    rows: dict[str, Columns]  # by file name in reports/rows, without suffix
    studies: dict[str, Columns]  # by file name in reports/studies, without suffix

    def runs(self) -> dict[str, tuple[str, int]]:
        """Map the run name of every training in params.yaml to its experiment and seed."""
        return {
            f"{name}-{seed}": (name, seed)
            for name in self.params["experiments"]
            for seed in self.params["seeds"]
        }

    def data_of(self, experiment: str) -> str:
        """Return an experiment's data set; an ablation uses that of its base."""
        block = self.params["experiments"][experiment]
        return self.data_of(block["ablates"]) if "ablates" in block else block["data"]

    def training_summary(self, run: str) -> dict[str, Any]:
        """Read the summary that a training wrote."""
        return read_json(self.root / "reports" / "training" / f"{run}.json")


def read_project(root: Path) -> Project:
    """Read params.yaml and all rows of a clone."""
    params = read_yaml(root / "params.yaml")
    rows = _read_folder(root / "reports" / "rows")
    studies = _read_folder(root / "reports" / "studies")
    return Project(root, params, rows, studies)


def _read_folder(folder: Path) -> dict[str, Columns]:
    return {path.stem: read_columns(path) for path in sorted(folder.glob("*.parquet"))}


def read_columns(path: Path) -> Columns:
    """Read the columns of a Parquet file; numbers become float64, missing ones NaN."""
    table = pyarrow.parquet.read_table(path)
    return {name: _column(table.column(name).to_pylist()) for name in table.column_names}


def _column(values: list) -> np.ndarray:
    if any(isinstance(value, str) for value in values):
        return np.array(["" if value is None else value for value in values], dtype=object)
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def read_yaml(path: Path) -> Any:
    """Read a YAML file as DVC does (version 1.2)."""
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text())


def read_lines(path: Path) -> list[dict[str, str]]:
    """Read the lines of a CSV file as text by column."""
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def join(parts: list[Columns]) -> Columns:
    """Concatenate the rows of several files."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def same(actual: float, expected: float, tolerance: float = 1e-9) -> bool:
    """Compare two numbers within a relative and absolute tolerance; NaN equals NaN."""
    return bool(np.isclose(actual, expected, rtol=tolerance, atol=tolerance, equal_nan=True))
