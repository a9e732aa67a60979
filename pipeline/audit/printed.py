"""What readers see, Markdown and LaTeX, against the CSV files at full precision."""

import math
from pathlib import Path

from pipeline.audit.cells import DIFFERENCE, PRIMARY, read_cells
from pipeline.audit.checks import Check, Project

TABLE_1 = ("loudness_l1_std", "f0_l1", "outlier_frames_paper")
DETAILS = (
    "loudness_l1_std",
    "f0_l1",
    "outlier_frames_paper",
    "outlier_clips_paper",
    "outlier_frames_code",
    "outlier_clips_code",
    "f0_l1_without_outliers",
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
DESCRIPTIVE = ("loudness_l1_db_sounding", "f0_l1", "outlier_frames_paper", "rpa_true")


def rounded(line: dict[str, str]) -> str:
    """A cell as it is to be printed: two significant digits of the interval's half width."""
    if not line["value"]:
        return "undefined"
    if not line["low"]:
        return f"{float(line['value']):.3f} n={float(line['examples']):.0f}"
    value, low, high = (float(line[key]) for key in ("value", "low", "high"))
    digits = 3 if high <= low else min(5, max(0, 1 - math.floor(math.log10((high - low) / 2))))
    return (
        f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}] n={float(line['examples']):.0f}"
    )


def markdown_tables(path: Path) -> list[list[list[str]]]:
    """The tables of a Markdown file: lines of cells, heads left out."""
    tables, inside = [], False
    for text in path.read_text().splitlines():
        if not text.startswith("|"):
            inside = False
            continue
        if not inside:
            tables.append([])
            inside = True
        tables[-1].append([cell.strip() for cell in text.strip().strip("|").split("|")])
    return [table[2:] for table in tables]


def latex_table(path: Path) -> list[list[str]]:
    """The lines of a LaTeX file's table between its rules, as cells."""
    body = path.read_text().split("\\midrule")[1].split("\\bottomrule")[0]
    return [
        [cell.strip() for cell in line.removesuffix("\\\\").split("&")]
        for line in body.strip().splitlines()
    ]


def check_resynthesis(project: Project) -> Check:
    """resynthesis.md and .tex, cell by cell in the CSV's order."""
    folder = project.root / "reports" / "tables"
    cells = {(line["row"], line["metric"]): line for line in read_cells(folder / "resynthesis.csv")}
    order = list(dict.fromkeys(row for row, _ in cells))
    sets = list(dict.fromkeys(line["data"] for line in cells.values()))
    layout, *details = markdown_tables(folder / "resynthesis.md")
    table_1 = [[rounded(cells[row, metric]) for metric in TABLE_1] for row in order]
    pairs = [
        ("resynthesis.md, Table 1", table_1, [line[-3:] for line in layout if line[1] == "ours"]),
        (
            "resynthesis.tex",
            table_1,
            [line[-3:] for line in latex_table(folder / "resynthesis.tex") if line[1] == "ours"],
        ),
    ]
    for number, data in enumerate(sets):
        mine = [row for row in order if cells[row, TABLE_1[0]]["data"] == data]
        found = [line[1:] for line in details[number]] if number < len(details) else []
        pairs.append(
            (
                f"resynthesis.md, {data}",
                [[rounded(cells[row, metric]) for row in mine] for metric in DETAILS],
                found,
            )
        )
    return compare(
        "resynthesis.md and .tex equal resynthesis.csv",
        "reports/tables/resynthesis.{md,tex}",
        pairs,
    )


def check_ablations(project: Project) -> Check:
    """ablations.md and .tex, cell by cell."""
    folder, name, what = (
        project.root / "reports" / "tables",
        "ablations.md and .tex equal ablations.csv",
        "reports/tables/ablations.{md,tex}",
    )
    if not (folder / "ablations.csv").exists():
        return Check(name, what, 0, [], "there is no table of ablations")
    cells = {(line["row"], line["metric"]): line for line in read_cells(folder / "ablations.csv")}
    order = list(dict.fromkeys(row for row, _ in cells))
    experiments, tests = (
        project.params["experiments"],
        {row: cells[row, PRIMARY + DIFFERENCE] for row in order},
    )
    main = [
        [
            row,
            experiments[row]["ablates"],
            experiments[row]["asks"],
            rounded(cells[row, PRIMARY]),
            rounded(test),
            " ".join(f"{float(value):.3g}" for value in test["per_seed"].split()),
            f"{float(test['p_holm']):.2g}",
            test["verdict"],
        ]
        for row, test in tests.items()
    ]
    others = [
        [row, *(rounded(cells[row, metric + DIFFERENCE]) for metric in DESCRIPTIVE)]
        for row in order
    ]
    tables = markdown_tables(folder / "ablations.md")
    latex = [
        [cell.replace("\\_", "_") for cell in line]
        for line in latex_table(folder / "ablations.tex")
    ]
    found = ([*tables, [], []])[:2]
    return compare(
        name,
        what,
        [
            ("ablations.md", main, found[0]),
            ("ablations.md, descriptive", others, found[1]),
            ("ablations.tex", main, latex),
        ],
    )


def compare(
    name: str,
    what: str,
    pairs: list[tuple[str, list[list[str]], list[list[str]]]],
    not_run: str = "",
) -> Check:
    """A check of printed cells: where they stand, the lines they are to have, the lines they
    have.
    """
    findings, count = [], 0
    for where, expected, found in pairs:
        count += sum(map(len, expected))
        if [len(line) for line in expected] != [len(line) for line in found]:
            findings.append(f"{where}: holds {len(found)} lines, the CSV gives {len(expected)}")
            continue
        findings += [
            f"{where}: prints {theirs!r}, the CSV gives {ours!r}"
            for line, other in zip(expected, found)
            for ours, theirs in zip(line, other)
            if ours != theirs
        ]
    return Check(name, what, count, findings, not_run)
