"""Aggregate the studies' rows into tables; write them as CSV, Markdown and LaTeX."""

from pathlib import Path

import pandas as pd

from pipeline.common.cli import UserError
from pipeline.common.files import write_text
from pipeline.common.settings import Settings
from pipeline.reporting.cells import (
    TabulateConfig,
    aggregate,
    format_cell,
    paired_difference,
    row_files,
)
from pipeline.reporting.columns import StudyTable, difference_name
from pipeline.reporting.layout import latex_table, markdown_table
from pipeline.reporting.studies import TABLES

VALUES = (
    "Cells: value [95 % interval over clusters: recorded samples, pieces] n=number of examples in "
    "which the measure is defined."
)


def read_rows(folder: Path, table: StudyTable) -> pd.DataFrame | None:
    """Read a table's rows of all experiments and seeds; return None if there are no files."""
    paths = sorted(folder.glob(f"{table.name}-*.parquet"))
    return (
        pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True) if paths else None
    )


def check_rows(rows: pd.DataFrame, table: StudyTable, runs: set[tuple[str, int]]) -> None:
    """Check that the rows are complete.

    Args:
        rows: of all experiments and seeds.
        table: names the columns that distinguish lines.
        runs: the experiments and seeds that params.yaml asks for.

    Raises:
        UserError: if other experiments or seeds are present, or the seeds of an experiment differ
            in lines or examples.
    """
    present = set(zip(rows.experiment, rows.seed))
    if present != runs:
        raise UserError(
            f"rows: {table.name}: holds {sorted(present)}, params.yaml names {sorted(runs)}; run "
            "`dvc repro score`"
        )
    for experiment, of_experiment in rows.groupby("experiment"):
        expected = None
        for seed, of_seed in of_experiment.groupby("seed"):
            keys = of_seed[[*table.lines, "example_id"]].astype(str)
            examples = sorted(keys.agg(" ".join, axis=1))
            expected = expected or examples
            if examples != expected:
                raise UserError(
                    f"rows: {table.name}: {experiment}, seed {seed}: lines or examples differ "
                    "from another seed's; run `dvc repro score`"
                )


def study_cells(rows: pd.DataFrame, table: StudyTable, config: TabulateConfig) -> pd.DataFrame:
    """Aggregate rows into a long table: one row per experiment, line and metric, in row order."""
    cells = []
    for keys, of_line in rows.groupby(["experiment", *table.lines], sort=False):
        line = dict(zip(("experiment", *table.lines), keys)) | {"seeds": of_line.seed.nunique()}
        sources = " ".join(f"{table.name}-{name}" for name in row_files(of_line).split())
        cells += [
            line | {"metric": metric.name} | aggregate(of_line, metric, config) | {"rows": sources}
            for metric in table.metrics
        ]
        base = rows[(rows.experiment == keys[0]) & (rows[table.lines[0]] == table.base)]
        if len(base) and keys[1] != table.base:
            cells += [
                line
                | {"metric": difference_name(metric.name)}
                | paired_difference(of_line, base, metric, config)
                | {"rows": sources}
                for metric in table.metrics
            ]
    return pd.DataFrame(cells)


def named_rows(cells: pd.DataFrame, table: StudyTable) -> pd.DataFrame:
    """Add the column `row`: the name of a cell's line in metrics.json."""
    names = cells[["experiment", *table.lines]].astype(str).agg("/".join, axis=1)
    # DVC reads a dot as a level of nesting
    return cells.assign(row=f"{table.name}/" + names.str.replace(".", "_"))


def write_study_tables(
    rows: Path, settings: Settings, config: TabulateConfig, folder: Path
) -> list[pd.DataFrame]:
    """Write the table of every study that params.yaml asks for.

    Args:
        rows: folder of TABLE-EXPERIMENT-SEED.parquet.
        settings: name the studies' experiments and the seeds.
        config: the `tabulate` section.
        folder: of the tables.

    Returns:
        The cells of each table, with the column `row` of `named_rows`.
    """
    written = []
    for table in TABLES:
        runs = set(settings.study_runs(table.stage))
        of_table = read_rows(rows, table)
        if not runs and of_table is None:
            continue
        if of_table is None:
            of_table = pd.DataFrame(columns=["experiment", "seed", *table.lines])
        check_rows(of_table, table, runs)
        cells = study_cells(of_table, table, config)
        write_study_table(cells, table, folder)
        written.append(named_rows(cells, table))
    return written


def write_study_table(cells: pd.DataFrame, table: StudyTable, folder: Path) -> None:
    """Write NAME.csv (full precision), NAME.md and NAME.tex (rounded by the intervals).

    The LaTeX table leaves the differences out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / f"{table.name}.csv", cells.to_csv(index=False))
    layout = _layout(cells, table, {metric.name: metric.label for metric in table.metrics})
    write_text(
        folder / f"{table.name}.md",
        (
            f"# {table.title}\n"
            "\n"
            f"{table.about}\n"
            "\n"
            f"{VALUES}\n"
            "\n"
            f"{markdown_table(layout)}\n"
            "\n"
            f"{_differences(cells, table)}Full precision, and the rows behind each cell: "
            f"{table.name}.csv.\n"
        ),
    )
    alignment = "l" * (1 + len(table.lines)) + "r" * len(table.metrics)
    write_text(
        folder / f"{table.name}.tex",
        latex_table(layout, alignment),
    )


def _differences(cells: pd.DataFrame, table: StudyTable) -> str:
    """Markdown of the paired differences; empty if the table has none."""
    if not cells.metric.str.endswith(difference_name("")).any():
        return ""
    labels = {
        difference_name(metric.name): f"{metric.label} minus `{table.base}`"
        for metric in table.metrics
    }
    layout = _layout(cells, table, labels)
    return (
        f"Differences from the line `{table.base}`, paired by example:\n"
        "\n"
        f"{markdown_table(layout)}\n"
        "\n"
    )


def _layout(cells: pd.DataFrame, table: StudyTable, labels: dict[str, str]) -> pd.DataFrame:
    """Lay out the metrics of `labels` (metric to label) in columns, one line per key."""
    heads = ("Experiment", *(key.capitalize() for key in table.lines))
    shown = cells[cells.metric.isin(labels)]
    lines = []
    for keys, of_line in shown.groupby(["experiment", *table.lines], sort=False):
        by_metric = of_line.set_index("metric")
        lines.append(
            dict(zip(heads, map(str, keys)))
            | {label: format_cell(by_metric.loc[name]) for name, label in labels.items()}
        )
    return pd.DataFrame(lines)
