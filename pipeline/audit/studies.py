"""The studies: rows complete and explained, every cell of their tables from the rows, what is
printed from the cells.
"""

from collections.abc import Iterator

import numpy as np

from pipeline.audit.cells import DIFFERENCE, bootstrap, minus, read_cells, share
from pipeline.audit.checks import Check, Columns, Project, join, same
from pipeline.audit.printed import compare, latex_table, markdown_tables, rounded

FOLLOWING = {
    "loudness_l1_db": "loudness_l1_db",
    "f0_l1": "f0_l1",
    "outlier_frames": "frames_outlier/frames_pitched",
}
CLOSENESS = {
    name: name
    for name in (
        "spectral_loss",
        "spectral_loss_as_is",
        "log_spectral_distance_db",
        "loudness_l1_db",
        "tail_db",
        "delay_ms",
        "gain_db",
    )
}
BY_BAND = {name: name for name in ("log_spectral_distance_db", "level_db")}
# table: stage, columns that name a line, and per metric the column of the rows, of a share with its
# denominator
TABLES = {
    "control": (
        "control",
        ("varied",),
        FOLLOWING | {"spearman": "spearman", "largest_step": "largest_step"},
    ),
    "extrapolation": (
        "extrapolation",
        ("octaves",),
        FOLLOWING
        | {
            "centroid_hz": "centroid_hz",
            "centroid_harmonics": "centroid_harmonics",
            "beyond_frames": "frames_beyond/frames_asked",
        },
    ),
    "dereverberation": ("dereverberation", ("signal",), CLOSENESS),
    "dereverberation_bands": ("dereverberation", ("signal", "band_hz"), BY_BAND),
    "learned_room": (
        "dereverberation",
        ("response", "band_hz"),
        {
            "t60_seconds": "t60_seconds",
            "direct_to_reverberant_db": "direct_to_reverberant_db",
            "c50_db": "c50_db",
            "decay_distance_db": "decay_distance_db",
        },
    ),
    "acoustic_transfer": ("dereverberation", ("response",), CLOSENESS),
    "acoustic_transfer_bands": ("dereverberation", ("response", "band_hz"), BY_BAND),
    "timbre_transfer": (
        "timbre_transfer",
        ("instrument",),
        {
            "rpa": "rpa",
            "rpa_asked": "rpa_asked",
            "rca": "rca",
            "f0_l1": "f0_l1",
            "outlier_frames": "frames_outlier/frames_pitched",
            "source_rpa_true": "source_rpa_true",
            "rca_true": "rca_true",
            "loudness_correlation": "loudness_correlation",
            "loudness_correlation_asked": "loudness_correlation_asked",
            "loudness_l1_db": "loudness_l1_db",
            "timbre_source_to_training": "timbre_source_to_training",
            "timbre_to_training": "timbre_to_training",
            "timbre_to_source": "timbre_to_source",
        },
    ),
    "phase": (
        "phase",
        ("version",),
        {
            "waveform_distance": "waveform_distance",
            "spectral_loss": "spectral_loss",
            "spectral_loss_to_original": "spectral_loss_to_original",
        },
    ),
}
UNDEFINED_IF = {
    "f0_l1": "frames_pitched",
    "loudness_l1_db": "frames_sounding",
    "centroid_hz": "frames_heard",
    "rpa": "frames_pitched",
    # NaN exactly where this count is 0
    "rca_true": "frames_true",
    "level_db": "frames_compared",
}
# one row per test example and line
OF_TEST_SPLIT = ("extrapolation", "dereverberation", "dereverberation_bands", "phase")
OF_OWN_LINES = ("timbre_transfer",)  # every line of the table has other sounds
OCTAVES = ("125", "250", "500", "1000", "2000", "4000")
SIGNALS, ROOMS = (
    ("wet", "wpe", "model_dry", "dry", "model_wet"),
    ("dry", "noise", "learned", "true"),
)
NAMED_LINES = {
    "phase": ("first", "other_phases", "other_noise"),
    "dereverberation": SIGNALS,
    "dereverberation_bands": SIGNALS,
    "learned_room": ("true", "learned", "noise"),
    "acoustic_transfer": ROOMS,
    "acoustic_transfer_bands": ROOMS,
}
# lines that paired differences are taken from
BASES = {"extrapolation": "0", "dereverberation": "wet", "acoustic_transfer": "dry"}
Values = dict[str, tuple[str, float, float]]  # group, value and weight by example


