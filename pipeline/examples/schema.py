"""Training examples: their windows, splits and statistics. Without TensorFlow, so that writing
them stays small.
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
    """What examples/statistics.json says of the training split's loudness, in dB."""

    loudness_mean: float
    loudness_std: float


def read_statistics(folder: Path) -> Statistics:
    """The loudness statistics the examples stage wrote."""
    values = json.loads((folder / "statistics.json").read_text())
    return Statistics(loudness_mean=values["loudness_mean"], loudness_std=values["loudness_std"])


def example_id(recording: str, start: int) -> str:
    """The id of the example that begins at frame `start` of a recording."""
    return f"{recording}@{start}"


def split_id(example: str) -> tuple[str, int]:
    """The inverse of `example_id`: recording and first frame."""
    recording, start = example.rsplit("@", 1)
    return recording, int(start)


def split_windows(
    frames: int, split: str, block_seconds: float, length: int, hop: int
) -> Iterator[tuple[str, int]]:
    """(split, first frame) of every window of a recording; none spans two of the time blocks that a
    split may consist of.

    Args:
        frames: of the recording.
        split: one name, or one per block with spaces between.
        block_seconds: the blocks' length; not used with one name.
        length, hop: of the windows, in frames.
    """
    names = split.split(" ")
    block = round(block_seconds * FRAME_RATE) if len(names) > 1 else frames
    for number, name in enumerate(names):
        first, last = number * block, min((number + 1) * block, frames)
        for start in window_starts(last - first, length, hop):
            yield name, first + start


def window_starts(frames: int, length: int, hop: int) -> range:
    """First frames of the windows of `length` frames that fit into a recording, every `hop`
    frames.
    """
    return range(0, frames - length + 1, hop)
