"""Figures on the committed page, as a browser shows them, against the reports' tables and rows."""

import json
import re

import pandas as pd
import pytest

from browser import REPORTS

pytest_plugins = ["browser"]
CELLS = """
return [...document.querySelectorAll("td, tbody th, dd")].map((cell) => ({
  text: cell.textContent.trim(),
  kind: cell.tagName,
  table: cell.closest("table")?.getAttribute("aria-labelledby"),
  ...cell.dataset,
}));
"""


def test_figures_match_the_tables(page):
    cells = page.execute_script(CELLS)
    found = [cell for cell in cells if "metric" in cell and cell["kind"] == "TD"]
    tables = {
        path.stem: pd.read_csv(path, dtype=str, keep_default_na=False)
        for path in (REPORTS / "tables").glob("*.csv")
    }
    assert {cell["table"] for cell in found} >= {"resynthesis", "ablations"} & set(tables)
    for cell in found:
        table, keys = (
            tables[cell["table"]],
            {
                key: value
                for key, value in cell.items()
                if key not in ("text", "kind", "table", "column")
            },
        )
        (line,) = table[(table[list(keys)] == pd.Series(keys)).all(axis=1)].to_dict("records")
        assert printed_right(cell["text"], line, cell.get("column")), cell


def test_texts_match_the_markdown_or_hold_no_figure(page):
    cells = page.execute_script(CELLS)
    known = {path.stem: markdown_cells(path) for path in (REPORTS / "tables").glob("*.md")}
    audit = {
        str(value)
        for check in json.loads((REPORTS / "audit.json").read_text())
        for value in check.values()
    }
    for cell in (cell for cell in cells if "metric" not in cell):
        if "markdown" in cell:
            assert cell["text"] in known[cell["table"]], cell
        elif cell["table"] == "table-audit":
            assert cell["text"] in audit or cell["text"].startswith("not run: "), cell
        elif cell["kind"] == "TD":
            assert not re.search(r"\d\.\d", cell["text"]), cell


def test_figures_next_to_sounds_match_the_rows(page):
    found = [cell for cell in page.execute_script(CELLS) if cell["kind"] == "DD"]
    rows = {
        path.stem: pd.read_parquet(path).set_index("example_id")
        for path in (REPORTS / "rows").glob("*.parquet")
    }
    assert len(found) > 20
    for cell in found:
        row, metric = rows[cell["rows"]].loc[cell["example"]], cell["metric"]
        value = (
            row[metric]
            if metric in row
            else row[metric.replace("outlier_frames_", "frames_outlier_")] / row.frames_pitched
        )
        assert cell["text"] == ("undefined" if pd.isna(value) else f"{value:.3g}"), cell


def printed_right(text: str, line: dict[str, str], column: str | None) -> bool:
    """Whether a printed cell equals the table's line at full precision, rounded."""
    # a cell without an interval: a p, one of the paper's figures, or undefined
    if column or "low" not in line or not line["value"] or not line["examples"]:
        return (
            text == "undefined"
            if not line["value"]
            else float(text) == pytest.approx(float(line[column or "value"]), rel=0.05)
        )
    form, names = (
        (r"(\S+) \[(\S+), (\S+)\] n=(\d+)", ("value", "low", "high", "examples"))
        if line["low"]
        else (r"(\S+) n=(\d+)", ("value", "examples"))
    )
    figures = dict(zip(names, re.fullmatch(form, text).groups()))
    return all(
        abs(float(shown) - float(line[key])) <= 0.5000001 * 10 ** -len(shown.partition(".")[2])
        for key, shown in figures.items()
    )


def markdown_cells(path) -> set[str]:
    """Return all cells of a Markdown file's tables."""
    lines = [line for line in path.read_text().splitlines() if line.startswith("|")]
    return {cell.strip() for line in lines for cell in line.strip("|").split("|")}
