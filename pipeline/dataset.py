"""TFRecords as tf.data: deterministic training crops that can start at any step, and whole splits for evaluation."""

import os
from pathlib import Path

import tensorflow as tf

from pipeline.command import UserError
from pipeline.examples import decode_example
from pipeline.units import HOP


def training_batches(folder: Path, example_frames: int, crop_frames: int, batch_size: int, seed: int, start_step: int):
    """Endless batches of random crops of the training split, from `start_step` on.

    Batch number s is a function of the seed and s alone, so that a resumed run sees what an uninterrupted one does:
    records are shuffled anew each epoch by a seed of the epoch, crops are drawn by the item's number.

    Returns:
        a tf.data.Dataset of {audio: [batch, crop_frames * 64], f0_hz, ...: [batch, crop_frames]}
    """
    records = tf.data.TFRecordDataset(_shards(folder, "train"))
    size = sum(1 for _ in records)
    first = start_step * batch_size

    def epoch(number: tf.Tensor) -> tf.data.Dataset:
        return records.shuffle(2048, seed=number + seed * 1_000_003, reshuffle_each_iteration=False)

    def crop(index: tf.Tensor, record: tf.Tensor) -> dict[str, tf.Tensor]:
        start = tf.random.stateless_uniform([], [seed, index], 0, example_frames - crop_frames + 1, tf.int64)
        return _crop(decode_example(record, example_frames), start, crop_frames)

    epochs = tf.data.Dataset.range(first // size, 2**40).flat_map(epoch).skip(first % size)
    items = epochs.enumerate(start=first).map(crop, num_parallel_calls=1)
    return items.batch(batch_size, drop_remainder=True).prefetch(2)


def split_batches(folder: Path, split: str, example_frames: int, batch_size: int) -> tf.data.Dataset:
    """A whole split in a fixed order, in batches (the last may be smaller)."""
    records = tf.data.TFRecordDataset(_shards(folder, split))
    return records.map(lambda record: decode_example(record, example_frames)).batch(batch_size).prefetch(1)


def _shards(folder: Path, split: str) -> list[str]:
    paths = sorted(folder.glob(f"{split}-*.tfrecord"))
    if not paths:
        raise UserError(f"{folder}: no TFRecords of split '{split}'; run `dvc repro examples`")
    return [os.fspath(path) for path in paths]


def _crop(example: dict[str, tf.Tensor], start: tf.Tensor, frames: int) -> dict[str, tf.Tensor]:
    cropped = {"example_id": example["example_id"], "audio": example["audio"][start * HOP : (start + frames) * HOP]}
    cropped["audio"] = tf.ensure_shape(cropped["audio"], [frames * HOP])
    for name in ("f0_hz", "f0_confidence", "loudness_db"):
        cropped[name] = tf.ensure_shape(example[name][start : start + frames], [frames])
    return cropped
