"""A data set of the recordings in a folder: any format that libsndfile reads, rate and channels.

The recordings stay where they are. Each is decoded once here, so that the split depends on usable
recordings only and unusable files change nothing.
"""

import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import soundfile
from pydantic import Field, NonNegativeInt, PositiveFloat

from pipeline.audio.files import BadAudio, read_audio
from pipeline.common.cli import UserError, progress
from pipeline.common.files import digest, file_sha256
from pipeline.common.manifest import DataSet, encode_path, make_manifest
from pipeline.common.params import Params
from pipeline.common.units import SAMPLE_RATE

# Audio files are recognized by suffix, since a folder may hold scores and pictures too. Formats
# that libsndfile cannot read are listed so that their files are rejected and not silently ignored.
UNREADABLE = {"m4a", "aac", "wma", "ape", "wv", "mpc", "tta"}
ALIASES = {"aif", "aifc", "oga", "opus", "mp1", "mp2", "snd", "wave", "8svx", "sph", "sf"}
SUFFIXES = {name.lower() for name in soundfile.available_formats()} - {"raw"} | ALIASES | UNREADABLE
FEWEST = 3  # recordings or blocks: one per split

Share = Annotated[float, Field(gt=0, le=0.5)]


class FolderConfig(Params):
    """A data set with source `folder` in params.yaml."""

    source: Literal["folder"]
    seed: int
    instrument: str  # the label of every recording
    split: Literal["auto", "file", "time"]  # auto: by file if there are at least three usable files
    block_seconds: PositiveFloat  # for the split by time
    test_share: Share
    valid_share: Share
    max_rejected: NonNegativeInt


def make_folder(config: FolderConfig, outside: Path | None, folder: Path) -> DataSet:
    """Make the manifest of all audio files below `outside`; they are not copied.

    The extra column `seconds` is the length at 16 kHz.

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
    rows = [
        _inspect(root, path, reason)
        for path, reason in progress(find_audio(root), "recordings", unit="file")
    ]
    _reject_copies(rows)
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
    return DataSet(make_manifest(rows, extra_columns=["seconds"]), root)


def find_audio(root: Path) -> list[tuple[Path, str]]:
    """List everything with an audio suffix below `root`, including folders with such a suffix.

    Hidden files and folders are skipped, and links to folders are not followed.

    Returns:
        (path relative to `root`, reason for rejection or "") in the order of path bytes.
    """
    errors: list[OSError] = []
    candidates = list(_walk(root, errors))
    if any(Path(error.filename) == root for error in errors):
        raise UserError(
            f"outside: {root}: {errors[0].strerror}; give the path of a readable folder"
        )
    candidates += [
        (Path(error.filename).relative_to(root), f"cannot be listed: {error.strerror}")
        for error in errors
    ]
    return sorted(candidates, key=lambda candidate: os.fsencode(candidate[0]))


def recording_id(path: Path) -> str:
    """Make a readable id: at most 40 characters of the name and 8 digits of the path's hash."""
    plain = unicodedata.normalize("NFKD", path.stem).encode("ascii", "ignore").decode()
    slug = re.sub("[^A-Za-z0-9_]+", "-", plain)[:40].strip("-")
    return f"{slug or 'recording'}-{digest(os.fsencode(path))[:8]}"


def split_recordings(config: FolderConfig, seconds: dict[str, float]) -> dict[str, str]:
    """Assign each recording one split, or one per time block, separated by spaces.

    A time block is never divided between splits; a tail of less than half a block is left out.

    Args:
        config: the data set's block of params.yaml.
        seconds: the length of every usable recording, by id.

    Raises:
        UserError: there are fewer than three recordings or blocks.
    """
    if config.split == "file" or (config.split == "auto" and len(seconds) >= FEWEST):
        splits = _draw_splits(
            config,
            [(name,) for name in seconds],
            "usable recordings; add some, or set split to 'time'",
        )
        return {name: splits[(name,)] for name in seconds}
    counts = {
        name: max(1, round(length / config.block_seconds)) for name, length in seconds.items()
    }
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


def _walk(root: Path, errors: list[OSError]) -> Iterator[tuple[Path, str]]:
    for parent, folders, files in os.walk(root, onerror=errors.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in (*folders, *files):
            if not name.startswith(".") and Path(name).suffix[1:].lower() in SUFFIXES:
                yield Path(parent, name).relative_to(root), ""


def _inspect(root: Path, path: Path, reason: str) -> dict:
    """Decode a recording; return its row of the manifest, without its split."""
    row = {"id": recording_id(path), "path": encode_path(path), "rejected": reason}
    if reason:
        return row
    try:
        seconds = len(read_audio(root / path)) / SAMPLE_RATE
    except BadAudio as error:
        return row | {"rejected": str(error)}
    return row | {"seconds": seconds, "sha256": file_sha256(root / path)}


def _reject_copies(rows: list[dict]) -> None:
    """Reject usable files that repeat an earlier file's bytes: no sound may be in two splits."""
    first: dict[str, str] = {}
    for row in rows:
        if not row["rejected"] and first.setdefault(row["sha256"], row["path"]) != row["path"]:
            row["rejected"] = f"same content as {first[row['sha256']]}"
