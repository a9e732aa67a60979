"""A data set from any folder of recordings: whatever libsndfile reads, any rate and number of
channels, in place. Every recording is decoded once here, so that the split depends on the usable
ones alone: bad files beside them change nothing.
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

# By suffix, not by content: a folder holds scores and pictures too. Formats that libsndfile does
# not read are named here so that their files are rejected by name; left out, they would be missed
# in silence.
UNREADABLE = {"m4a", "aac", "wma", "ape", "wv", "mpc", "tta"}
ALIASES = {"aif", "aifc", "oga", "opus", "mp1", "mp2", "snd", "wave", "8svx", "sph", "sf"}
SUFFIXES = {name.lower() for name in soundfile.available_formats()} - {"raw"} | ALIASES | UNREADABLE
FEWEST = 3  # recordings or blocks: one for each split

Share = Annotated[float, Field(gt=0, le=0.5)]


class FolderConfig(Params):
    """A data set of source `folder` in params.yaml."""

    source: Literal["folder"]
    seed: int
    instrument: str  # the label of every recording
    split: Literal["auto", "file", "time"]  # auto: by file from three usable files on
    block_seconds: PositiveFloat  # of the split by time
    test_share: Share
    valid_share: Share
    max_rejected: NonNegativeInt


def make_folder(config: FolderConfig, outside: Path | None, folder: Path) -> DataSet:
    """The manifest of all audio files below `outside`, which stay where they are; own column:
    `seconds` at 16 kHz.

    Raises:
        UserError: no path, no usable recording, or too few of them to split.
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
        first = (
            f"; the first of {len(rows)} rejected: {rows[0]['path']} {rows[0]['rejected']}"
            if rows
            else ""
        )
        raise UserError(
            f"outside: {root} holds no usable audio file (such as .wav, .flac, .ogg or .mp3){first}"
        )
    splits = split_recordings(config, usable)
    blocks = {
        name: {"block_seconds": config.block_seconds}
        for name, split in splits.items()
        if " " in split
    }
    label = {"instrument": config.instrument}
    rows = [
        row
        | label
        | {"group": row["id"], "split": splits.get(row["id"], "")}
        | blocks.get(row["id"], {})
        for row in rows
    ]
    return DataSet(make_manifest(rows, extra_columns=["seconds"]), root)


def find_audio(root: Path) -> list[tuple[Path, str]]:
    """(path relative to root, why it cannot be looked into or '') of all that has an audio suffix,
    in the order of path bytes.

    Hidden files and folders are left out, links to folders not followed. A folder with an audio
    suffix is listed too.
    """
    closed: list[OSError] = []
    found = list(_walk(root, closed))
    if any(Path(error.filename) == root for error in closed):
        raise UserError(
            f"outside: {root}: {closed[0].strerror}; give the path of a folder that can be read"
        )
    found += [
        (Path(error.filename).relative_to(root), f"cannot be listed: {error.strerror}")
        for error in closed
    ]
    return sorted(found, key=lambda item: os.fsencode(item[0]))


def recording_id(path: Path) -> str:
    """A readable name of at most 40 characters and 8 hexadecimal digits of the hash of the
    relative path.
    """
    plain = unicodedata.normalize("NFKD", path.stem).encode("ascii", "ignore").decode()
    slug = re.sub("[^A-Za-z0-9_]+", "-", plain)[:40].strip("-")
    return f"{slug or 'recording'}-{digest(os.fsencode(path))[:8]}"


def split_recordings(config: FolderConfig, seconds: dict[str, float]) -> dict[str, str]:
    """Each recording's split: one name by file, or one per time block with spaces between.

    A time block belongs to a split whole; a tail of less than half a block is left out.

    Args:
        seconds: length by id, of usable recordings only.

    Raises:
        UserError: fewer than three recordings or blocks.
    """
    if config.split == "file" or (config.split == "auto" and len(seconds) >= FEWEST):
        splits = _draw(
            config,
            [(name,) for name in seconds],
            "usable recordings; add some, or set split to 'time'",
        )
        return {name: splits[(name,)] for name in seconds}
    counts = {
        name: max(1, round(length / config.block_seconds)) for name, length in seconds.items()
    }
    keys = [(name, block) for name, count in counts.items() for block in range(count)]
    splits = _draw(
        config,
        keys,
        f"time blocks of {config.block_seconds} s; shorten block_seconds or add recordings",
    )
    return {
        name: " ".join(splits[name, block] for block in range(count))
        for name, count in counts.items()
    }


def _draw(config: FolderConfig, keys: list[tuple], too_few: str) -> dict[tuple, str]:
    if len(keys) < FEWEST:
        raise UserError(
            f"data: source 'folder': {FEWEST} needed for train, valid and test, but {len(keys)} "
            f"{too_few}"
        )
    test, valid = (
        max(1, round(share * len(keys))) for share in (config.test_share, config.valid_share)
    )
    if test + valid >= len(keys):
        raise UserError(
            f"data: source 'folder': test_share {config.test_share} and valid_share "
            f"{config.valid_share} of {len(keys)} leave nothing to train on; lower them"
        )
    ordered = sorted(keys, key=lambda key: digest(config.seed, *key))
    return {
        key: "test" if rank < test else "valid" if rank < test + valid else "train"
        for rank, key in enumerate(ordered)
    }


def _walk(root: Path, closed: list[OSError]) -> Iterator[tuple[Path, str]]:
    for parent, folders, files in os.walk(root, onerror=closed.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in (*folders, *files):
            if not name.startswith(".") and Path(name).suffix[1:].lower() in SUFFIXES:
                yield Path(parent, name).relative_to(root), ""


def _inspect(root: Path, path: Path, reason: str) -> dict:
    row = {"id": recording_id(path), "path": encode_path(path), "rejected": reason}
    try:
        return (
            row
            if reason
            else row
            | {
                "seconds": len(read_audio(root / path)) / SAMPLE_RATE,
                "sha256": file_sha256(root / path),
            }
        )
    except BadAudio as error:
        return row | {"rejected": str(error)}


def _reject_copies(rows: list[dict]) -> None:
    """Reject every usable file whose bytes an earlier one has: twice the same sound must not be
    in two splits.
    """
    first: dict[str, str] = {}
    for row in rows:
        if not row["rejected"] and first.setdefault(row["sha256"], row["path"]) != row["path"]:
            row["rejected"] = f"same content as {first[row['sha256']]}"
