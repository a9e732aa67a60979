"""Training examples: their record schema, windows, shards and TFRecord coding."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import tensorflow as tf
from pydantic import PositiveFloat, PositiveInt

from pipeline.config import Params
from pipeline.files import atomic, digest
from pipeline.units import HOP

SPLITS = ("train", "valid", "test")
CURVES = ("f0_hz", "f0_confidence", "loudness_db")  # 250 Hz


class ExamplesConfig(Params):
    """The `examples` section of params.yaml."""

    seconds: PositiveFloat
    hop_seconds: PositiveFloat
    shards: dict[Literal["train", "valid", "test"], PositiveInt]
    seed: int


class Statistics(Params):
    """What examples/statistics.json says of the training split's loudness, in dB."""

    loudness_mean: float
    loudness_std: float


def read_statistics(folder: Path) -> Statistics:
    """The loudness statistics the examples stage wrote."""
    values = json.loads((folder / "statistics.json").read_text())
    return Statistics(loudness_mean=values["loudness_mean"], loudness_std=values["loudness_std"])


def shard_of(key: str, seed: int, shards: int) -> int:
    """The shard an example belongs to: stable across runs, workers and machines."""
    return int(digest(seed, key)[:12], 16) % shards


def shard_path(folder: Path, split: str, shard: int, shards: int) -> Path:
    """Where a shard lies, in TensorFlow's naming."""
    return folder / f"{split}-{shard:05d}-of-{shards:05d}.tfrecord"


def window_starts(frames: int, length: int, hop: int) -> range:
    """First frames of the windows of `length` frames that fit into a recording, every `hop` frames."""
    return range(0, frames - length + 1, hop)


def encode_example(example: dict) -> bytes:
    """`example_id`, `recording_id`, `audio` and the curves as a serialized tf.train.Example, always the same bytes."""
    feature = {name: _bytes_feature(example[name]) for name in ("example_id", "recording_id")}
    feature |= {name: _float_feature(example[name]) for name in ("audio", *CURVES)}
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString(deterministic=True)


def decode_example(serialized: tf.Tensor, frames: int) -> dict[str, tf.Tensor]:
    """The inverse of `encode_example`: audio [frames * 64] and curves [frames]."""
    schema = {name: tf.io.FixedLenFeature([], tf.string) for name in ("example_id", "recording_id")}
    schema |= {"audio": tf.io.FixedLenFeature([frames * HOP], tf.float32)}
    schema |= {name: tf.io.FixedLenFeature([frames], tf.float32) for name in CURVES}
    return tf.io.parse_single_example(serialized, schema)


def write_shard(path: Path, examples: Iterator[dict]) -> None:
    """Write examples to a TFRecord file, whole or not at all."""
    with atomic(path) as temporary, tf.io.TFRecordWriter(os.fspath(temporary)) as writer:
        for example in examples:
            writer.write(encode_example(example))


def _bytes_feature(text: str) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))


def _float_feature(values: np.ndarray) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values.tolist()))
