"""Cells and headings of the page's tables.

A cell names the source of its figure, so that a test can compare the two.
"""

import re
from typing import NamedTuple

import pandas as pd

from pipeline.reporting.cells import format_cell

MOST_BESIDE = 3  # intervals in a line that fit next to their values
SENTENCE = 24  # characters from which a text is a sentence
# what follows a figure; a user's text may hold brackets, too
INTERVAL = re.compile(r" ((?:\[-?\d\S*, -?\d\S*\] )?n=\d+)$")
MOST_SHOWN = 16  # lines of a table that is not folded


class Cell(NamedTuple):
    """Text and its source: a table of reports/tables and the keys of the line in it."""

    text: str
    source: dict[str, str] = {}

    @property
    def value(self) -> str:
        """The figure without its interval."""
        return self._parts[0]

    @property
    def interval(self) -> str:
        """The interval and the number of examples that follow the value; may be empty."""
        return self._parts[1]

    @property
    def _parts(self) -> tuple[str, str]:
        value, *rest = INTERVAL.split(self.text)
        return value, rest[0] if rest else ""

    @property
    def long(self) -> bool:
        """Whether it is a sentence, which needs a broad column."""
        return not self.source and len(self.text) > SENTENCE


class Head(NamedTuple):
    """A heading of one or more columns."""

    text: str
    columns: int = 1


class Table(NamedTuple):
    """Headings, and lines whose first cell is their name."""

    name: str  # of the table in reports/tables that holds its figures
    heads: list[Head]
    lines: list[list[Cell]]
    groups: list[Head] = []  # headings above the headings

    @property
    def folded(self) -> bool:
        """Whether it is so long that it is folded away."""
        return len(self.lines) > MOST_SHOWN

    @property
    def dense(self) -> bool:
        """Whether intervals go below their values for lack of width."""
        return any(sum(bool(cell.interval) for cell in line) > MOST_BESIDE for line in self.lines)


def figure_cell(table: str, keys: dict[str, str], cell: pd.Series) -> Cell:
    """Make a cell from a row of a long table, rounded by its interval as in the Markdown."""
    return Cell(format_cell(cell), {"table": table, **keys, "metric": cell.metric})


def text_cells(*texts: str) -> list[Cell]:
    """Make cells of texts that are not figures."""
    return [Cell(text) for text in texts]
