"""Training examples: their windows, splits and statistics.

This module does not import TensorFlow, so that the processes that write examples stay small.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import PositiveFloat, PositiveInt

from pipeline.common.cli import UserError
from pipeline.common.files import file_sha256
from pipeline.common.params import Params
from pipeline.common.settings import Settings
from pipeline.common.units import FRAME_RATE

SPLITS = ("train", "valid", "test")


class ExamplesConfig(Params):
    """The `examples` section of params.yaml."""

    seconds: PositiveFloat
    hop_seconds: PositiveFloat
    shards: dict[Literal["train", "valid", "test"], PositiveInt]
    seed: int


def example_seconds(settings: Settings) -> float:
    """Read the length of the examples, in seconds."""
    return settings.section("examples", ExamplesConfig).seconds


class Statistics(Params):
    """Mean and standard deviation of the training split's loudness, in dB."""

    loudness_mean: float
    loudness_std: float


def read_statistics(folder: Path) -> Statistics:
    """Read the loudness statistics from a folder of examples."""
    values = _read_summary(folder)
    return Statistics(loudness_mean=values["loudness_mean"], loudness_std=values["loudness_std"])


def list_shards(folder: Path, split: str) -> list[Path]:
    """List a split's TFRecord files in a fixed order, as statistics.json lists them.

    Raises:
        UserError: the folder lacks one of them or holds one that is not listed.
    """
    names = sorted(name for name in _read_summary(folder)["sha256"] if _split_of(name) == split)
    if not names:
        raise UserError(f"{folder}: no TFRecords of split '{split}'; {remedy(folder)}")
    present = {path.name for path in folder.glob("*.tfrecord") if _split_of(path.name) == split}
    for name in sorted(present.symmetric_difference(names)):
        fault = "is not listed in" if name in present else "is missing; it is listed in"
        raise UserError(f"{folder / name}: {fault} statistics.json; {remedy(folder)}")
    return [folder / name for name in names]


def check_shards(folder: Path, *splits: str) -> None:
    """Check that the TFRecord files of splits are those that stage examples wrote, byte for byte.

    Raises:
        UserError: a file is missing, damaged, or of another data set.
    """
    hashes = _read_summary(folder)["sha256"]
    for split in splits:
        for path in list_shards(folder, split):
            if file_sha256(path) != hashes[path.name]:
                raise UserError(
                    f"{path}: is damaged, its hash is not the one in statistics.json; "
                    f"{remedy(folder)}"
                )


def remedy(folder: Path) -> str:
    """Say how to make a folder of examples again, even if DVC sees no change."""
    return f"run `dvc repro --force --single-item examples@{folder.name}`"


def _read_summary(folder: Path) -> dict:
    """Read statistics.json, which stage examples writes beside the TFRecord files."""
    path = folder / "statistics.json"
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; {remedy(folder)}") from None
    except ValueError:
        raise UserError(f"{path}: is damaged, it is not JSON; {remedy(folder)}") from None


def _split_of(shard: str) -> str:
    """Return the split in the file name of a shard."""
    return shard.split("-")[0]


def example_id(recording: str, start: int) -> str:
    """Return the id of the example that begins at frame `start` of a recording."""
    return f"{recording}@{start}"


def split_id(example: str) -> tuple[str, int]:
    """Split an example's id into recording and first frame: the inverse of `example_id`."""
    recording, start = example.rsplit("@", 1)
    return recording, int(start)


def split_windows(
    frames: int, split: str, block_seconds: float, length: int, hop: int
) -> Iterator[tuple[str, int]]:
    """Yield (split, first frame) for every window of a recording.

    A recording belongs to one split or is cut into time blocks that each belong to one; no window
    spans two blocks.

    Args:
        frames: length of the recording, in frames.
        split: name of the split, or one name per block, separated by spaces.
        block_seconds: length of a block; ignored if there is one name.
        length: length of a window, in frames.
        hop: distance between the starts of two windows, in frames.
    """
    names = split.split(" ")
    block = round(block_seconds * FRAME_RATE) if len(names) > 1 else frames
    for number, name in enumerate(names):
        first, last = number * block, min((number + 1) * block, frames)
        for start in window_starts(last - first, length, hop):
            yield name, first + start


def window_starts(frames: int, length: int, hop: int) -> range:
    """Return the first frames of all windows of `length` that fit into `frames`, `hop` apart."""
    return range(0, frames - length + 1, hop)
