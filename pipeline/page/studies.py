"""What can be heard of the studies, from the folders that their stages left and the rows that were
made of them. Where rows name clips, these are the sounds of one tracked set, CLIPS; elsewhere the
folder has a set for each thing that was made of an example (its source, its output, ...), and every
set is a track.
"""

import re
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from pipeline.audio.clips import audio_path, load_audio
from pipeline.common.cli import UserError
from pipeline.common.units import FRAME_RATE
from pipeline.page.listing import Example, Line, Picker, Track
from pipeline.page.picks import pick
from pipeline.page.tracks import Tracks
from pipeline.reporting.studies import TABLES, Study
from pipeline.studies.conditions import CLIPS

FIRST = ("original", "source")  # of the sets that no line of a table is called after


class Played(NamedTuple):
    """A study with one experiment: its folder and its rows."""

    study: Study
    experiment: str
    folder: Path
    rows: pd.DataFrame


def study_pickers(
    tracks: Tracks, folder: Path, rows: Path, worst_by: dict[str, list[str]]
) -> list[Picker]:
    """A picker per table that `worst_by` names and experiment that has rows: median and worst
    examples.

    Args:
        folder: STAGE/EXPERIMENT-SEED, as the studies' stages write them.
        rows: TABLE-EXPERIMENT-SEED.parquet, as stage `score` writes them.
    """
    seed, found, known = tracks.made.seed, [], {study.name: study for study in TABLES}
    for name, metrics in worst_by.items():
        if name not in known:
            raise UserError(
                f"params.yaml: page.worst_by.{name}: neither the models nor a study's table; "
                f"known: {', '.join(known)}"
            )
        for path in sorted(rows.glob(f"{name}-*-{seed}.parquet")):
            run = path.stem.removeprefix(f"{name}-")
            played = Played(
                known[name],
                run.removesuffix(f"-{seed}"),
                folder / known[name].stage / run,
                pd.read_parquet(path),
            )
            examples = _examples(tracks, _with_sound(played), metrics)
            title = f"{known[name].title.partition(' (')[0]}, `{played.experiment}`"
            found.append(
                Picker(
                    section=known[name].stage,
                    title=title,
                    experiment=played.experiment,
                    kind="study",
                    seed=seed,
                    examples=examples,
                )
            )
    return found


def _with_sound(played: Played) -> Played:
    """Only the rows of examples that can be heard: what a study scores for comparison may have
    been made by another stage.
    """
    if "clip" in played.rows:
        return played
    heard = {name for name in played.rows.example_id.unique() if _sets(played, name)}
    if not heard:
        raise UserError(
            f"{played.folder}: holds no sound of {played.rows.example_id.iloc[0]}; run `dvc "
            f"repro {played.study.stage}`"
        )
    return played._replace(rows=played.rows[played.rows.example_id.isin(heard)])


def _examples(tracks: Tracks, played: Played, worst_by: list[str]) -> list[Example]:
    found = []
    for name, why in _picked(played, worst_by).items():
        lines = (
            _lines_of_clips(tracks, played, name)
            if "clip" in played.rows
            else _line_of_sets(tracks, played, name)
        )
        found.append(Example(example_id=name, title=_title(name), why=why, lines=lines))
    return found


def _picked(played: Played, worst_by: list[str]) -> dict[str, list[str]]:
    """Median and worst examples; of each kind for itself where every example is of one kind,
    such as an instrument.
    """
    kinds = {
        _words(keys): mine
        for keys, mine in played.rows.groupby(list(played.study.lines), sort=False)
    }
    whole = played.rows.groupby("example_id")[list(played.study.lines)].nunique().max().max() == 1
    if len(kinds) == 1 or not whole:
        return pick(played.rows, played.study.metrics, worst_by, best=False)
    picked = {
        kind: pick(mine, played.study.metrics, worst_by, best=False) for kind, mine in kinds.items()
    }
    return {
        name: [f"{kind}: {', '.join(why)}"]
        for kind, of_kind in picked.items()
        for name, why in of_kind.items()
    }


def _lines_of_clips(tracks: Tracks, played: Played, example_id: str) -> list[Line]:
    """A track per row; a line per kind of rows, where the rows of a kind are steps on a way,
    else one for all.
    """
    mine = played.rows[played.rows.example_id == example_id]
    kinds = list(mine.groupby(list(played.study.lines), sort=False))
    clips = played.folder / CLIPS
    if any(len(steps) > 1 for _, steps in kinds):
        return [
            Line(
                label=_words(keys),
                tracks=[
                    _track(tracks, clips, clip, f"{number} of {len(steps)}")
                    for number, clip in enumerate(steps["clip"], 1)
                ],
            )
            for keys, steps in kinds
        ]
    return [
        Line(
            label="",
            tracks=_original(tracks, played, example_id)
            + [
                _track(
                    tracks,
                    clips,
                    rows["clip"].iloc[0],
                    f"{' '.join(played.study.lines)} {_words(keys)}",
                )
                for keys, rows in kinds
            ],
        )
    ]


def _line_of_sets(tracks: Tracks, played: Played, example_id: str) -> list[Line]:
    """A track per set that holds the example: what was there before, then the lines of the table
    in their order.
    """
    order = {
        str(value): number
        for number, value in enumerate(played.rows[played.study.lines[0]].unique(), 1)
    }
    sets = sorted(
        _sets(played, example_id),
        key=lambda path: (order.get(path.name, 0), path.name not in FIRST, path.name),
    )
    return [
        Line(
            label="",
            tracks=[_track(tracks, path, example_id, path.name.replace("_", " ")) for path in sets],
        )
    ]


def _sets(played: Played, example_id: str) -> list[Path]:
    return [
        path.parent
        for path in played.folder.rglob("audio")
        if audio_path(path.parent, example_id).exists()
    ]


def _original(tracks: Tracks, played: Played, example_id: str) -> list[Track]:
    data = tracks.made.data.get(played.experiment)
    known = data and audio_path(tracks.made.yardsticks / data / "original", example_id).exists()
    return [tracks.original(data, example_id)] if known else []


def _track(tracks: Tracks, tracked_set: Path, clip: str, label: str) -> Track:
    return tracks.track(label, load_audio(tracked_set, clip))


def _words(keys: tuple) -> str:
    return " ".join(
        f"{key:+g}" if isinstance(key, float) else str(key).replace("_", " ") for key in keys
    )


def _title(example_id: str) -> str:
    """Example ids with the frame after @ in seconds, where it is not the first."""
    return re.sub(
        r"@(\d+)",
        lambda at: "" if at[1] == "0" else f" from {int(at[1]) / FRAME_RATE:g} s",
        example_id,
    )
