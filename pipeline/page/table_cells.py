"""What the page's tables are made of: cells that know which figure they show, so that a test can
compare each with its source.
"""

import re
from typing import NamedTuple

import pandas as pd

from pipeline.reporting.cells import format_cell

MOST_BESIDE = 3  # intervals in a line for which there is room beside their values

SENTENCE = 24  # characters
MOST_SHOWN = 16  # lines of a table that is not folded


class Cell(NamedTuple):
    """Text, and where its figure stands: a table of reports/tables and the keys of its line."""

    text: str
    source: dict[str, str] = {}

    @property
    def value(self) -> str:
        """The figure before its interval."""
        return self._parts[0]

    @property
    def interval(self) -> str:
        """The interval and the number of examples, as they follow the value."""
        return self._parts[1]

    @property
    def _parts(self) -> tuple[str, str]:
        value, *rest = re.split(r" (?=\[|n=\d)", self.text, maxsplit=1)
        return value, rest[0] if rest else ""

    @property
    def long(self) -> bool:
        """Whether it is a sentence, which wants a broad column."""
        return not self.source and len(self.text) > SENTENCE


class Head(NamedTuple):
    """A heading above one or several columns."""

    text: str
    columns: int = 1


class Table(NamedTuple):
    """Headings, then lines whose first cell names them."""

    name: str  # of the table in reports/tables whose figures it shows
    heads: list[Head]
    lines: list[list[Cell]]
    groups: list[Head] = []  # headings above the headings

    @property
    def folded(self) -> bool:
        """Whether it is too long to be shown at once."""
        return len(self.lines) > MOST_SHOWN

    @property
    def dense(self) -> bool:
        """Whether intervals have to stand below their values."""
        return any(sum(bool(cell.interval) for cell in line) > MOST_BESIDE for line in self.lines)


def figure_cell(table: str, keys: dict[str, str], cell: pd.Series) -> Cell:
    """A cell of a long table, rounded by its interval, as the Markdown has it."""
    return Cell(format_cell(cell), {"table": table, **keys, "metric": cell.metric})


def text_cells(*texts: str) -> list[Cell]:
    """Cells that are no figures."""
    return [Cell(text) for text in texts]
