"""Repeated measurements: their median and range as a row of a CSV file."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.common.cli import UserError


class Row(NamedTuple):
    """A row of the CSV file: median, minimum and maximum of `repeats` values."""

    benchmark: str
    setting: str
    value: float | str
    unit: str = ""
    repeats: int = 1
    low: float | str = ""
    high: float | str = ""
    note: str = ""


def median_and_range(values: np.ndarray | list[float]) -> tuple[float, float, float]:
    """Return median, minimum and maximum, rounded to four digits."""
    return (rounded(np.median(values)), rounded(np.min(values)), rounded(np.max(values)))


def rounded(value: float) -> float:
    """Round to four significant digits."""
    return float(f"{value:.4g}")


def summarize(
    benchmark: str, setting: str, values: np.ndarray | list[float], unit: str, note: str = ""
) -> Row:
    """Summarize repeated measurements as a row."""
    median, low, high = median_and_range(values)
    return Row(benchmark, setting, median, unit, len(values), low, high, note)


def check_writable(out: Path) -> None:
    """Create a file's folder and the file, before minutes of work; keep the contents of an
    existing file.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.touch()
    except OSError as error:
        raise UserError(f"{out}: cannot be written ({error.strerror}); name another file") from None
