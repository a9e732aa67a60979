"""Compare what readers see, Markdown and LaTeX, with the CSV files at full precision."""

import math
import re
from pathlib import Path
from typing import NamedTuple

from pipeline.audit.cells import DIFFERENCE, PRIMARY, read_cells
from pipeline.audit.checks import Check, Project

TABLE_1 = ("loudness_l1_std_0_0_6", "loudness_l1_std", "f0_l1", "outlier_clips_0_0_6")
DETAILS = (
    "loudness_l1_std_0_0_6",
    "loudness_l1_std",
    "f0_l1",
    "outlier_clips_0_0_6",
    "outlier_clips_3_7",
    "outlier_frames_paper",
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
    "loudness_l1_db_sounding_minus_base",
    "spectral_loss_minus_base",
)
DESCRIPTIVE = ("loudness_l1_db_sounding", "f0_l1", "outlier_clips_0_0_6", "rpa_true")

LATEX_CHARACTERS = {
    "textbackslash": "\\",
    "textasciitilde": "~",
    "textasciicircum": "^",
    "textbar": "|",
    "textless": "<",
    "textgreater": ">",
}
# a command, a special character after a backslash, or a bracket in braces
LATEX_ESCAPE = re.compile(rf"\\({'|'.join(LATEX_CHARACTERS)})\{{\}}" r"|\\([&%$#_{}])|\{(\[)\}")

Lines = list[list[str]]  # cells, line by line
CellsByMetric = dict[tuple[str, str], dict[str, str]]  # lines of a CSV by row and metric


class PrintedTable(NamedTuple):
    """A printed table beside the lines that its CSV gives."""

    where: str
    expected: Lines
    printed: Lines


def rounded(line: dict[str, str]) -> str:
    """Format a cell: two significant digits of half the interval's width."""
    if not line["value"]:
        return "undefined"
    n = f"n={float(line['examples']):.0f}"
    if not line["low"]:
        return f"{float(line['value']):.3f} {n}"
    value, low, high = (float(line[key]) for key in ("value", "low", "high"))
    digits = 3 if high <= low else min(5, max(0, 1 - math.floor(math.log10((high - low) / 2))))
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}] {n}"


def markdown_tables(path: Path) -> list[Lines]:
    """Read the tables of a Markdown file, without their heads."""
    tables = []
    inside = False
    for text in path.read_text().splitlines():
        if not text.startswith("|"):
            inside = False
            continue
        if not inside:
            tables.append([])
            inside = True
        cells = re.findall(r"((?:\\.|[^\\|])*)\|", text.strip().removeprefix("|"))
        tables[-1].append([_markdown_text(cell.strip()) for cell in cells])
    return [table[2:] for table in tables]


def _markdown_text(cell: str) -> str:
    """Remove the backslashes that escape punctuation; in code, only `|` is escaped."""

    def replace(found: re.Match) -> str:
        return found[1] or found[0].replace("\\|", "|")

    return re.sub(r"\\([^\w\s]|_)|`[^`]*`", replace, cell)


def latex_table(path: Path) -> Lines:
    """Read the lines between the rules of a LaTeX file's table."""
    body = path.read_text().split("\\midrule")[1].split("\\bottomrule")[0]
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)&", line.removesuffix("\\\\"))]
        for line in body.strip().splitlines()
    ]


def unescape(lines: Lines) -> Lines:
    """Replace LaTeX's commands for single characters by the characters."""
    return [[LATEX_ESCAPE.sub(_latex_character, cell) for cell in line] for line in lines]


def _latex_character(found: re.Match) -> str:
    command, special, bracket = found.groups()
    return LATEX_CHARACTERS.get(command) or special or bracket


def one_line(text: str) -> str:
    """Join a text's white space, as printed tables do."""
    return " ".join(text.split())


def at(tables: list[Lines], number: int) -> Lines:
    """Return a table; no lines where the file has too few tables."""
    return tables[number] if number < len(tables) else []


