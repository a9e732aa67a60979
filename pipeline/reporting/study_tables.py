"""Tables of the studies: cells from their rows, written as CSV, Markdown and LaTeX."""

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
from pipeline.reporting.columns import difference_name
from pipeline.reporting.studies import TABLES, Study


def read_rows(folder: Path, study: Study) -> pd.DataFrame | None:
    """The rows of a study, all experiments and seeds; None where it was made with none."""
    paths = sorted(folder.glob(f"{study.name}-*.parquet"))
    return (
        pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True) if paths else None
    )


def check_rows(rows: pd.DataFrame, study: Study, runs: set[tuple[str, int]]) -> None:
    """Stop unless the rows are of exactly these experiments and seeds, and the same lines and
    examples in each.
    """
    found = set(zip(rows.experiment, rows.seed))
    if found != runs:
        raise UserError(
            f"rows: {study.name}: holds {sorted(found)}, params.yaml names {sorted(runs)}; run "
            "`dvc repro score`"
        )
    for experiment, mine in rows.groupby("experiment"):
        expected = None
        for seed, group in mine.groupby("seed"):
            held = sorted(group[[*study.lines, "example_id"]].astype(str).agg(" ".join, axis=1))
            expected = expected or held
            if held != expected:
                raise UserError(
                    f"rows: {study.name}: {experiment}, seed {seed}: other lines or examples "
                    "than another seed's; run `dvc repro score`"
                )


def study_cells(rows: pd.DataFrame, study: Study, config: TabulateConfig) -> pd.DataFrame:
    """Long table: a line per experiment, line and metric, in the order of the rows."""
    cells = []
    for keys, mine in rows.groupby(["experiment", *study.lines], sort=False):
        of_line = dict(zip(("experiment", *study.lines), keys)) | {"seeds": mine.seed.nunique()}
        behind = " ".join(f"{study.name}-{name}" for name in row_files(mine).split())
        cells += [
            of_line | {"metric": metric.name} | aggregate(mine, metric, config) | {"rows": behind}
            for metric in study.metrics
        ]
        base = rows[(rows.experiment == keys[0]) & (rows[study.lines[0]] == study.base)]
        if len(base) and keys[1] != study.base:
            cells += [
                of_line
                | {"metric": difference_name(metric.name)}
                | paired_difference(mine, base, metric, config)
                | {"rows": behind}
                for metric in study.metrics
            ]
    return pd.DataFrame(cells)


def named_rows(cells: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The cells with the name of their line in metrics.json, `row`."""
    names = cells[["experiment", *study.lines]].astype(str).agg("/".join, axis=1)
    # DVC takes a dot for a level
    return cells.assign(row=f"{study.name}/" + names.str.replace(".", "_"))


def write_study_tables(
    rows: Path, settings: Settings, config: TabulateConfig, folder: Path
) -> list[pd.DataFrame]:
    """Write the table of every study that params.yaml asks for; returns their cells, named."""
    written = []
    for study in TABLES:
        runs = set(settings.study_runs(study.stage))
        found = read_rows(rows, study)
        if runs or found is not None:
            found = (
                pd.DataFrame(columns=["experiment", "seed", *study.lines])
                if found is None
                else found
            )
            check_rows(found, study, runs)
            cells = study_cells(found, study, config)
            write_study_table(cells, study, folder)
            written.append(named_rows(cells, study))
    return written


def write_study_table(cells: pd.DataFrame, study: Study, folder: Path) -> None:
    """Write NAME.csv (full precision), .md and .tex (rounded by their intervals); the .tex
    without differences.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / f"{study.name}.csv", cells.to_csv(index=False))
    named = {metric.name: metric.label for metric in study.metrics}
    layout, differences = _layout(cells, study, named), ""
    if cells.metric.str.endswith(difference_name("")).any():
        table = _layout(
            cells,
            study,
            {
                difference_name(name): f"{label} minus `{study.base}`"
                for name, label in named.items()
            },
        )
        differences = (
            f"Differences to the line `{study.base}`, paired by example:\n"
            "\n"
            f"{table.to_markdown(index=False, disable_numparse=True)}\n"
            "\n"
        )
    write_text(
        folder / f"{study.name}.md",
        (
            f"# {study.title}\n"
            "\n"
            f"{study.about} Value [95 % interval over clusters: recorded samples, pieces] "
            "n=number of examples in which the figure is defined.\n"
            "\n"
            f"{layout.to_markdown(index=False, disable_numparse=True)}\n"
            "\n"
            f"{differences}At full precision, with the rows behind each cell: {study.name}.csv.\n"
        ),
    )
    shape = "l" * (1 + len(study.lines)) + "r" * len(study.metrics)
    write_text(
        folder / f"{study.name}.tex", layout.to_latex(index=False, escape=True, column_format=shape)
    )


def _layout(cells: pd.DataFrame, study: Study, metrics: dict[str, str]) -> pd.DataFrame:
    """The table as it is printed: of every line that has them the metrics, each under its label."""
    heads, shown = (
        ("Experiment", *(key.capitalize() for key in study.lines)),
        cells[cells.metric.isin(metrics)],
    )
    return pd.DataFrame(
        [
            dict(zip(heads, map(str, keys)))
            | {
                label: format_cell(mine.set_index("metric").loc[name])
                for name, label in metrics.items()
            }
            for keys, mine in shown.groupby(["experiment", *study.lines], sort=False)
        ]
    )
