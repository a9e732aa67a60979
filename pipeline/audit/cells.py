"""Every cell of the tables from the rows, with NumPy; what is printed from the cells."""

import csv
import itertools
import json
from pathlib import Path

import numpy as np

from pipeline.audit.checks import Check, Columns, Project, join, same

# over frames_pitched
FRAME_SHARES = {
    "outlier_frames_paper": "frames_outlier_paper",
    "outlier_frames_code": "frames_outlier_code",
}
CLIP_SHARES = ("outlier_clips_paper", "outlier_clips_code")
MEANS = (
    "loudness_l1_std",
    "f0_l1",
    "f0_l1_without_outliers",
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
DIFFERENCE, PRIMARY = "_minus_base", "spectral_loss"
Z = 1.959963984540054  # of a 95 % interval
ALL_SIGNS = 16  # clusters up to which every exchange is tried here


def per_example(rows: Columns, metric: str) -> dict[str, tuple[str, float, float]]:
    """Group, value and weight by example, seeds averaged, undefined ones left out."""
    column = FRAME_SHARES.get(metric, metric)
    found = {}
    for example in sorted(set(rows["example_id"])):
        mine = rows["example_id"] == example
        values = rows[column][mine]
        values = values[~np.isnan(values)]
        weight = (
            rows["frames_pitched"][mine].mean()
            if metric in FRAME_SHARES
            else float(len(values) > 0)
        )
        if weight > 0:
            found[example] = (rows["group"][mine][0], values.mean(), weight)
    return found


def minus(mine: dict, base: dict) -> dict[str, tuple[str, float, float]]:
    """Paired differences of `per_example`."""
    return {
        name: (mine[name][0], mine[name][1] - base[name][1], mine[name][2])
        for name in mine
        if name in base
    }


def bootstrap(values: dict, resamples: int, seed: int) -> tuple[float, float, float]:
    """Weighted mean and its 95 % percentile interval over clusters drawn anew."""
    groups = sorted({group for group, *_ in values.values()})
    sums = np.array(
        [sum(value for group, value, _ in values.values() if group == name) for name in groups]
    )
    weights = np.array(
        [sum(weight for group, _, weight in values.values() if group == name) for name in groups]
    )
    if len(groups) == 1:
        return sums.sum() / weights.sum(), np.nan, np.nan
    drawn = np.random.default_rng(seed).integers(len(groups), size=(resamples, len(groups)))
    means = np.sort(np.take(sums, drawn).sum(1) / np.take(weights, drawn).sum(1))
    return sums.sum() / weights.sum(), *np.percentile(means, [2.5, 97.5])


def share(values: dict) -> tuple[float, float, float]:
    """A share and Wilson's interval, from the roots of its quadratic."""
    n, p = (
        len(values),
        sum(value for _, value, _ in values.values())
        / sum(weight for *_, weight in values.values()),
    )
    a, b, c = 1 + Z**2 / n, -(2 * p + Z**2 / n), p**2
    root = np.sqrt(max(b**2 - 4 * a * c, 0))
    return p, max(0.0, (-b - root) / (2 * a)), min(1.0, (-b + root) / (2 * a))


def recompute(values: dict, metric: str, tabulate: dict) -> dict[str, float]:
    """A cell: value, low, high, examples, clusters."""
    if not values:
        return {"value": np.nan, "low": np.nan, "high": np.nan, "examples": 0, "clusters": 0}
    is_share = metric in CLIP_SHARES or metric in FRAME_SHARES
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


def permutation_p(values: dict) -> float | None:
    """Two-sided p when whole clusters change sign in every way; None where these are too many to
    try.
    """
    groups = sorted({group for group, *_ in values.values()})
    sums = np.array(
        [sum(value for group, value, _ in values.values() if group == name) for name in groups]
    )
    if len(sums) > ALL_SIGNS:
        return None
    totals = np.array(list(itertools.product((1, -1), repeat=len(sums)))) @ sums
    close = 1e-12 * np.abs(sums).sum()
    one_sided = min(np.mean(totals >= sums.sum() - close), np.mean(totals <= sums.sum() + close))
    return min(1.0, 2 * one_sided) if len(sums) > 1 else 1.0


def read_cells(path: Path) -> list[dict[str, str]]:
    """The lines of a table's CSV that are ours, not the paper's."""
    with open(path, newline="") as file:
        return [line for line in csv.DictReader(file) if not line.get("source")]


def check_cells(project: Project) -> Check:
    """Every cell of resynthesis.csv and ablations.csv from the rows that it names."""
    findings, count, memory = _missing_cells(project), 0, {}

    def values_of(names: tuple[str, ...], metric: str) -> dict:
        """`per_example` of some row files, computed once."""
        key = (names, metric)
        if key not in memory:
            memory[key] = per_example(join([project.rows[name] for name in names]), metric)
        return memory[key]

    for table in _tables(project):
        for line in read_cells(table):
            count += 1
            where = f"{table.stem}.csv, {line['row']}, {line['metric']}"
            files = row_files(project, line["row"])
            metric, base = line["metric"].removesuffix(DIFFERENCE), base_of(project, line["row"])
            differs = line["metric"].endswith(DIFFERENCE)
            behind = sorted({*files, *(row_files(project, base) if differs and base else ())})
            missing = [name for name in behind if name not in project.rows]
            if line["rows"].split() != behind or missing:
                findings.append(
                    f"{where}: names the rows {line['rows']!r}, expected {' '.join(behind)!r}"
                )
                continue
            values = values_of(tuple(files), metric)
            if differs:
                values = (
                    minus(values, values_of(tuple(row_files(project, base)), metric))
                    if base
                    else {}
                )
            expected = recompute(
                values, f"{metric}{DIFFERENCE}" if differs else metric, project.params["tabulate"]
            )
            findings += [
                f"{where}: {key} is {line[key] or 'empty'}, the rows give {expected[key]:.9g}"
                for key in expected
                if not same(float(line[key] or "nan"), expected[key])
            ]
    return Check(
        "every table cell from the rows",
        "reports/tables/{resynthesis,ablations}.csv",
        count,
        findings,
    )


def check_tests(project: Project) -> Check:
    """Permutation tests, Holm's correction, each seed's difference and verdicts of
    ablations.csv.
    """
    path, name = (
        project.root / "reports" / "tables" / "ablations.csv",
        "tests and verdicts of ablations",
    )
    if not path.exists():
        return Check(
            name,
            "reports/tables/ablations.csv",
            0,
            [],
            "params.yaml has no ablations" if not _ablations(project) else "",
        )
    lines = [line for line in read_cells(path) if line["metric"] == PRIMARY + DIFFERENCE]
    findings = (
        []
        if {line["row"] for line in lines} == set(_ablations(project))
        else ["ablations.csv does not hold the ablations of params.yaml"]
    )
    by_p = sorted(lines, key=lambda line: float(line["p"]))
    corrected, highest = {}, 0.0
    for place, line in enumerate(by_p):
        highest = max(highest, float(line["p"]) * (len(lines) - place))
        corrected[line["row"]] = min(1.0, highest)
    for line in lines:
        files, bases = (
            [f"{name}-{seed}" for seed in sorted(project.params["seeds"])]
            for name in (line["row"], base_of(project, line["row"]))
        )
        if not all(file in project.rows for file in (*files, *bases)):
            findings.append(f"{line['row']}: rows are missing")
            continue
        seeds = [
            _mean(minus(*(per_example(project.rows[file], PRIMARY) for file in pair)))
            for pair in zip(files, bases, strict=True)
        ]
        whole = minus(
            *(
                per_example(join([project.rows[file] for file in group]), PRIMARY)
                for group in (files, bases)
            )
        )
        p = permutation_p(whole)
        findings += (
            [f"{line['row']}: p is {line['p']}, the rows give {p:.6g}"]
            if p is not None and not same(float(line["p"]), p, 1e-6)
            else []
        )
        findings += _findings_of_verdict(line, corrected[line["row"]], seeds)
    return Check(name, "reports/tables/ablations.csv", len(lines), findings)


def _findings_of_verdict(line: dict[str, str], p_holm: float, seeds: list[float]) -> list[str]:
    findings = (
        [f"{line['row']}: Holm's p is {line['p_holm']}, expected {p_holm:.6g}"]
        if not same(float(line["p_holm"]), p_holm)
        else []
    )
    stated = [float(value) for value in line["per_seed"].split()]
    if len(stated) != len(seeds) or not all(map(same, stated, seeds)):
        findings.append(
            f"{line['row']}: each seed's difference is {line['per_seed']}, the rows give {seeds}"
        )
    if len(seeds) < 3:
        expected = "none: one seed" if len(seeds) == 1 else f"none: {len(seeds)} seeds"
    else:
        clear = p_holm < 0.05 and (min(seeds) > 0 or max(seeds) < 0)
        expected = ("worse" if seeds[0] > 0 else "better") if clear else "no measurable change"
    return findings + (
        [f"{line['row']}: the verdict is {line['verdict']!r}, expected {expected!r}"]
        if line["verdict"] != expected
        else []
    )


def check_metrics(project: Project) -> Check:
    """metrics.json holds the tables' values, all of them and nothing else."""
    stated = json.loads((project.root / "reports" / "metrics.json").read_text())
    cells = {
        (line["row"], line["metric"]): float(line["value"] or "nan")
        for table in _tables(project)
        for line in read_cells(table)
    }
    cells |= {
        key: value
        for path in sorted((project.root / "reports" / "tables").glob("*.csv"))
        for key, value in _of_study(path).items()
    }
    found = {
        (row, metric): np.nan if value is None else value
        for row, values in stated.items()
        for metric, value in values.items()
    }
    findings = [
        f"metrics.json: {row}, {metric}: missing or not in a table"
        for row, metric in sorted(set(cells) ^ set(found))
    ]
    findings += [
        (
            f"metrics.json: {row}, {metric}: {found[row, metric]}, the table has "
            f"{cells[row, metric]:.9g}"
        )
        for row, metric in cells
        if (row, metric) in found and not same(found[row, metric], cells[row, metric], 1e-6)
    ]
    return Check("metrics.json equals the tables", "reports/metrics.json", len(found), findings)


def _of_study(path: Path) -> dict[tuple[str, str], float]:
    """The values of a study's table; its lines are named by the columns from `experiment` up to
    `seeds`. Of another table nothing.
    """
    lines = read_cells(path)
    if not lines or next(iter(lines[0])) != "experiment" or "metric" not in lines[0]:
        return {}
    keys = list(lines[0])[: list(lines[0]).index("seeds")]
    return {
        (
            "/".join([path.stem, *(line[key] for key in keys)]).replace(".", "_"),
            line["metric"],
        ): float(line["value"] or "nan")
        for line in lines
    }


def row_files(project: Project, row: str) -> list[str]:
    """The files of reports/rows behind a row of a table."""
    return [row] if "@" in row else sorted(f"{row}-{seed}" for seed in project.params["seeds"])


def base_of(project: Project, row: str) -> str | None:
    """What a row's differences are taken from."""
    block = project.params["experiments"].get(row, {})
    data = row.split("@")[1] if "@" in row else project.data_of(row)
    return block.get("ablates") or project.params["tabulate"]["bases"].get(data)


def _missing_cells(project: Project) -> list[str]:
    """Cells that the tables should have and do not, or the other way round."""
    folder, ablations = project.root / "reports" / "tables", _ablations(project)
    models = {rows["experiment"][0] for rows in project.rows.values()} - set(ablations)
    expected = {
        ("resynthesis", row, metric + more)
        for row in models
        for metric in METRICS
        for more in ("", DIFFERENCE)
    }
    expected |= {
        ("ablations", row, metric + more)
        for row in ablations
        for metric in METRICS
        for more in ("", DIFFERENCE)
    }
    found = {
        (path.stem, line["row"], line["metric"])
        for path in _tables(project)
        for line in read_cells(path)
    }
    findings = [
        f"{table}.csv: {row}, {metric}: missing or too many"
        for table, row, metric in sorted(expected ^ found)
    ]
    for line in read_cells(folder / "ablations.csv") if ablations else []:
        if line["base"] != base_of(project, line["row"]):
            findings.append(f"ablations.csv: {line['row']} names the base {line['base']!r}")
    return findings


def _tables(project: Project) -> list[Path]:
    """The tables of cells."""
    folder = project.root / "reports" / "tables"
    return [folder / "resynthesis.csv"] + (
        [folder / "ablations.csv"] if _ablations(project) else []
    )


def _ablations(project: Project) -> list[str]:
    return [name for name, block in project.params["experiments"].items() if "ablates" in block]


def _mean(values: dict) -> float:
    return sum(value for _, value, _ in values.values()) / sum(
        weight for *_, weight in values.values()
    )
