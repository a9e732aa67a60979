"""Check that the studies' rows are complete and that undefined values have a reason."""

from collections.abc import Iterator

import numpy as np

from pipeline.audit.checks import Check, Columns, Project, same
from pipeline.audit.rows import missing_or_unexpected
from pipeline.audit.study_tables import (
    TABLES,
    line_name,
    lines_of,
    no_studies,
    runs_of,
    tables_of,
)

UNDEFINED_IF_ZERO = {  # a metric is NaN exactly where its count is 0
    "f0_l1": "frames_pitched",
    "loudness_l1_db": "frames_sounding",
    "centroid_hz": "frames_heard",
    "rpa": "frames_pitched",
    "rca_true": "frames_true",
    "level_db": "frames_compared",
}
# tables with one row per line and test example
ROW_PER_TEST_EXAMPLE = ("extrapolation", "dereverberation", "dereverberation_bands", "phase")
# tables whose lines have different examples
EXAMPLES_BY_LINE = ("timbre_transfer",)
OCTAVES = ("125", "250", "500", "1000", "2000", "4000")
SIGNALS = ("wet", "wpe", "model_dry", "dry", "model_wet")
ROOMS = ("dry", "noise", "learned", "true")
LINES = {
    "phase": ("first", "other_phases", "other_noise"),
    "dereverberation": SIGNALS,
    "dereverberation_bands": SIGNALS,
    "learned_room": ("true", "learned", "noise"),
    "acoustic_transfer": ROOMS,
    "acoustic_transfer_bands": ROOMS,
}


def check_rows(project: Project) -> Check:
    """Check for the rows of every run, with the same examples on every line of a table.

    Where a table covers the test split, its examples must be those of the split.
    """
    expected = {
        name: (table, experiment, seed)
        for table in tables_of(project)
        for name, (experiment, seed) in runs_of(project, table).items()
    }
    findings = missing_or_unexpected("reports/studies", set(expected), set(project.studies))
    for name in sorted(set(expected) & set(project.studies)):
        texts = _findings(project, project.studies[name], *expected[name])
        findings += [f"{name}.parquet: {text}" for text in texts]
    count = sum(len(rows["example_id"]) for rows in project.studies.values())
    return Check(
        "study rows are complete",
        "reports/studies/*.parquet",
        count,
        findings,
        no_studies(project),
    )


def _findings(
    project: Project, rows: Columns, table: str, experiment: str, seed: int
) -> Iterator[str]:
    """Check one file of rows."""
    experiments = set(rows["experiment"])
    if experiments != {experiment} or set(rows["seed"]) != {seed}:
        yield f"holds rows of {sorted(experiments)}, seeds {sorted(set(rows['seed']))}"
    yield from _line_findings(project, rows, table, experiment)
    test_rows = project.rows.get(f"{experiment}-{seed}", {})
    test_examples = sorted(test_rows.get("example_id", []))
    for line, mask in lines_of(rows, table).items():
        if table in ROW_PER_TEST_EXAMPLE and sorted(rows["example_id"][mask]) != test_examples:
            yield f"{line}: does not have every example of the test split once"
    if table == "control":
        yield from _pair_findings(project, rows, len(test_examples))
    for metric, count in UNDEFINED_IF_ZERO.items():
        if metric in rows and (np.isnan(rows[metric]) != (rows[count] == 0)).any():
            yield f"{metric} is not undefined exactly where {count} is 0"


def _line_findings(project: Project, rows: Columns, table: str, experiment: str) -> Iterator[str]:
    """Check the lines of a table and that they have the same examples."""
    lines = lines_of(rows, table)
    examples = {tuple(sorted(rows["example_id"][mask])) for mask in lines.values()}
    if table not in EXAMPLES_BY_LINE and len(examples) > 1:
        yield "its lines have different examples"
    expected = _expected_lines(project, table, experiment)
    if expected is not None and set(lines) != expected:
        yield f"holds the lines {sorted(lines)}, expected {sorted(expected)}"


