"""The manifest: one row per recording of a data set, the same columns whatever the source.
| column | meaning |
| --- | --- |
| id | letters, digits, '-' and '_'; names files, so it is unique |
| instrument, family | names; family may be empty |
| pitch, velocity | MIDI numbers of single notes, empty for anything else |
| group | the cluster of intervals, in one split alone: recorded sample, piece or file (instrument with NSynth, in one split as published) |
| split | train, valid or test; or one of them per time block, with spaces between |
| block_seconds | the length of these blocks; empty where the split is one name |
| path | the audio file under the data set's root, percent-encoded as in URLs, so that any file name fits a CSV |
| sha256 | of the audio; features are kept by it |
| rejected | why the recording cannot be used; empty where it can |
Sources may add columns of their own after these. features.csv has the manifest's columns and what
was measured:
| column | meaning |
| --- | --- |
| features | hash of audio, settings and code: the name of the feature file it was copied from |
| frames | control frames |
| coverage | share of frames with CREPE confidence of at least 0.85 |
| loudness_low, loudness_high | dB |
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

import pandas as pd

COLUMNS = (
    "id",
    "instrument",
    "family",
    "pitch",
    "velocity",
    "group",
    "split",
    "block_seconds",
    "path",
    "sha256",
    "rejected",
)
TYPES = {"pitch": "Int64", "velocity": "Int64", "block_seconds": "float64"}
MEASURED = {
    "frames": "Int64",
    "coverage": "float64",
    "loudness_low": "float64",
    "loudness_high": "float64",
}
TEXTS = tuple(name for name in COLUMNS if name not in TYPES)
# folders of a data set: what features may read, and what only evaluation may
AUDIO, TRUTH = "audio", "truth"
# where the manifest's paths start from, and how many rejects are put up with
SOURCE = f"{AUDIO}/source.json"


class DataSet(NamedTuple):
    """What a source makes: the manifest, and the folder its paths start from."""

    manifest: pd.DataFrame
    root: Path | None  # None: the data set's own audio folder


def make_manifest(rows: Iterable[dict], own: Iterable[str] = ()) -> pd.DataFrame:
    """Rows (missing keys count as empty) as a manifest, sorted by id; `own` names the source's
    further columns.
    """
    table = pd.DataFrame(list(rows), columns=[*COLUMNS, *own]).sort_values("id", ignore_index=True)
    if not table.id.is_unique:
        raise ValueError(f"manifest: id {table.id[table.id.duplicated()].iloc[0]} twice")
    return table.astype(TYPES).assign(
        **{name: table[name].astype(object).fillna("") for name in TEXTS}
    )


def read_manifest(path: Path) -> pd.DataFrame:
    """A manifest, or features.csv, from its file; texts that are empty are '', and an instrument
    may be called NA.
    """
    numbers = TYPES | MEASURED
    header = pd.read_csv(path, nrows=0).columns
    types = {
        name: numbers.get(name, str)
        for name in header
        if name in numbers or name in (*TEXTS, "features")
    }
    return pd.read_csv(
        path,
        dtype=types,
        keep_default_na=False,
        na_values={name: [""] for name in header if name not in TEXTS},
    )


def read_source(folder: Path) -> tuple[Path, int]:
    """Of a data set: the folder that the manifest's paths start from, and how many rejected
    recordings are put up with.
    """
    values = json.loads((folder / SOURCE).read_text())
    return Path(values["root"] or folder / AUDIO), values["max_rejected"]


def example_group(recording: pd.Series, start_seconds: float) -> str:
    """The group of an example: its recording's, or where a recording is split by time blocks the
    block.
    """
    if " " not in recording.split:
        return recording.group
    return f"{recording.group} block {int(start_seconds // recording.block_seconds)}"


def encode_path(path: Path) -> str:
    """A path as it stands in a manifest."""
    return quote(os.fsencode(path), safe="/ ()+,=@'")


def decode_path(text: str) -> Path:
    """The inverse of `encode_path`."""
    return Path(os.fsdecode(unquote_to_bytes(text)))
