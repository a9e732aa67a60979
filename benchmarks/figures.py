"""Figures with their targets, as CSV and as a Markdown table."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.preparation import machine
from pipeline.common.files import write_text


class Target(NamedTuple):
    """What a figure is to reach; where it does not apply, it is shown but not judged."""

    at_least: float = -math.inf
    at_most: float = math.inf
    stretch: float | None = None
    remark: str = ""
    applies: bool = True

    def __str__(self) -> str:
        """As a table shows it."""
        bound = f">= {self.at_least:g}" if self.at_most == math.inf else f"<= {self.at_most:g}"
        stretch = f"stretch {self.stretch:g}" if self.stretch else ""
        remarks = "; ".join(filter(None, (stretch, self.remark)))
        return f"{bound} ({remarks})" if remarks else bound

    def verdict(self, value: float) -> str:
        """yes, no, or a dash where it does not apply."""
        if not self.applies:
            return "-"
        return "yes" if self.at_least <= value <= self.at_most else "no"


class Figure(NamedTuple):
    """A line of the CSV: the median of `repeats` values, the lowest and the highest, and the
    target if there is one.
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
    """What it runs on."""
    return [Figure(row.benchmark, row.setting, row.value) for row in machine()]


def summarize(
    benchmark: str,
    setting: str,
    values: np.ndarray | list[float],
    unit: str,
    note: str = "",
    target: Target | None = None,
) -> Figure:
    """The figure of repeated measurements; the median is judged."""
    median, low, high = (
        float(f"{value:.4g}") for value in (np.median(values), np.min(values), np.max(values))
    )
    judged = (str(target), target.verdict(median)) if target else ("", "")
    return Figure(benchmark, setting, median, unit, len(values), low, high, *judged, note)


def write_report(out: Path, figures: list[Figure]) -> None:
    """The CSV, and beside it a Markdown file with targets, all figures and the machine."""
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
    """Figures as a Markdown table."""
    cells = [{**figure._asdict(), "range": f"{figure.low} to {figure.high}"} for figure in figures]
    rows = [
        columns,
        ["---"] * len(columns),
        *([str(cell[column]) for column in columns] for cell in cells),
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
