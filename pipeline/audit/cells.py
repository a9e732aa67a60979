"""Recompute every cell of the resynthesis and ablation tables, and metrics.json from the cells."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np

from pipeline.audit.checks import Check, Project, join, read_json, read_lines, same
from pipeline.audit.estimates import Cell, Values, cell, paired_differences, per_example

# shares of the frames that have a pitch
FRAME_SHARES = {"outlier_frames_paper": "frames_outlier_paper"}
CLIP_SHARES = ("outlier_clips_0_0_6", "outlier_clips_3_7")
MEANS = (
    "loudness_l1_std_0_0_6",
    "loudness_l1_std",
    "f0_l1",
    "f0_l1_without_outliers_0_0_6",
    "f0_l1_without_outliers_3_7",
    "loudness_l1_db",
    "loudness_l1_db_sounding",
    "loudness_bias_db_sounding",
    "rpa_crepe",
    "rca_crepe",
    "rpa_true",
    "rca_true",
    "spectral_loss",
)
METRICS = (*MEANS, *CLIP_SHARES, *FRAME_SHARES)
DIFFERENCE = "_minus_base"
PRIMARY = "spectral_loss"

ValuesOf = Callable[[tuple[str, ...], str], Values]  # from files of rows and a metric


def metric_values(project: Project, files: list[str], metric: str) -> Values:
    """Return a metric's values by example from some files of reports/rows."""
    rows = join([project.rows[name] for name in files])
    if metric in FRAME_SHARES:
        return per_example(rows, FRAME_SHARES[metric], "frames_pitched")
    return per_example(rows, metric)


def read_cells(path: Path) -> list[dict[str, str]]:
    """Read the lines of a table's CSV that are ours, not the paper's."""
    return [line for line in read_lines(path) if not line.get("source")]


def check_cells(project: Project) -> Check:
    """Recompute every cell of resynthesis.csv and ablations.csv from the rows that it names."""
    findings = _missing_cells(project)
    count = 0

    @cache  # many cells share their values or their base's
    def values_of(files: tuple[str, ...], metric: str) -> Values:
        return metric_values(project, list(files), metric)

    for table in _tables(project):
        for line in read_cells(table):
            count += 1
            where = f"{table.stem}.csv, {line['row']}, {line['metric']}"
            findings += [f"{where}: {text}" for text in _cell_findings(project, line, values_of)]
    return Check(
        "table cells follow from the rows",
        "reports/tables/{resynthesis,ablations}.csv",
        count,
        findings,
    )


def _cell_findings(project: Project, line: dict[str, str], values_of: ValuesOf) -> Iterator[str]:
    """Compare a line of a table with the rows behind it."""
    metric = line["metric"].removesuffix(DIFFERENCE)
    files = row_files(project, line["row"])
    base_files = []
    if line["metric"] != metric:
        base = base_of(project, line["row"])
        base_files = row_files(project, base) if base else []
    sources = sorted({*files, *base_files})
    if line["rows"].split() != sources or not all(name in project.rows for name in sources):
        yield f"names the rows {line['rows']!r}, expected {' '.join(sources)!r}"
        return
    values = values_of(tuple(files), metric)
    is_share = metric in CLIP_SHARES or metric in FRAME_SHARES
    if line["metric"] != metric:
        base_values = values_of(tuple(base_files), metric) if base_files else {}
        values = paired_differences(values, base_values)
        is_share = False
    yield from cell_differences(line, cell(values, is_share, project.params["tabulate"]))


def cell_differences(line: dict[str, str], expected: Cell) -> Iterator[str]:
    """Yield each figure of a table's line that differs from the recomputed cell."""
    for key, value in expected.items():
        if not same(float(line[key] or "nan"), value):
            yield f"{key} is {line[key] or 'empty'}, the rows give {value:.9g}"


def check_metrics(project: Project) -> Check:
    """Compare metrics.json with the tables: the same values, and no others."""
    expected = {
        (line["row"], line["metric"]): float(line["value"] or "nan")
        for table in _tables(project)
        for line in read_cells(table)
    }
    for path in sorted((project.root / "reports" / "tables").glob("*.csv")):
        expected |= _study_values(path)
    stated = {
        (row, metric): np.nan if value is None else value
        for row, values in read_json(project.root / "reports" / "metrics.json").items()
        for metric, value in values.items()
    }
    findings = [
        f"metrics.json: {row}, {metric}: in metrics.json or the tables, but not in both"
        for row, metric in sorted(set(expected) ^ set(stated))
    ]
    findings += [
        f"metrics.json: {row}, {metric}: {stated[row, metric]}, the table has {value:.9g}"
        for (row, metric), value in expected.items()
        if (row, metric) in stated and not same(stated[row, metric], value, 1e-6)
    ]
    return Check(
        "metrics.json agrees with the tables", "reports/metrics.json", len(stated), findings
    )


def _study_values(path: Path) -> dict[tuple[str, str], float]:
    """Return the values of a study's table; of any other table, nothing.

    The columns from `experiment` up to `seeds` name a line.
    """
    lines = read_cells(path)
    if not lines or next(iter(lines[0])) != "experiment" or "metric" not in lines[0]:
        return {}
    columns = list(lines[0])
    keys = columns[: columns.index("seeds")]
    values = {}
    for line in lines:
        row = "/".join([path.stem, *(line[key] for key in keys)]).replace(".", "_")
        values[row, line["metric"]] = float(line["value"] or "nan")
    return values


def row_files(project: Project, row: str) -> list[str]:
    """Return the files of reports/rows behind a row of a table."""
    return [row] if "@" in row else sorted(f"{row}-{seed}" for seed in project.params["seeds"])


def base_of(project: Project, row: str) -> str | None:
    """Return the row that a row's paired differences are taken from."""
    block = project.params["experiments"].get(row, {})
    data = row.split("@")[1] if "@" in row else project.data_of(row)
    return block.get("ablates") or project.params["tabulate"]["bases"].get(data)


def _missing_cells(project: Project) -> list[str]:
    """Find cells that a table lacks or should not have, and ablations with a wrong base."""
    ablations = ablations_of(project)
    models = {rows["experiment"][0] for rows in project.rows.values()} - set(ablations)
    expected = {
        (table, row, metric + suffix)
        for table, rows in (("resynthesis", models), ("ablations", ablations))
        for row in rows
        for metric in METRICS
        for suffix in ("", DIFFERENCE)
    }
    present = {
        (path.stem, line["row"], line["metric"])
        for path in _tables(project)
        for line in read_cells(path)
    }
    findings = [
        f"{table}.csv: {row}, {metric}: is missing or should not be there"
        for table, row, metric in sorted(expected ^ present)
    ]
    path = project.root / "reports" / "tables" / "ablations.csv"
    for line in read_cells(path) if ablations else []:
        if line["base"] != base_of(project, line["row"]):
            findings.append(f"ablations.csv: {line['row']} names the base {line['base']!r}")
    return findings


def _tables(project: Project) -> list[Path]:
    """Return the CSV files of the resynthesis and ablation tables."""
    names = ["resynthesis", *(["ablations"] if ablations_of(project) else [])]
    return [project.root / "reports" / "tables" / f"{name}.csv" for name in names]


def ablations_of(project: Project) -> list[str]:
    """Return the experiments that are ablations."""
    return [name for name, block in project.params["experiments"].items() if "ablates" in block]
