"""A data set of the recordings in a folder: any format that libsndfile reads, rate and channels.

The recordings stay where they are. Each is decoded once here, so that the split depends on usable
recordings only and unusable files change nothing.
"""

import hashlib
import os
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveFloat

from pipeline.audio.files import BadAudio, read_audio
from pipeline.common.cli import UserError, progress
from pipeline.common.files import digest
from pipeline.common.manifest import DataSet, encode_path, make_manifest
from pipeline.common.params import Params
from pipeline.common.units import FRAME_RATE, HOP, SAMPLE_RATE
from pipeline.data.suffixes import SUFFIXES

FEWEST = 3  # recordings or blocks: one per split

Share = Annotated[float, Field(gt=0, le=0.5)]


class FolderConfig(Params):
    """A data set with source `folder` in params.yaml."""

    source: Literal["folder"]
    seed: int
    instrument: str  # the label of every recording
    split: Literal["auto", "file", "time"]  # auto: by file if there are at least three usable files
    block_seconds: PositiveFloat  # for the split by time
    shortest_seconds: PositiveFloat  # rejects shorter recordings; at least examples.seconds
    test_share: Share
    valid_share: Share
    max_rejected: NonNegativeInt


def make_folder(config: FolderConfig, outside: Path | None, folder: Path) -> DataSet:
    """Make the manifest of all audio files below `outside`; they are not copied.

    `sha256` is that of the samples, mono at 16 kHz. Extra columns: `seconds`, the length, and
    `peak`, the highest absolute sample.

    Args:
        config: the data set's block of params.yaml.
        outside: the folder of recordings.
        folder: the data set's folder; nothing is written to it.

    Raises:
        UserError: there is no path, no usable recording, or too few of them to split.
    """
    if outside is None:
        raise UserError(
            "outside: a data set of source 'folder' needs the path of its recordings; "
            "add 'NAME: /path/to/recordings' to the section outside of params.yaml"
        )
    root = Path(os.path.abspath(outside))
    found = find_audio(root)
    ids = recording_ids([path for path, _ in found])
    rows = [
        {"id": ids[path], "path": encode_path(path)} | _inspect(root / path, reason)
        for path, reason in progress(found, "recordings", unit="file")
    ]
    _reject_copies(rows)
    _reject_short(rows, config.shortest_seconds)
    usable = {row["id"]: row["seconds"] for row in rows if not row["rejected"]}
    if not usable:
        raise _nothing_usable(root, rows)
    splits = split_recordings(config, usable)
    for row in rows:
        row["instrument"] = config.instrument
        row["group"] = row["id"]
        row["split"] = splits.get(row["id"], "")
        if " " in row["split"]:
            row["block_seconds"] = config.block_seconds
    return DataSet(make_manifest(rows, extra_columns=["seconds", "peak"]), root)


def find_audio(root: Path) -> list[tuple[Path, str]]:
    """List everything with an audio suffix below `root`, including folders with such a suffix.

    Hidden files and folders are skipped, and links to folders are not followed. Files with other
    suffixes are counted on stderr.

    Returns:
        (path relative to `root`, reason for rejection or "") in the order of path bytes.
    """
    errors: list[OSError] = []
    others: Counter[str] = Counter()
    candidates = list(_walk(root, errors, others))
    if any(Path(error.filename) == root for error in errors):
        raise UserError(
            f"outside: {root}: {errors[0].strerror}; give the path of a readable folder"
        )
    if others:
        counts = ", ".join(f"{number} {suffix}" for suffix, number in sorted(others.items()))
        print(f"{root}: not taken for recordings, by their suffix: {counts}", file=sys.stderr)
    candidates += [
        (Path(error.filename).relative_to(root), f"cannot be listed: {error.strerror}")
        for error in errors
    ]
    return sorted(candidates, key=lambda candidate: os.fsencode(candidate[0]))


def recording_ids(paths: list[Path]) -> dict[Path, str]:
    """Make readable ids: at most 40 characters of the name and 8 digits of the path's hash.

    Where two paths would have the same id, both have all 64 digits.
    """
    short = {path: _recording_id(path, 8) for path in paths}
    counts = Counter(short.values())
    return {
        path: name if counts[name] == 1 else _recording_id(path, 64) for path, name in short.items()
    }


def _recording_id(path: Path, digits: int) -> str:
    plain = unicodedata.normalize("NFKD", path.stem).encode("ascii", "ignore").decode()
    slug = re.sub("[^A-Za-z0-9_]+", "-", plain)[:40].strip("-")
    return f"{slug or 'recording'}-{digest(os.fsencode(path))[:digits]}"


