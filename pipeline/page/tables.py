"""The tables of the page, from those of reports/tables at full precision."""

import pandas as pd

from pipeline.page.table_cells import Cell, Head, Table, figure_cell, text_cells
from pipeline.reporting.ablations import PRIMARY
from pipeline.reporting.columns import METRICS, PAPER_METRICS, difference_name
from pipeline.reporting.studies import Study
from pipeline.reporting.table_1 import PAIRED, display_name

LABELS = {metric.name: metric.label for metric in METRICS}
IN_PAPER = "paper_"  # the paper's row for experiment X is called so + X


def table_1(cells: pd.DataFrame) -> Table:
    """Ours beside the paper's, in the paper's three metrics."""
    found = {(cell["row"], cell.metric): cell for _, cell in cells.iterrows()}
    ours = cells[cells.source.isna()].drop_duplicates("row")
    lines = []
    for row in ours.itertuples():
        line = text_cells(display_name(row.row), row.data)
        for metric in PAPER_METRICS:
            published = found.get((f"{IN_PAPER}{row.row}", metric))
            line.append(
                Cell("")
                if published is None
                else Cell(f"{published.value:g}", _row("resynthesis", published))
            )
            line.append(figure_cell("resynthesis", {"row": row.row}, found[row.row, metric]))
        lines.append(line)
    groups = [Head("", 2), *(Head(LABELS[metric], 2) for metric in PAPER_METRICS)]
    return Table(
        "resynthesis",
        [
            Head("Model"),
            Head("Data"),
            *(Head(word) for _ in PAPER_METRICS for word in ("paper", "ours")),
        ],
        lines,
        groups,
    )


def difference_table(cells: pd.DataFrame, base: str) -> Table:
    """What every other row of a base's data set differs by from it, with what the interval says
    of these examples.
    """
    data = cells[(cells["row"] == base)].data.iloc[0]
    mine = cells[
        (cells.data == data)
        & (cells["row"] != base)
        & ~cells["row"].str.startswith("original_retracked")
    ]
    lines = []
    for name, row in mine.groupby("row", sort=False):
        differences = [row[row.metric == difference_name(metric.name)].iloc[0] for metric in PAIRED]
        shown = [
            cell
            for each in differences
            for cell in (figure_cell("resynthesis", {"row": name}, each), Cell(reading(each)))
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
    """What a paired difference of a metric in which lower is better says of the examples it was
    measured on.
    """
    if pd.isna(difference.low) or difference.low <= 0 <= difference.high:
        return "undecided"
    return "worse" if difference.low > 0 else "better"


def ablation_table(cells: pd.DataFrame, asks: dict[str, str]) -> Table:
    """Every ablation's spectral loss, its difference to the base, and the verdict that its seeds
    allow.
    """
    lines = []
    for name, row in cells.groupby("row", sort=False):
        value, difference = (
            row[row.metric == metric].iloc[0] for metric in (PRIMARY, difference_name(PRIMARY))
        )
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


def study_table(cells: pd.DataFrame, study: Study) -> Table:
    """A study's table: a line per experiment and its own keys, a column per metric."""
    return _by_line(cells, study, {metric.name: metric.label for metric in study.metrics})


def study_differences(cells: pd.DataFrame, study: Study) -> Table | None:
    """What a study's lines differ by from its base, on the same examples; None of a study
    without one.
    """
    names = {
        difference_name(metric.name): f"{metric.label} minus {study.base}"
        for metric in study.metrics
    }
    mine = cells[cells.metric.isin(names)]
    return _by_line(mine, study, names) if len(mine) else None


def _by_line(cells: pd.DataFrame, study: Study, names: dict[str, str]) -> Table:
    lines = []
    for keys, mine in cells.groupby(["experiment", *study.lines], sort=False):
        named = dict(zip(("experiment", *study.lines), map(str, keys)))
        by_metric = mine.set_index("metric", drop=False)
        lines.append(
            [
                *text_cells(*named.values()),
                *(figure_cell(study.name, named, by_metric.loc[name]) for name in names),
            ]
        )
    heads = ("Experiment", *(key.capitalize() for key in study.lines), *names.values())
    return Table(study.name, [Head(text) for text in heads], lines)


def metrics_table(name: str, cells: pd.DataFrame) -> Table:
    """A line per metric: a base, another row and how that differs, on the same examples."""
    base, other = dict.fromkeys(cells["row"])
    found = {(cell["row"], cell.metric): cell for _, cell in cells.iterrows()}
    shown = {
        metric.label: (
            (base, metric.name),
            (other, metric.name),
            (other, difference_name(metric.name)),
        )
        for metric in METRICS
    }
    lines = [
        [Cell(label), *(figure_cell(name, {"row": key[0]}, found[key]) for key in keys)]
        for label, keys in shown.items()
    ]
    return Table(
        name, [Head("Metric"), Head(base), Head(other), Head(f"{other} minus {base}")], lines
    )


def plain_table(name: str, frame: pd.DataFrame) -> Table:
    """A table of texts, as its Markdown has them; the first column names the lines."""
    source = {"table": name, "markdown": "yes"}
    lines = [[Cell(str(text), source) for text in line] for line in frame.itertuples(index=False)]
    return Table(name, [Head(text) for text in frame.columns], lines)


def _row(table: str, cell: pd.Series) -> dict[str, str]:
    return {"table": table, "row": cell["row"], "metric": cell.metric}
