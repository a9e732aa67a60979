"""Measured figures with their targets, as CSV and as Markdown tables."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.machine import machine_facts
from benchmarks.measurements import median_and_range
from pipeline.common.files import write_text


class Target(NamedTuple):
    """Bounds for a figure; a target that does not apply is shown but not judged."""

    at_least: float = -math.inf
    at_most: float = math.inf
    stretch: float | None = None
    remark: str = ""
    applies: bool = True

    def __str__(self) -> str:
        """Format the target for a table."""
        bound = f">= {self.at_least:g}" if self.at_most == math.inf else f"<= {self.at_most:g}"
        stretch = f"stretch {self.stretch:g}" if self.stretch else ""
        remarks = "; ".join(filter(None, (stretch, self.remark)))
        return f"{bound} ({remarks})" if remarks else bound

    def verdict(self, value: float) -> str:
        """Return yes, no, or a dash if the target does not apply."""
        if not self.applies:
            return "-"
        return "yes" if self.at_least <= value <= self.at_most else "no"


class Figure(NamedTuple):
    """A row of the CSV file: median, minimum and maximum of `repeats` values, and a target if there
    is one.
    """

    benchmark: str
    setting: str
    value: float | str
    unit: str = ""
    repeats: int = 1
    low: float | str = ""
    high: float | str = ""
    target: str = ""
    met: str = ""
    note: str = ""


def machine_figures() -> list[Figure]:
    """Describe the machine."""
    return [Figure("machine", key, value) for key, value in machine_facts().items()]


def summarize(
    benchmark: str,
    setting: str,
    values: np.ndarray | list[float],
    unit: str,
    note: str = "",
    target: Target | None = None,
) -> Figure:
    """Summarize repeated measurements as a figure; the target applies to the median."""
    median, low, high = median_and_range(values)
    judged = (str(target), target.verdict(median)) if target else ("", "")
    return Figure(benchmark, setting, median, unit, len(values), low, high, *judged, note)


def write_report(out: Path, figures: list[Figure]) -> None:
    """Write a CSV file, and a Markdown file of the same name with targets, all figures and the
    machine.
    """
    write_text(out, pd.DataFrame(figures).to_csv(index=False))
    measured = [figure for figure in figures if figure.benchmark != "machine"]
    machine_rows = [figure for figure in figures if figure.benchmark == "machine"]
    judged = [figure for figure in measured if figure.target]
    parts = {
        "Targets": table(
            judged, ("benchmark", "setting", "value", "unit", "range", "target", "met", "note")
        ),
        "All figures": table(
            measured, ("benchmark", "setting", "value", "unit", "range", "repeats", "note")
        ),
        "Machine": table(machine_rows, ("setting", "value")),
    }
    text = "".join(f"## {title}\n\n{rows}\n" for title, rows in parts.items())
    intro = (
        "Medians; the range is from the lowest to the highest repeat. Written by `python -m "
        "benchmarks.training`.\n"
    )
    write_text(out.with_suffix(".md"), f"# Training beside the authors' package\n\n{intro}\n{text}")


def table(figures: list[Figure], columns: tuple[str, ...]) -> str:
    """Format figures as a Markdown table."""
    cells = [{**figure._asdict(), "range": f"{figure.low} to {figure.high}"} for figure in figures]
    rows = [
        columns,
        ["---"] * len(columns),
        *([str(cell[column]) for column in columns] for cell in cells),
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
