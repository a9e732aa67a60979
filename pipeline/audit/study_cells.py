"""Recompute every cell of the studies' tables, and compare what is printed with the cells."""

from collections.abc import Iterator

from pipeline.audit.cells import DIFFERENCE, cell_differences, read_cells
from pipeline.audit.checks import Check, Columns, Project, join
from pipeline.audit.estimates import Cell, cell, paired_differences, per_example
from pipeline.audit.printed import (
    PrintedTable,
    at,
    compare,
    latex_table,
    markdown_tables,
    one_line,
    rounded,
    unescape,
)
from pipeline.audit.study_tables import BASES, TABLES, lines_of, no_studies, runs_of, tables_of

CellKey = tuple[str, ...]  # experiment, the line's keys, metric


def check_cells(project: Project) -> Check:
    """Recompute every cell of the studies' tables from the rows that it names."""
    findings = []
    count = 0
    for table in tables_of(project):
        stated = _stated_cells(project, table)
        expected = _expected_cells(project, table)
        findings += [
            f"{table}.csv: {' '.join(key)}: is missing or should not be there"
            for key in sorted(set(stated) ^ set(expected))
        ]
        for key in sorted(set(stated) & set(expected)):
            count += 1
            texts = _cell_findings(stated[key], *expected[key])
            findings += [f"{table}.csv, {' '.join(key)}: {text}" for text in texts]
    return Check(
        "study table cells follow from the rows",
        "reports/tables, reports/studies",
        count,
        findings,
        no_studies(project),
    )


def _stated_cells(project: Project, table: str) -> dict[CellKey, dict[str, str]]:
    """Read a table's CSV."""
    columns = ("experiment", *TABLES[table].keys, "metric")
    lines = read_cells(project.root / "reports" / "tables" / f"{table}.csv")
    return {tuple(line[column] for column in columns): line for line in lines}


def _expected_cells(project: Project, table: str) -> dict[CellKey, tuple[str, Cell]]:
    """Recompute a table: the names of the rows' files, and the cell, by key."""
    expected = {}
    for experiment in project.params[TABLES[table].stage]["experiments"]:
        files = [name for name, run in runs_of(project, table).items() if run[0] == experiment]
        rows = join([project.studies[name] for name in files])
        sources = " ".join(sorted(files))
        for key, value in _experiment_cells(rows, table, project.params["tabulate"]):
            expected[experiment, *key] = (sources, value)
    return expected


def _experiment_cells(rows: Columns, table: str, tabulate: dict) -> Iterator[tuple[CellKey, Cell]]:
    """Yield the cells of an experiment's lines, and their differences from the base line."""
    rows_of_line = {
        line: {name: values[mask] for name, values in rows.items()}
        for line, mask in lines_of(rows, table).items()
    }
    base_line = (BASES.get(table),)
    base_rows = rows_of_line.get(base_line)
    for line, line_rows in rows_of_line.items():
        for metric, source in TABLES[table].metrics.items():
            column, _, denominator = source.partition("/")
            values = per_example(line_rows, column, denominator)
            yield (*line, metric), cell(values, bool(denominator), tabulate)
            if base_rows is not None and line != base_line:
                base_values = per_example(base_rows, column, denominator)
                differences = paired_differences(values, base_values)
                yield (*line, metric + DIFFERENCE), cell(differences, False, tabulate)


def _cell_findings(line: dict[str, str], sources: str, expected: Cell) -> Iterator[str]:
    """Compare a line of a table with the recomputed cell."""
    if line["rows"] != sources:
        yield f"names the rows {line['rows']!r}, expected {sources!r}"
    yield from cell_differences(line, expected)


def check_printed(project: Project) -> Check:
    """Compare the studies' Markdown and LaTeX with the CSV, cell by cell in its order."""
    tables = [
        printed_table
        for table in tables_of(project)
        for printed_table in _printed_tables(project, table)
    ]
    return compare(
        "study .md and .tex files agree with their .csv",
        "reports/tables",
        tables,
        no_studies(project),
    )


def _printed_tables(project: Project, table: str) -> Iterator[PrintedTable]:
    """Yield a study's table in Markdown and LaTeX, and its differences from the base line."""
    folder = project.root / "reports" / "tables"
    metrics = TABLES[table].metrics
    cells_by_line = {}
    for (*line, metric), cells in _stated_cells(project, table).items():
        cells_by_line.setdefault(tuple(line), {})[metric] = rounded(cells)
    expected = [
        [*map(one_line, line), *(cells[metric] for metric in metrics)]
        for line, cells in cells_by_line.items()
    ]
    markdown = markdown_tables(folder / f"{table}.md")
    yield PrintedTable(f"{table}.md", expected, at(markdown, 0))
    yield PrintedTable(f"{table}.tex", expected, unescape(latex_table(folder / f"{table}.tex")))
    if table in BASES:
        differences = [
            [*map(one_line, line), *(cells[metric + DIFFERENCE] for metric in metrics)]
            for line, cells in cells_by_line.items()
            if line[1] != BASES[table]
        ]
        yield PrintedTable(f"{table}.md, differences", differences, at(markdown, 1))


def check_tiny(project: Project) -> Check:
    """Compare tiny.csv with resynthesis.csv, and tiny.md and .tex with tiny.csv."""
    folder = project.root / "reports" / "tables"
    name = "the tiny model's table agrees with resynthesis.csv"
    looked_at = "reports/tables/tiny.*"
    if not (folder / "tiny.csv").exists():
        reason = "params.yaml has no tiny model, or no full-size model to compare it with"
        return Check(name, looked_at, 0, [], reason)
    whole = {(line["row"], line["metric"]): line for line in read_cells(folder / "resynthesis.csv")}
    tiny = {(line["row"], line["metric"]): line for line in read_cells(folder / "tiny.csv")}
    findings = [
        f"tiny.csv: {' '.join(key)} differs from resynthesis.csv"
        for key, line in tiny.items()
        if _figures(line) != _figures(whole.get(key))
    ]
    expected = _tiny_lines(tiny)
    markdown = markdown_tables(folder / "tiny.md")[0]
    latex = latex_table(folder / "tiny.tex")
    printed = compare(
        name,
        looked_at,
        [
            PrintedTable("tiny.md", expected, [line[1:] for line in markdown[1:]]),
            PrintedTable("tiny.tex", expected, [line[1:] for line in latex[1:]]),
        ],
    )
    return printed._replace(findings=findings + printed.findings, count=printed.count + len(tiny))


def _tiny_lines(cells: dict[tuple[str, str], dict[str, str]]) -> list[list[str]]:
    """Format each metric's line: the full model, the tiny one, their difference."""
    full, tiny = dict.fromkeys(row for row, _ in cells)
    metrics = [metric for row, metric in cells if row == full and not metric.endswith(DIFFERENCE)]
    return [
        [
            rounded(cells[full, metric]),
            rounded(cells[tiny, metric]),
            rounded(cells[tiny, metric + DIFFERENCE]),
        ]
        for metric in metrics
    ]


def _figures(line: dict[str, str] | None) -> list[str] | None:
    """Return a cell's rows and figures.

    Figures are compared as numbers: a count has a decimal point where others of its column are
    missing.
    """
    if line is None:
        return None
    columns = ("value", "low", "high", "examples", "clusters")
    return [line["rows"], *(str(float(line[column] or "nan")) for column in columns)]