def _pair_findings(project: Project, rows: Columns, test_examples: int) -> Iterator[str]:
    """Check that `control` has as many pairs as asked for, and every step of each."""
    settings = project.params["control"]
    for line, mask in lines_of(rows, "control").items():
        examples = rows["example_id"][mask]
        if len(examples) != len(set(examples)) * settings["steps"]:
            yield f"{line}: does not have every step of every pair once"
    pairs = len(set(rows["example_id"]))
    expected = min(settings["pairs"], test_examples)
    if pairs != expected:
        yield f"holds {pairs} pairs, expected {expected}"


def _expected_lines(project: Project, table: str, experiment: str) -> set[tuple[str, ...]] | None:
    """Return the lines that a table must have; None where the rows alone decide."""
    if table == "extrapolation":
        return {(line_name(octaves),) for octaves in project.params["extrapolation"]["octaves"]}
    if table == "timbre_transfer":
        instruments = project.params["timbre_transfer"]["lines"]["instruments"]
        return {(name,) for name in (*instruments, f"{project.data_of(experiment)}, test clips")}
    return {(name, *band) for name in LINES.get(table, ()) for band in _bands(table)} or None


def _bands(table: str) -> list[tuple[str, ...]]:
    """Return the octave bands of a table's lines; one empty tuple where lines have none."""
    if "band_hz" not in TABLES[table].keys:
        return [()]
    broadband = ("all",) if table == "learned_room" else ()
    return [(band,) for band in (*broadband, *OCTAVES)]


def check_trajectories(project: Project) -> Check:
    """Recompute monotonicity and largest step of every trajectory of `control` from its steps."""
    findings = []
    count = 0
    for name in runs_of(project, "control"):
        if name not in project.studies:
            continue  # a finding of `check_rows`
        rows = project.studies[name]
        for pair, varied in sorted(set(zip(rows["example_id"], rows["varied"]))):
            count += 1
            steps = (rows["example_id"] == pair) & (rows["varied"] == varied)
            where = f"{name}.parquet, {pair}, {varied}"
            findings += [f"{where}: {text}" for text in _trajectory_findings(rows, steps)]
    has_control = runs_of(project, "control")
    return Check(
        "control trajectories follow from their steps",
        "reports/studies/control-*.parquet",
        count,
        findings,
        "" if has_control else "params.yaml has no control study",
    )


def _trajectory_findings(rows: Columns, steps: np.ndarray) -> Iterator[str]:
    """Compare what the rows of a trajectory state with what its steps give."""
    order = np.argsort(rows["step"][steps])
    spearman, largest_step = describe_trajectory(
        rows["asked"][steps][order], rows["measured"][steps][order]
    )
    for metric, value in (("spearman", spearman), ("largest_step", largest_step)):
        stated = rows[metric][steps]
        if not all(same(figure, value, 1e-6) for figure in stated):
            yield f"{metric} is not what its steps give, {value:.6g}"


def describe_trajectory(asked: np.ndarray, measured: np.ndarray) -> tuple[float, float]:
    """Describe how steadily a measured feature moves.

    Args:
        asked: The feature asked for at each step: [steps]; NaN where there is none.
        measured: The feature measured at each step: [steps].

    Returns:
        Spearman's correlation of step and measured feature, positive in the direction asked for
        (or, if none was, in that of the ends), and the largest step's share of all movement. NaN
        where the feature is undefined or does not move.
    """
    goal = measured if np.isnan(asked).any() else asked
    steps = np.abs(np.diff(measured))
    if not np.isfinite(measured).all() or steps.sum() == 0 or goal[-1] == goal[0]:
        return np.nan, np.nan
    ranks = np.array(
        [(measured < value).sum() + ((measured == value).sum() - 1) / 2 for value in measured]
    )
    correlation = np.corrcoef(np.arange(len(measured)), ranks)[0, 1]
    spearman = float(correlation if goal[-1] > goal[0] else -correlation)
    return spearman, float(steps.max() / steps.sum())