def runs_of(project: Project, table: str) -> dict[str, tuple[str, int]]:
    """Experiment and seed by the name of the rows' file."""
    experiments = project.params[TABLES[table][0]]["experiments"]
    return {
        f"{table}-{name}-{seed}": (name, seed)
        for name in experiments
        for seed in project.params["seeds"]
    }


def tables_of(project: Project) -> list[str]:
    """The tables that params.yaml asks for."""
    return [table for table in TABLES if runs_of(project, table)]


def lines_of(rows: Columns, table: str) -> dict[tuple, np.ndarray]:
    """Which rows are of each line, in the order of their first appearance; a line's name is as
    the CSV has it.
    """
    keys = list(zip(*(map(_text, rows[name]) for name in TABLES[table][1])))
    return {line: np.array([key == line for key in keys]) for line in dict.fromkeys(keys)}


def check_rows(project: Project) -> Check:
    """All runs and nothing else; every line of a table with the same examples, those of the test
    split where it is about them.
    """
    expected = {
        name: (table, *run)
        for table in tables_of(project)
        for name, run in runs_of(project, table).items()
    }
    findings = [
        f"reports/studies: {name}.parquet is missing"
        for name in sorted(set(expected) - set(project.studies))
    ]
    findings += [
        f"reports/studies: {name}.parquet belongs to nothing in params.yaml"
        for name in sorted(set(project.studies) - set(expected))
    ]
    for name in sorted(set(expected) & set(project.studies)):
        findings += [
            f"{name}.parquet: {text}"
            for text in _of_rows(project, project.studies[name], *expected[name])
        ]
    count = sum(len(rows["example_id"]) for rows in project.studies.values())
    return Check(
        "rows of the studies are complete",
        "reports/studies/*.parquet",
        count,
        findings,
        "" if expected else "params.yaml has no studies",
    )


def _of_rows(
    project: Project, rows: Columns, table: str, experiment: str, seed: int
) -> Iterator[str]:
    if set(rows["experiment"]) != {experiment} or set(rows["seed"]) != {seed}:
        yield f"holds rows of {sorted(set(rows['experiment']))}, seeds {sorted(set(rows['seed']))}"
    lines = lines_of(rows, table)
    examples = {line: sorted(rows["example_id"][mine]) for line, mine in lines.items()}
    if table not in OF_OWN_LINES and len({tuple(names) for names in examples.values()}) > 1:
        yield "its lines are not of the same examples"
    wanted = _expected_lines(project, table, experiment)
    if wanted is not None and set(lines) != wanted:
        yield f"holds the lines {sorted(lines)}, expected {sorted(wanted)}"
    for line, names in examples.items():
        if table in OF_TEST_SPLIT and names != sorted(
            project.rows[f"{experiment}-{seed}"]["example_id"]
        ):
            yield f"{line}: not every example of the test split once"
        if (
            table == "control"
            and len(names) != len(set(names)) * project.params["control"]["steps"]
        ):
            yield f"{line}: not every step of every pair once"
    if table == "control":
        pairs = min(
            project.params["control"]["pairs"],
            len(project.rows[f"{experiment}-{seed}"]["example_id"]),
        )
        yield from (
            [f"holds {len(set(rows['example_id']))} pairs, expected {pairs}"]
            if len(set(rows["example_id"])) != pairs
            else []
        )
    for metric, count in UNDEFINED_IF.items():
        if metric in rows and (np.isnan(rows[metric]) != (rows[count] == 0)).any():
            yield f"{metric} is not undefined exactly where {count} is 0"


def _expected_lines(project: Project, table: str, experiment: str) -> set[tuple] | None:
    if table == "extrapolation":
        return {(_text(octaves),) for octaves in project.params["extrapolation"]["octaves"]}
    if table == "timbre_transfer":
        played = project.params["timbre_transfer"]["lines"]["instruments"]
        return {(name,) for name in (*played, f"{project.data_of(experiment)}, test clips")}
    names, bands = NAMED_LINES.get(table, ()), _bands(table)
    return {(name, *band) for name in names for band in bands} or None


def _bands(table: str) -> list[tuple[str, ...]]:
    if "band_hz" not in TABLES[table][1]:
        return [()]
    return [(band,) for band in (*(("all",) if table == "learned_room" else ()), *OCTAVES)]


