"""Make the tables of the page from the CSV files of reports/tables."""

import pandas as pd

from pipeline.page.table_cells import Cell, Head, Table, figure_cell, text_cells
from pipeline.reporting.ablations import PRIMARY
from pipeline.reporting.columns import (
    METRICS,
    PAPER_METRICS,
    TABLE_1,
    StudyTable,
    difference_name,
)
from pipeline.reporting.table_1 import PAIRED, display_name

LABELS = {metric.name: metric.label for metric in METRICS}
IN_PAPER = "paper_"  # prefix of the paper's row for an experiment


def table_1(cells: pd.DataFrame) -> Table:
    """Lay out our rows in the metrics of Table 1, next to the paper's where it has figures."""
    by_row = {(cell["row"], cell.metric): cell for _, cell in cells.iterrows()}
    ours = cells[cells.source.isna()].drop_duplicates("row")
    lines = []
    for row in ours.itertuples():
        line = text_cells(display_name(row.row), row.data)
        for metric in TABLE_1:
            if metric in PAPER_METRICS:
                line.append(_published(by_row.get((f"{IN_PAPER}{row.row}", metric))))
            line.append(figure_cell("resynthesis", {"row": row.row}, by_row[row.row, metric]))
        lines.append(line)
    origins = [("paper", "ours") if metric in PAPER_METRICS else ("ours",) for metric in TABLE_1]
    groups = [Head(LABELS[metric], len(heads)) for metric, heads in zip(TABLE_1, origins)]
    heads = [Head(origin) for of_metric in origins for origin in of_metric]
    return Table(
        "resynthesis", [Head("Model"), Head("Data"), *heads], lines, [Head("", 2), *groups]
    )


def _published(cell: pd.Series | None) -> Cell:
    """Show one of the paper's figures; nothing where it has none."""
    return Cell("") if cell is None else Cell(f"{cell.value:g}", _row("resynthesis", cell))


def difference_table(cells: pd.DataFrame, base: str) -> Table:
    """Lay out the other rows' differences from the base of their data set.

    Each difference is followed by the verdict of its interval on these examples.
    """
    data = cells[(cells["row"] == base)].data.iloc[0]
    others = cells[
        (cells.data == data)
        & (cells["row"] != base)
        & ~cells["row"].str.startswith("original_retracked")
    ]
    lines = []
    for name, row in others.groupby("row", sort=False):
        differences = [row[row.metric == difference_name(metric.name)].iloc[0] for metric in PAIRED]
        shown = [
            cell
            for difference in differences
            for cell in (
                figure_cell("resynthesis", {"row": name}, difference),
                Cell(reading(difference)),
            )
        ]
        lines.append([Cell(display_name(name)), *shown])
    heads = [
        Head(""),
        *(
            head
            for metric in PAIRED
            for head in (Head(f"{metric.label} minus {base}"), Head("on these examples"))
        ),
    ]
    return Table("resynthesis", heads, lines)


def reading(difference: pd.Series) -> str:
    """Read a paired difference on the examples it was measured on; lower must be better."""
    if pd.isna(difference.low) or difference.low <= 0 <= difference.high:
        return "undecided"
    return "worse" if difference.low > 0 else "better"


def ablation_table(cells: pd.DataFrame, asks: dict[str, str]) -> Table:
    """Lay out each ablation's spectral loss, difference from its base, and verdict.

    Args:
        cells: of the table of ablations.
        asks: question by ablation.
    """
    lines = []
    for name, row in cells.groupby("row", sort=False):
        value = row[row.metric == PRIMARY].iloc[0]
        difference = row[row.metric == difference_name(PRIMARY)].iloc[0]
        keys = {"row": name}
        p = Cell(
            f"{difference.p_holm:.2g}",
            {"table": "ablations", **keys, "metric": difference.metric, "column": "p_holm"},
        )
        lines.append(
            [
                *text_cells(name, difference.base, asks[name]),
                figure_cell("ablations", keys, value),
                figure_cell("ablations", keys, difference),
                p,
                Cell(difference.verdict),
            ]
        )
    label = LABELS[PRIMARY]
    return Table(
        "ablations",
        [
            Head(text)
            for text in (
                "Ablation",
                "Of",
                "Question",
                label,
                f"{label} minus base",
                "p (Holm)",
                "Verdict",
            )
        ],
        lines,
    )


def study_table(cells: pd.DataFrame, study: StudyTable) -> Table:
    """Lay out a study's table: a line per experiment and key, a column per metric."""
    return _by_line(cells, study, {metric.name: metric.label for metric in study.metrics})


def study_differences(cells: pd.DataFrame, study: StudyTable) -> Table | None:
    """Lay out the differences of a study's lines from its base; None without a base."""
    names = {
        difference_name(metric.name): f"{metric.label} minus {study.base}"
        for metric in study.metrics
    }
    differences = cells[cells.metric.isin(names)]
    return _by_line(differences, study, names) if len(differences) else None


def _by_line(cells: pd.DataFrame, study: StudyTable, names: dict[str, str]) -> Table:
    lines = []
    for keys, of_line in cells.groupby(["experiment", *study.lines], sort=False):
        line = dict(zip(("experiment", *study.lines), map(str, keys)))
        by_metric = of_line.set_index("metric", drop=False)
        lines.append(
            [
                *text_cells(*line.values()),
                *(figure_cell(study.name, line, by_metric.loc[name]) for name in names),
            ]
        )
    heads = ("Experiment", *(key.capitalize() for key in study.lines), *names.values())
    return Table(study.name, [Head(text) for text in heads], lines)


def metrics_table(name: str, cells: pd.DataFrame) -> Table:
    """Lay out a base, another row and their difference, one line per metric."""
    base, other = dict.fromkeys(cells["row"])
    by_row = {(cell["row"], cell.metric): cell for _, cell in cells.iterrows()}
    shown = {
        metric.label: (
            (base, metric.name),
            (other, metric.name),
            (other, difference_name(metric.name)),
        )
        for metric in METRICS
    }
    lines = [
        [Cell(label), *(figure_cell(name, {"row": key[0]}, by_row[key]) for key in keys)]
        for label, keys in shown.items()
    ]
    return Table(
        name, [Head("Metric"), Head(base), Head(other), Head(f"{other} minus {base}")], lines
    )


def plain_table(name: str, frame: pd.DataFrame) -> Table:
    """Lay out a table of texts as in its Markdown; the first column names the lines."""
    source = {"table": name, "markdown": "yes"}
    lines = [[Cell(str(text), source) for text in line] for line in frame.itertuples(index=False)]
    return Table(name, [Head(text) for text in frame.columns], lines)


def _row(table: str, cell: pd.Series) -> dict[str, str]:
    return {"table": table, "row": cell["row"], "metric": cell.metric}
