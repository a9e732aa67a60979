"""Training examples: their record schema, windows, splits and shards. Without TensorFlow, so that writing them stays small."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import PositiveFloat, PositiveInt

from pipeline.common.params import Params
from pipeline.common.settings import Settings
from pipeline.files import digest
from pipeline.records import encode
from pipeline.units import FRAME_RATE, HOP

SPLITS = ("train", "valid", "test")
CURVES = ("f0_hz", "f0_confidence", "loudness_db")  # 250 Hz
FRAME = np.dtype([("audio", "<f4", (HOP,)), *((name, "<f4") for name in CURVES)])  # a control frame of a feature file


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


def split_windows(frames: int, split: str, block_seconds: float, length: int, hop: int) -> Iterator[tuple[str, int]]:
    """(split, first frame) of every window of a recording; none spans two of the time blocks that a split may consist of.

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
    """First frames of the windows of `length` frames that fit into a recording, every `hop` frames."""
    return range(0, frames - length + 1, hop)


def shard_of(key: str, seed: int, shards: int) -> int:
    """The shard an example belongs to: stable across runs, workers and machines."""
    return int(digest(seed, key)[:12], 16) % shards


def shard_name(split: str, shard: int, shards: int) -> str:
    """A shard's file name, in TensorFlow's naming."""
    return f"{split}-{shard:05d}-of-{shards:05d}.tfrecord"


def encode_example(recording: str, start: int, frames: np.ndarray) -> bytes:
    """A window of a feature file, [frames] of FRAME, as a serialized tf.train.Example: ids, audio and curves."""
    arrays = {"audio": frames["audio"].reshape(-1)} | {name: frames[name] for name in CURVES}
    return encode({"example_id": example_id(recording, start), "recording_id": recording}, arrays)