def check_resynthesis(project: Project) -> Check:
    """Compare resynthesis.md and .tex with the CSV, cell by cell in its order."""
    folder = project.root / "reports" / "tables"
    cells = _by_row_and_metric(folder / "resynthesis.csv")
    rows = list(dict.fromkeys(row for row, _ in cells))
    layout, *details = markdown_tables(folder / "resynthesis.md")
    latex = latex_table(folder / "resynthesis.tex")
    table_1 = [[rounded(cells[row, metric]) for metric in TABLE_1] for row in rows]
    tables = [
        PrintedTable("resynthesis.md, Table 1", table_1, _our_figures(layout)),
        PrintedTable("resynthesis.tex", table_1, _our_figures(latex)),
    ]
    for number, data in enumerate(dict.fromkeys(line["data"] for line in cells.values())):
        of_data = [row for row in rows if cells[row, TABLE_1[0]]["data"] == data]
        expected = [[rounded(cells[row, metric]) for row in of_data] for metric in DETAILS]
        printed = [line[1:] for line in at(details, number)]
        tables.append(PrintedTable(f"resynthesis.md, {data}", expected, printed))
    return compare(
        "resynthesis.md and .tex agree with resynthesis.csv",
        "reports/tables/resynthesis.{md,tex}",
        tables,
    )


def _by_row_and_metric(path: Path) -> CellsByMetric:
    return {(line["row"], line["metric"]): line for line in read_cells(path)}


def _our_figures(table: Lines) -> Lines:
    """Return the last cells, Table 1's metrics, of the lines that are ours."""
    return [line[-len(TABLE_1) :] for line in table if line[1] == "ours"]


def check_ablations(project: Project) -> Check:
    """Compare ablations.md and .tex with the CSV, cell by cell in its order."""
    folder = project.root / "reports" / "tables"
    name = "ablations.md and .tex agree with ablations.csv"
    looked_at = "reports/tables/ablations.{md,tex}"
    if not (folder / "ablations.csv").exists():
        return Check(name, looked_at, 0, [], "there is no table of ablations")
    cells = _by_row_and_metric(folder / "ablations.csv")
    rows = list(dict.fromkeys(row for row, _ in cells))
    main = [_ablation_line(project, row, cells) for row in rows]
    descriptive = [
        [row, *(rounded(cells[row, metric + DIFFERENCE]) for metric in DESCRIPTIVE)] for row in rows
    ]
    markdown = markdown_tables(folder / "ablations.md")
    latex = unescape(latex_table(folder / "ablations.tex"))
    tables = [
        PrintedTable("ablations.md", main, at(markdown, 0)),
        PrintedTable("ablations.md, descriptive", descriptive, at(markdown, 1)),
        PrintedTable("ablations.tex", main, latex),
    ]
    return compare(name, looked_at, tables)


def _ablation_line(project: Project, row: str, cells: CellsByMetric) -> list[str]:
    """Format an ablation's line of the main table."""
    block = project.params["experiments"][row]
    test = cells[row, PRIMARY + DIFFERENCE]
    return [
        row,
        block["ablates"],
        one_line(block["asks"]),
        rounded(cells[row, PRIMARY]),
        rounded(test),
        " ".join(f"{float(value):.3g}" for value in test["per_seed"].split()),
        f"{float(test['p_holm']):.2g}",
        test["verdict"],
    ]


def compare(name: str, looked_at: str, tables: list[PrintedTable], not_run: str = "") -> Check:
    """Compare printed tables with what their CSV files give.

    Args:
        name: The name of the check.
        looked_at: The files it looks at.
        tables: The printed tables and their expected lines.
        not_run: Why the check could not run; empty if it could.

    Returns:
        A check that counts cells.
    """
    findings = []
    count = 0
    for where, expected, printed in tables:
        count += sum(map(len, expected))
        if [len(line) for line in expected] != [len(line) for line in printed]:
            findings.append(f"{where}: has {len(printed)} lines, the CSV gives {len(expected)}")
            continue
        findings += [
            f"{where}: prints {printed_cell!r}, the CSV gives {cell!r}"
            for line, printed_line in zip(expected, printed)
            for cell, printed_cell in zip(line, printed_line)
            if cell != printed_cell
        ]
    return Check(name, looked_at, count, findings, not_run)