def split_recordings(config: FolderConfig, seconds: dict[str, float]) -> dict[str, str]:
    """Assign each recording one split, or one per time block, separated by spaces.

    A time block is never divided between splits. A tail that is shorter than half a block or than
    `shortest_seconds` is left out.

    Args:
        config: the data set's block of params.yaml.
        seconds: the length of every usable recording, by id.

    Raises:
        UserError: there are fewer than three recordings or blocks, or a block is too short.
    """
    if config.split == "file" or (config.split == "auto" and len(seconds) >= FEWEST):
        splits = _draw_splits(
            config,
            [(name,) for name in seconds],
            "usable recordings; add some, or set split to 'time'",
        )
        return {name: splits[(name,)] for name in seconds}
    if config.block_seconds < config.shortest_seconds:
        raise UserError(
            f"data: source 'folder': block_seconds: {config.block_seconds} is less than "
            f"shortest_seconds ({config.shortest_seconds}); lengthen it"
        )
    counts = {name: _count_blocks(length, config) for name, length in seconds.items()}
    keys = [(name, block) for name, count in counts.items() for block in range(count)]
    splits = _draw_splits(
        config,
        keys,
        f"time blocks of {config.block_seconds} s; shorten block_seconds or add recordings",
    )
    return {
        name: " ".join(splits[name, block] for block in range(count))
        for name, count in counts.items()
    }


def _count_blocks(seconds: float, config: FolderConfig) -> int:
    whole = int(seconds // config.block_seconds)
    tail = seconds - whole * config.block_seconds
    return max(1, whole + (tail >= max(config.block_seconds / 2, config.shortest_seconds)))


def _draw_splits(config: FolderConfig, keys: list[tuple], too_few: str) -> dict[tuple, str]:
    """Split recordings or blocks by a seeded hash; `too_few` ends the error for too few."""
    if len(keys) < FEWEST:
        raise UserError(
            f"data: source 'folder': {FEWEST} needed for train, valid and test, but {len(keys)} "
            f"{too_few}"
        )
    test = max(1, round(config.test_share * len(keys)))
    valid = max(1, round(config.valid_share * len(keys)))
    if test + valid >= len(keys):
        raise UserError(
            f"data: source 'folder': test_share {config.test_share} and valid_share "
            f"{config.valid_share} of {len(keys)} leave nothing to train on; lower them"
        )
    ordered = sorted(keys, key=lambda key: digest(config.seed, *key))
    splits = ["test"] * test + ["valid"] * valid + ["train"] * (len(keys) - test - valid)
    return dict(zip(ordered, splits))


def _nothing_usable(root: Path, rows: list[dict]) -> UserError:
    message = f"outside: {root} holds no usable audio file (such as .wav, .flac, .ogg or .mp3)"
    if rows:
        first = f"{rows[0]['path']} {rows[0]['rejected']}"
        message += f"; the first of {len(rows)} rejected: {first}"
    return UserError(message)


def _walk(root: Path, errors: list[OSError], others: Counter[str]) -> Iterator[tuple[Path, str]]:
    for parent, folders, files in os.walk(root, onerror=errors.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in (*folders, *files):
            if not name.startswith(".") and Path(name).suffix[1:].lower() in SUFFIXES:
                yield Path(parent, name).relative_to(root), ""
        suffixes = (Path(name).suffix.lower() for name in files if not name.startswith("."))
        others.update(
            ascii(suffix)[1:-1] or "without one"
            for suffix in suffixes
            if suffix[1:] not in SUFFIXES
        )


def _inspect(path: Path, reason: str) -> dict:
    """Decode a recording; return the columns of the manifest that follow from it."""
    if reason:
        return {"rejected": reason}
    try:
        audio = read_audio(path)
    except BadAudio as error:
        return {"rejected": str(error)}
    return {
        "rejected": "",
        "seconds": len(audio) / SAMPLE_RATE,
        "peak": round(float(np.abs(audio).max()), 6),
        "sha256": hashlib.sha256(audio).hexdigest(),
    }


def _reject_copies(rows: list[dict]) -> None:
    """Reject files with the samples of an earlier file: no sound may be in two splits."""
    first: dict[str, str] = {}
    for row in rows:
        if not row["rejected"] and first.setdefault(row["sha256"], row["path"]) != row["path"]:
            row["rejected"] = f"same sound as {first[row['sha256']]}"


def _reject_short(rows: list[dict], shortest_seconds: float) -> None:
    """Reject recordings that no example fits into, which would be in a split in name only."""
    frames = round(shortest_seconds * FRAME_RATE)
    for row in rows:
        if not row["rejected"] and row["seconds"] * SAMPLE_RATE < frames * HOP:
            row["rejected"] = (
                f"has {row['seconds']:.3f} s, less than shortest_seconds ({shortest_seconds}); "
                "lower both this and examples.seconds"
            )