def check_ways(project: Project) -> Check:
    """Monotonicity and largest step of every way of `control`, from the steps that stand in the
    rows.
    """
    findings, count = [], 0
    for name in runs_of(project, "control"):
        rows = project.studies.get(name, {"example_id": np.array([])})
        for pair, varied in sorted(set(zip(rows["example_id"], rows.get("varied", [])))):
            mine = (rows["example_id"] == pair) & (rows["varied"] == varied)
            order = np.argsort(rows["step"][mine])
            asked, measured = rows["asked"][mine][order], rows["measured"][mine][order]
            count += 1
            for metric, value in zip(("spearman", "largest_step"), way(asked, measured)):
                stated = (
                    set(np.round(rows[metric][mine], 9))
                    if not np.isnan(rows[metric][mine]).all()
                    else {np.nan}
                )
                if len(stated) != 1 or not same(stated.pop(), value, 1e-6):
                    findings.append(
                        f"{name}.parquet, {pair}, {varied}: {metric} is not what its steps give, "
                        f"{value:.6g}"
                    )
    why = "" if runs_of(project, "control") else "params.yaml makes no control study"
    return Check(
        "ways of the control study from their steps",
        "reports/studies/control-*.parquet",
        count,
        findings,
        why,
    )


def way(asked: np.ndarray, measured: np.ndarray) -> tuple[float, float]:
    """Pearson's correlation of ranks, upwards as asked (or as the ends lie), and the largest
    step's share of the way.
    """
    goal = measured if np.isnan(asked).any() else asked
    steps = np.abs(np.diff(measured))
    if not np.isfinite(measured).all() or steps.sum() == 0 or goal[-1] == goal[0]:
        return np.nan, np.nan
    ranks = np.array(
        [(measured < value).sum() + ((measured == value).sum() - 1) / 2 for value in measured]
    )
    correlation = np.corrcoef(np.arange(len(measured)), ranks)[0, 1]
    return float(correlation if goal[-1] > goal[0] else -correlation), float(
        steps.max() / steps.sum()
    )


def check_cells(project: Project) -> Check:
    """Every cell of the studies' tables from the rows that it names."""
    findings, count = [], 0
    for table in tables_of(project):
        stage, keys, metrics = TABLES[table]
        stated = {
            (line["experiment"], *(line[key] for key in keys), line["metric"]): line
            for line in read_cells(project.root / "reports" / "tables" / f"{table}.csv")
        }
        expected = {}
        for experiment in project.params[stage]["experiments"]:
            names = [name for name, run in runs_of(project, table).items() if run[0] == experiment]
            rows = join([project.studies[name] for name in names])
            parts = {
                line: {name: values[mine] for name, values in rows.items()}
                for line, mine in lines_of(rows, table).items()
            }
            for line, chosen in parts.items():
                base = parts.get((BASES.get(table),)) if line != (BASES.get(table),) else None
                expected |= {
                    (experiment, *line, metric): (" ".join(sorted(names)), cell)
                    for metric, cell in _cells(chosen, base, metrics, project.params["tabulate"])
                }
        findings += [
            f"{table}.csv: {' '.join(key)}: missing or too many"
            for key in sorted(set(stated) ^ set(expected))
        ]
        for key in sorted(set(stated) & set(expected)):
            count, (behind, cell), line = count + 1, expected[key], stated[key]
            findings += (
                [
                    (
                        f"{table}.csv, {' '.join(key)}: names the rows {line['rows']!r}, expected "
                        f"{behind!r}"
                    )
                ]
                if line["rows"] != behind
                else []
            )
            findings += [
                (
                    f"{table}.csv, {' '.join(key)}: {name} is {line[name] or 'empty'}, the rows "
                    f"give {cell[name]:.9g}"
                )
                for name in cell
                if not same(float(line[name] or "nan"), cell[name])
            ]
    return Check(
        "every cell of the studies' tables from the rows",
        "reports/tables, reports/studies",
        count,
        findings,
        "" if tables_of(project) else "params.yaml has no studies",
    )


def per_example(rows: Columns, column: str) -> Values:
    """Means over an example's rows, undefined ones left out; of a share its two columns."""
    column, _, below = column.partition("/")
    found = {}
    for example in sorted(set(rows["example_id"])):
        mine = rows["example_id"] == example
        values = rows[column][mine][~np.isnan(rows[column][mine])]
        weight = rows[below][mine].mean() if below else float(len(values) > 0)
        if weight > 0:
            found[example] = (rows["group"][mine][0], values.mean(), weight)
    return found


