"""Rows of dereverberation, of the learned room and of acoustic transfer."""

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


class Comparison(NamedTuple):
    """Two folders of sounds, one with the true sounds."""

    folder: str
    reference: str  # the folder of the true sounds


# By signal. "dry" compares the true dry sounds with themselves.
SIGNALS = {
    "wet": Comparison("wet", "dry"),
    "wpe": Comparison("wpe", "dry"),
    "model_dry": Comparison("model_dry", "dry"),
    "dry": Comparison("dry", "dry"),
    "model_wet": Comparison("model_wet", "wet"),
}
# By room, of transferred sounds. "true" compares sounds in the true room with themselves.
ROOMS = {room: Comparison(room, "true") for room in ("dry", "noise", "learned", "true")}


def rows(folder: Path) -> dict[str, pd.DataFrame]:
    """Score a study's folder: {table: rows}."""
    signals, signal_bands = compare_sounds(folder, "signal", SIGNALS)
    transfers, transfer_bands = compare_sounds(folder / "transfer", "response", ROOMS)
    return {
        "dereverberation": signals,
        "dereverberation_bands": signal_bands,
        "learned_room": room_rows(read_responses(folder)),
        "acoustic_transfer": transfers,
        "acoustic_transfer_bands": transfer_bands,
    }


def compare_sounds(
    folder: Path, column: str, comparisons: dict[str, Comparison]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare sounds with their true counterparts.

    Args:
        folder: holds the folders of sounds and plan.csv.
        column: the column that names the comparison.
        comparisons: by name; one delay is removed from all sounds of each.

    Returns:
        A row per comparison and example, and a row per comparison, example and octave band.
    """
    # Read groups as text: one may be called 12, or NA.
    plan = pd.read_csv(folder / PLAN, dtype=str, keep_default_na=False)
    delays = find_delays(folder, list(plan.example_id), comparisons)
    examples = list(plan.itertuples(index=False))
    whole = []
    bands = []
    for example in progress(examples, f"{folder.name}: {column}", unit="example"):
        sounds = _load_sounds(folder, example.example_id, comparisons)
        truths = {
            comparison.reference: measure_truth(sounds[comparison.reference], sounds["dry"])
            for comparison in comparisons.values()
        }
        for name, (sound, reference) in comparisons.items():
            labels = {column: name, "example_id": example.example_id, "group": example.group}
            measures, band_measures = compare(truths[reference], sounds[sound], delays[name])
            whole.append(labels | measures)
            bands += [labels | band for band in band_measures]
    return sort_rows(whole, column, comparisons), sort_rows(bands, column, comparisons)


def find_delays(
    folder: Path, example_ids: list[str], comparisons: dict[str, Comparison]
) -> dict[str, int]:
    """Find each comparison's delay in control frames, common to all examples."""
    envelopes = {
        name: [onset_envelope(load_audio(folder / name, example)) for example in example_ids]
        for name in _sound_folders(comparisons)
    }
    return {
        name: common_delay(zip(envelopes[comparison.reference], envelopes[comparison.folder]))
        for name, comparison in comparisons.items()
    }


def sort_rows(rows: list[dict], column: str, comparisons: dict[str, Comparison]) -> pd.DataFrame:
    """Sort rows by comparison, in the order of `comparisons`; keep the order of examples."""
    places = {name: place for place, name in enumerate(comparisons)}
    return pd.DataFrame(sorted(rows, key=lambda row: places[row[column]]))


def room_rows(responses: dict[str, np.ndarray]) -> pd.DataFrame:
    """Describe every response in every band.

    A training learns one response, so all rows have one example id and one group, and no interval
    can be drawn within a training.
    """
    # A learned response may be longer or shorter than the true one.
    samples = min(map(len, responses.values()))
    true = responses["true"][:samples]
    described = []
    for name, response in responses.items():
        for band in BANDS:
            labels = {
                "response": name,
                "band_hz": band,
                "example_id": "response",
                "group": "response",
            }
            described.append(labels | describe_response(true, response[:samples], band))
    return pd.DataFrame(described)


def _load_sounds(
    folder: Path, example_id: str, comparisons: dict[str, Comparison]
) -> dict[str, np.ndarray]:
    return {name: load_audio(folder / name, example_id) for name in _sound_folders(comparisons)}


def _sound_folders(comparisons: dict[str, Comparison]) -> list[str]:
    """List the folders that are compared, and that of the dry sounds, which show the rests."""
    compared = {folder for comparison in comparisons.values() for folder in comparison}
    return sorted({"dry"} | compared)
