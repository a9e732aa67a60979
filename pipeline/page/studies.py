"""Pick sounds of the studies, from the folders of their stages and from their rows.

If rows name clips, the sounds are in one tracked set, CLIPS. Otherwise the folder has a tracked
set for each kind of sound (source, output, ...), and each set that holds the example is a track.
"""

import re
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from pipeline.audio.clips import audio_path, load_audio
from pipeline.common.cli import UserError
from pipeline.common.units import FRAME_RATE
from pipeline.page.listing import Example, Picker, Track, TrackRow
from pipeline.page.picks import pick
from pipeline.page.tracks import Tracks
from pipeline.reporting.columns import StudyTable
from pipeline.reporting.studies import TABLES
from pipeline.studies.conditions import CLIPS

FIRST = ("original", "source")  # sets that precede those named like lines of the table


class StudyRun(NamedTuple):
    """A study's table, folder and rows for one experiment."""

    table: StudyTable
    experiment: str
    folder: Path
    rows: pd.DataFrame


def study_pickers(
    tracks: Tracks, folder: Path, rows: Path, worst_by: dict[str, list[str]]
) -> list[Picker]:
    """Make a picker of median and worst examples per experiment and table in `worst_by`.

    Args:
        tracks: store the sounds.
        folder: of STAGE/EXPERIMENT-SEED, written by the studies' stages.
        rows: folder of TABLE-EXPERIMENT-SEED.parquet, written by stage `score`.
        worst_by: metrics by table; see `page.picks.pick`.

    Raises:
        UserError: if a table has no sounds.
    """
    seed = tracks.inputs.seed
    tables = {table.name: table for table in TABLES}
    pickers = []
    for name, metrics in worst_by.items():
        for path in sorted(rows.glob(f"{name}-*-{seed}.parquet")):
            run_name = path.stem.removeprefix(f"{name}-")
            run = StudyRun(
                tables[name],
                run_name.removesuffix(f"-{seed}"),
                folder / tables[name].stage / run_name,
                pd.read_parquet(path),
            )
            pickers.append(_picker(tracks, run, metrics))
    return pickers


def _picker(tracks: Tracks, run: StudyRun, worst_by: list[str]) -> Picker:
    return Picker(
        section=run.table.stage,
        title=f"{run.table.title.partition(' (')[0]}, `{run.experiment}`",
        experiment=run.experiment,
        kind="study",
        seed=tracks.inputs.seed,
        examples=_examples(tracks, _with_sound(run), worst_by),
    )


def _with_sound(run: StudyRun) -> StudyRun:
    """Keep only the rows of examples that have sound.

    Rows that a study scores for comparison may come from another stage, whose sound is elsewhere.
    """
    if "clip" in run.rows:
        return run
    audible = {name for name in run.rows.example_id.unique() if _sets(run, name)}
    if not audible:
        raise UserError(
            f"{run.folder}: holds no sound of {run.rows.example_id.iloc[0]}; run `dvc "
            f"repro {run.table.stage}`"
        )
    return run._replace(rows=run.rows[run.rows.example_id.isin(audible)])


def _examples(tracks: Tracks, run: StudyRun, worst_by: list[str]) -> list[Example]:
    examples = []
    for name, why in _picked(run, worst_by).items():
        rows = (
            _rows_of_clips(tracks, run, name)
            if "clip" in run.rows
            else [_row_of_sets(tracks, run, name)]
        )
        examples.append(Example(example_id=name, title=_title(name), why=why, lines=rows))
    return examples


def _picked(run: StudyRun, worst_by: list[str]) -> dict[str, list[str]]:
    """Pick median and worst examples.

    If every example belongs to one line of the table, such as an instrument, pick within each line.
    """
    columns = list(run.table.lines)
    by_line = {_words(keys): of_line for keys, of_line in run.rows.groupby(columns, sort=False)}
    lines_per_example = run.rows.groupby("example_id")[columns].nunique().max().max()
    if len(by_line) == 1 or lines_per_example != 1:
        return pick(run.rows, run.table.metrics, worst_by, best=False)
    return {
        name: [f"{line}: {', '.join(why)}"]
        for line, rows in by_line.items()
        for name, why in pick(rows, run.table.metrics, worst_by, best=False).items()
    }


def _rows_of_clips(tracks: Tracks, run: StudyRun, example_id: str) -> list[TrackRow]:
    """Show a row of tracks per line of the table if its clips are steps, else one row for all."""
    of_example = run.rows[run.rows.example_id == example_id]
    by_line = list(of_example.groupby(list(run.table.lines), sort=False))
    if any(len(steps) > 1 for _, steps in by_line):
        return [
            TrackRow(label=_words(keys), tracks=_steps(tracks, run, steps["clip"]))
            for keys, steps in by_line
        ]
    clips = [
        _track(
            tracks,
            run.folder / CLIPS,
            rows["clip"].iloc[0],
            f"{' '.join(run.table.lines)} {_words(keys)}",
        )
        for keys, rows in by_line
    ]
    return [TrackRow(label="", tracks=_original(tracks, run, example_id) + clips)]


def _steps(tracks: Tracks, run: StudyRun, clips: pd.Series) -> list[Track]:
    return [
        _track(tracks, run.folder / CLIPS, clip, f"{number} of {len(clips)}")
        for number, clip in enumerate(clips, 1)
    ]


def _row_of_sets(tracks: Tracks, run: StudyRun, example_id: str) -> TrackRow:
    """Show a track per set that holds the example: inputs first, then in the table's order."""
    lines = run.rows[run.table.lines[0]].unique()
    order = {str(line): number for number, line in enumerate(lines, 1)}
    sets = sorted(
        _sets(run, example_id),
        key=lambda path: (order.get(path.name, 0), path.name not in FIRST, path.name),
    )
    return TrackRow(
        label="",
        tracks=[_track(tracks, path, example_id, path.name.replace("_", " ")) for path in sets],
    )


def _sets(run: StudyRun, example_id: str) -> list[Path]:
    return [
        path.parent
        for path in run.folder.rglob("audio")
        if audio_path(path.parent, example_id).exists()
    ]


def _original(tracks: Tracks, run: StudyRun, example_id: str) -> list[Track]:
    data = tracks.inputs.data.get(run.experiment)
    if not data:
        return []
    path = audio_path(tracks.inputs.yardsticks / data / "original", example_id)
    return [tracks.original(data, example_id)] if path.exists() else []


def _track(tracks: Tracks, tracked_set: Path, clip: str, label: str) -> Track:
    return tracks.track(label, load_audio(tracked_set, clip))


def _words(keys: tuple) -> str:
    return " ".join(
        f"{key:+g}" if isinstance(key, float) else str(key).replace("_", " ") for key in keys
    )


def _title(example_id: str) -> str:
    """Replace the frame after @ in an example id by its time in seconds; omit the first frame."""
    return re.sub(
        r"@(\d+)",
        lambda at: "" if at[1] == "0" else f" from {int(at[1]) / FRAME_RATE:g} s",
        example_id,
    )
