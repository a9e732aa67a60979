"""Training examples: their windows, splits and statistics.

This module does not import TensorFlow, so that the processes that write examples stay small.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import PositiveFloat, PositiveInt

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
    values = json.loads((folder / "statistics.json").read_text())
    return Statistics(loudness_mean=values["loudness_mean"], loudness_std=values["loudness_std"])


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
