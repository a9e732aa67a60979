"""The manifest: one row per recording of a data set, with the same columns for every source.

id: unique, of letters, digits, '-' and '_'; files are named after it
instrument, family: names; family may be empty
pitch, velocity: MIDI numbers of a single note, otherwise empty
group: what confidence intervals are clustered by; it lies in one split. The recorded sample, piece
    or file; for NSynth the instrument, which the published split keeps in one split
split: train, valid or test; or one of these per time block, separated by spaces
block_seconds: length of the time blocks; empty if the recording is in one split
path: audio file relative to the data set's root, percent-encoded as in URLs so that any file name
    fits into a CSV
sha256: hash of the audio; part of the key under which features are cached
rejected: why the recording cannot be used; empty if it can

A source may append further columns. features.csv has the manifest's columns and these:

features: hash of audio, settings and code; the name of the cached feature file
frames: number of control frames
coverage: share of frames with a CREPE confidence of at least 0.85
loudness_low, loudness_high: lowest and highest loudness in dB
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
TEXT_COLUMNS = tuple(name for name in COLUMNS if name not in TYPES)
# folders of a data set: AUDIO is open to every stage, TRUTH to evaluation only
AUDIO, TRUTH = "audio", "truth"
# the root of the manifest's paths, and how many rejected recordings are tolerated
SOURCE = f"{AUDIO}/source.json"


class DataSet(NamedTuple):
    """The manifest of a data set and the folder that its paths are relative to."""

    manifest: pd.DataFrame
    root: Path | None  # None: the data set's own audio folder


def make_manifest(rows: Iterable[dict], extra_columns: Iterable[str] = ()) -> pd.DataFrame:
    """Make a manifest, sorted by id.

    Args:
        rows: one mapping per recording; missing keys become empty cells.
        extra_columns: columns that only this source has.
    """
    columns = [*COLUMNS, *extra_columns]
    table = pd.DataFrame(list(rows), columns=columns).sort_values("id", ignore_index=True)
    if not table.id.is_unique:
        raise ValueError(f"manifest: duplicate id {table.id[table.id.duplicated()].iloc[0]}")
    return table.astype(TYPES).assign(
        **{name: table[name].astype(object).fillna("") for name in TEXT_COLUMNS}
    )


def read_manifest(path: Path) -> pd.DataFrame:
    """Read a manifest or a features.csv.

    Empty text cells become "", and "NA" stays text, since an instrument may have that name.
    """
    numbers = TYPES | MEASURED
    header = pd.read_csv(path, nrows=0).columns
    types = {
        name: numbers.get(name, str)
        for name in header
        if name in numbers or name in (*TEXT_COLUMNS, "features")
    }
    return pd.read_csv(
        path,
        dtype=types,
        keep_default_na=False,
        na_values={name: [""] for name in header if name not in TEXT_COLUMNS},
    )


def read_source(folder: Path) -> tuple[Path, int]:
    """Read how a data set was made.

    Returns:
        root: the folder that the manifest's paths are relative to.
        max_rejected: how many rejected recordings are tolerated.
    """
    values = json.loads((folder / SOURCE).read_text())
    return Path(values["root"] or folder / AUDIO), values["max_rejected"]


def example_group(recording: pd.Series, start_seconds: float) -> str:
    """Return the group of an example: its recording's, or its time block's if there are blocks."""
    if " " not in recording.split:
        return recording.group
    return f"{recording.group} block {int(start_seconds // recording.block_seconds)}"


def encode_path(path: Path) -> str:
    """Encode a path for a manifest."""
    return quote(os.fsencode(path), safe="/ ()+,=@'")


def decode_path(text: str) -> Path:
    """Decode a path of a manifest."""
    return Path(os.fsdecode(unquote_to_bytes(text)))
