"""Rows of dereverberation, of the learned room and of acoustic transfer, from the sounds that
the stage left.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.audio.clips import load_audio
from pipeline.common.cli import progress
from pipeline.evaluation.alignment import common_delay, onset_envelope
from pipeline.evaluation.closeness import compare, measure_truth
from pipeline.studies.conditions import PLAN
from pipeline.studies.room_acoustics import BANDS, describe_response, read_responses

# compared with the true dry sound; dry is the truth itself
OF_DRY = ("wet", "wpe", "model_dry", "dry")
OF_WET = "model_wet"  # compared with the true wet sound
# compared with the sound in the true room; true is the truth itself
OF_ROOMS = ("dry", "noise", "learned", "true")


class Line(NamedTuple):
    """What is compared in one line of a table."""

    folder: str
    reference: str  # the folder of the true sounds


def rows(folder: Path) -> dict[str, pd.DataFrame]:
    """All rows of a study's folder by table, without experiment and seed."""
    signals = {name: Line(name, "dry") for name in OF_DRY} | {OF_WET: Line(OF_WET, "wet")}
    rooms = {name: Line(name, "true") for name in OF_ROOMS}
    dereverberated, of_bands = compared(folder, "signal", signals)
    transferred, of_rooms = compared(folder / "transfer", "response", rooms)
    return {
        "dereverberation": dereverberated,
        "dereverberation_bands": of_bands,
        "learned_room": room_rows(read_responses(folder)),
        "acoustic_transfer": transferred,
        "acoustic_transfer_bands": of_rooms,
    }


def compared(folder: Path, kind: str, lines: dict[str, Line]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every line's sounds against their references: a row per line and example, and one per
    line, example and octave band.
    """
    # a group may be called 12, or NA
    plan = pd.read_csv(folder / PLAN, dtype=str, keep_default_na=False)
    examples = list(plan.itertuples(index=False))
    folders = sorted({"dry"} | {part for line in lines.values() for part in line})
    envelopes = {
        part: [onset_envelope(load_audio(folder / part, each.example_id)) for each in examples]
        for part in folders
    }
    delays = {
        name: common_delay(zip(envelopes[line.reference], envelopes[line.folder]))
        for name, line in lines.items()
    }
    whole, bands = [], []
    for example in progress(examples, f"{folder.name}: {kind}", unit="example"):
        sounds = {part: load_audio(folder / part, example.example_id) for part in folders}
        truths = {
            part: measure_truth(sounds[part], sounds["dry"])
            for part in {line.reference for line in lines.values()}
        }
        for name, line in lines.items():
            where = {kind: name, "example_id": example.example_id, "group": example.group}
            measured, of_bands = compare(truths[line.reference], sounds[line.folder], delays[name])
            whole.append(where | measured)
            bands += [where | band for band in of_bands]
    return in_order(whole, kind, lines), in_order(bands, kind, lines)


def in_order(rows: list[dict], kind: str, lines: dict[str, Line]) -> pd.DataFrame:
    """Rows line by line, in the order of the lines, each with its examples in theirs."""
    places = {name: place for place, name in enumerate(lines)}
    return pd.DataFrame(sorted(rows, key=lambda row: places[row[kind]]))


def room_rows(responses: dict[str, np.ndarray]) -> pd.DataFrame:
    """A row per response and band; a training has one response, so that there is nothing to draw
    intervals from.
    """
    return pd.DataFrame(_room_lines(responses))


def _room_lines(responses: dict[str, np.ndarray]) -> Iterator[dict]:
    # a learned response may be longer or shorter than the true one
    samples = min(map(len, responses.values()))
    for name, response in responses.items():
        for band in BANDS:
            where = {
                "response": name,
                "band_hz": band,
                "example_id": "response",
                "group": "response",
            }
            yield where | describe_response(responses["true"][:samples], response[:samples], band)