def _cells(
    rows: Columns, base: Columns | None, metrics: dict[str, str], tabulate: dict
) -> Iterator[tuple[str, dict[str, float]]]:
    """Metric and cell of a line's figures, and where it has a base of its paired differences."""
    for metric, column in metrics.items():
        values = per_example(rows, column)
        yield metric, _cell(values, "/" in column, tabulate)
        if base is not None:
            yield (
                metric + DIFFERENCE,
                _cell(minus(values, per_example(base, column)), False, tabulate),
            )


def _cell(values: Values, is_share: bool, tabulate: dict) -> dict[str, float]:
    if not values:
        return {"value": np.nan, "low": np.nan, "high": np.nan, "examples": 0, "clusters": 0}
    value, low, high = (
        share(values) if is_share else bootstrap(values, tabulate["resamples"], tabulate["seed"])
    )
    return {
        "value": value,
        "low": low,
        "high": high,
        "examples": len(values),
        "clusters": len({group for group, *_ in values.values()}),
    }


def check_printed(project: Project) -> Check:
    """The studies' Markdown and LaTeX, cell by cell in the CSV's order."""
    folder, pairs = project.root / "reports" / "tables", []
    for table in tables_of(project):
        _, keys, metrics = TABLES[table]
        lines = {}
        for line in read_cells(folder / f"{table}.csv"):
            lines.setdefault((line["experiment"], *(line[key] for key in keys)), {})[
                line["metric"]
            ] = rounded(line)
        expected = [
            [*name, *(cells[metric] for metric in metrics)] for name, cells in lines.items()
        ]
        latex = [
            [cell.replace("\\_", "_") for cell in line]
            for line in latex_table(folder / f"{table}.tex")
        ]
        printed = markdown_tables(folder / f"{table}.md")
        pairs += [(f"{table}.md", expected, printed[0]), (f"{table}.tex", expected, latex)]
        if table in BASES:
            differences = [
                [*name, *(cells[metric + DIFFERENCE] for metric in metrics)]
                for name, cells in lines.items()
                if name[1] != BASES[table]
            ]
            pairs.append((f"{table}.md, differences", differences, ([*printed, []])[1]))
    return compare(
        "the studies' .md and .tex equal their .csv",
        "reports/tables",
        pairs,
        "" if pairs else "params.yaml has no studies",
    )


def check_tiny(project: Project) -> Check:
    """tiny.csv repeats resynthesis.csv; tiny.md and .tex print it."""
    folder, name = (
        project.root / "reports" / "tables",
        "the tiny model's table equals resynthesis.csv",
    )
    if not (folder / "tiny.csv").exists():
        return Check(
            name,
            "reports/tables/tiny.*",
            0,
            [],
            "params.yaml has no tiny model, or no full one beside it",
        )
    whole = {(line["row"], line["metric"]): line for line in read_cells(folder / "resynthesis.csv")}
    mine = {(line["row"], line["metric"]): line for line in read_cells(folder / "tiny.csv")}
    findings = [
        f"tiny.csv: {' '.join(key)} is not what resynthesis.csv has"
        for key, line in mine.items()
        if _figures(line) != _figures(whole.get(key))
    ]
    full, tiny = dict.fromkeys(row for row, _ in mine)
    metrics = [metric for row, metric in mine if row == full and not metric.endswith("_minus_base")]
    expected = [
        [
            rounded(mine[full, metric]),
            rounded(mine[tiny, metric]),
            rounded(mine[tiny, f"{metric}_minus_base"]),
        ]
        for metric in metrics
    ]
    found = [
        [line[1:] for line in table[1:]]
        for table in (markdown_tables(folder / "tiny.md")[0], latex_table(folder / "tiny.tex"))
    ]
    printed = compare(
        name,
        "reports/tables/tiny.*",
        [("tiny.md", expected, found[0]), ("tiny.tex", expected, found[1])],
    )
    return printed._replace(findings=findings + printed.findings, count=printed.count + len(mine))


def _figures(line: dict[str, str] | None) -> list[str] | None:
    """A cell's figures and rows; counts have a point where others of their column are missing."""
    if line is None:
        return None
    return [
        line["rows"],
        *(
            str(float(line[column] or "nan"))
            for column in ("value", "low", "high", "examples", "clusters")
        ),
    ]


def _text(value: object) -> str:
    """A line's name as the CSV writes it; whole numbers have no point."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
