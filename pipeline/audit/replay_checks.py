"""Compare a sample of the studies' rows with what the checkpoints give now.

For each training and table, a few rows are drawn with a seed, and the row with the largest error
is added.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from pipeline.audit import replayed
from pipeline.audit.checks import Check, Columns, Project
from pipeline.audit.measures import STATED_CLOSE, close, finite_difference
from pipeline.audit.models import NO_CHECKPOINTS, has_checkpoint
from pipeline.audit.replayed import Figures, Player
from pipeline.audit.study_tables import runs_of

SAMPLE = 2  # rows drawn for each training and table


class Replay(NamedTuple):
    """How to compute a table's rows again."""

    compute: Callable[[Player, Columns], Iterator[Figures]]
    error: str  # the metric whose largest value is added to the sample
    column: str = ""  # if set, only rows with one of `lines` here come from the checkpoint
    lines: tuple[str, ...] = ()


REPLAYS = {
    "control": Replay(replayed.control, "loudness_l1_db"),
    "extrapolation": Replay(replayed.extrapolation, "loudness_l1_db"),
    "phase": Replay(replayed.phases, "spectral_loss_to_original"),
    "dereverberation": Replay(
        replayed.dereverberation, "spectral_loss_as_is", "signal", ("model_dry", "model_wet")
    ),
    "learned_room": Replay(
        replayed.learned_room, "direct_to_reverberant_db", "response", ("learned",)
    ),
    "timbre_transfer": Replay(replayed.timbre_transfer, "loudness_l1_db"),
}


def pick(rows: Columns, replay: Replay, random: np.random.Generator) -> Columns:
    """Draw some of the rows that can be replayed, and add the one with the largest error."""
    replayable = np.ones(len(rows["example_id"]), bool)
    if replay.column:
        replayable = np.isin(rows[replay.column], replay.lines)
    if "octaves" in rows:
        # timbre transfer's test clips, there for comparison, have no octaves
        replayable &= np.isfinite(rows["octaves"])
    places = np.flatnonzero(replayable)
    if not len(places):
        return {name: values[:0] for name, values in rows.items()}
    worst = places[np.argmax(np.nan_to_num(rows[replay.error][places]))]
    drawn = random.choice(places, min(SAMPLE, len(places)), replace=False)
    chosen = sorted({int(worst), *map(int, drawn)})
    return {name: values[chosen] for name, values in rows.items()}


def check_replays(project: Project) -> Check:
    """Compare the sample's rows with what its checkpoints give now."""
    random = np.random.default_rng(project.params["tabulate"]["seed"])
    findings = []
    count = 0
    largest = 0.0
    for name, rows, replays in _replays(project, random):
        for place, figures in enumerate(replays):
            count += 1
            for metric, value in figures.items():
                stated = float(rows[metric][place])
                largest = max(largest, finite_difference(stated, value))
                if not close(stated, value):
                    findings.append(
                        f"{name}.parquet, {rows['example_id'][place]}: {metric} is "
                        f"{stated:.6g}, its checkpoint gives {value:.6g}"
                    )
    return Check(
        "checkpoints reproduce the study rows",
        f"{count} rows of reports/studies, the largest error of each training and table included; "
        f"{STATED_CLOSE}; largest difference {largest:.2g}",
        count,
        findings,
        "" if count else _why_not(project),
    )


def _replays(
    project: Project, random: np.random.Generator
) -> Iterator[tuple[str, Columns, Iterator[Figures]]]:
    """Yield file name, picked rows and their replayed figures for each training and table."""
    for run in project.runs():
        files = _files_of_run(project, run)
        if not files or not has_checkpoint(project, run):
            continue
        player = replayed.load_player(project, run)
        for table, name in files.items():
            rows = pick(project.studies[name], REPLAYS[table], random)
            if not len(rows["example_id"]):
                continue
            yield name, rows, REPLAYS[table].compute(player, rows)


def _files_of_run(project: Project, run: str) -> dict[str, str]:
    """Map each table that a training has rows for to their file."""
    return {
        table: name
        for table in REPLAYS
        for name, experiment_and_seed in runs_of(project, table).items()
        if experiment_and_seed == project.runs()[run] and name in project.studies
    }


def _why_not(project: Project) -> str:
    has_studies = any(runs_of(project, table) for table in REPLAYS)
    return NO_CHECKPOINTS if has_studies else "params.yaml has no studies"
