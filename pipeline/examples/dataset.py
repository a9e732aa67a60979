"""TFRecords as tf.data: deterministic training crops that can start at any step, and whole
splits for evaluation.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from pipeline.common.cli import UserError
from pipeline.common.units import CURVES, FRAME_RATE, HOP

SHUFFLE_BUFFER = 2048  # examples
NOISE_SEED = 2**20  # noise is not drawn with the numbers that crops are
MEMORY_BYTES = 2**31  # up to this size the records are kept in memory


def training_batches(
    folder: Path, example_frames: int, crop_frames: int, batch_size: int, seed: int, step: int = 0
) -> Iterator:
    """Endless batches of random crops of the training split, from step number `step` on.

    The batch of a step is a function of the seed and the step alone, so that a resumed run sees
    what an uninterrupted one does: each epoch has its own shuffling seed, crops are drawn by the
    item's number. An epoch leaves out what does not fill a batch; the next shuffles anew.

    Yields:
        {example_id: [batch], audio, noise: [batch, crop_frames * 64], f0_hz, f0_confidence,
        loudness_db: [batch, crop_frames]}
    """
    shards = _shards(folder, "train")
    records = tf.data.TFRecordDataset(shards)
    if sum(os.path.getsize(path) for path in shards) <= MEMORY_BYTES:
        records = records.cache()  # filled by counting, so that no epoch waits for the disk
    steps_per_epoch = int(records.reduce(0, lambda count, _: count + 1)) // batch_size
    if not steps_per_epoch:
        raise UserError(
            f"train.batch_size: {batch_size} is more than the training examples in {folder}; "
            "lower it"
        )

    def crop(index: tf.Tensor, record: tf.Tensor) -> dict[str, tf.Tensor]:
        """The item's random window, with noise of its own."""
        start = tf.random.stateless_uniform(
            [], [seed, index], 0, example_frames - crop_frames + 1, tf.int64
        )
        return _crop(decode_example(record, example_frames), start, crop_frames) | {
            "noise": noise(crop_frames, seed, index)
        }

    while True:
        epoch, position = divmod(step, steps_per_epoch)
        shuffled = records.shuffle(
            SHUFFLE_BUFFER, seed=seed * 1_000_003 + epoch, reshuffle_each_iteration=False
        )
        items = (
            shuffled.skip(position * batch_size)
            .enumerate(start=step * batch_size)
            .map(crop, num_parallel_calls=1)
        )
        for batch in items.batch(batch_size, drop_remainder=True).prefetch(2):
            yield batch
            step += 1


def split_batches(
    folder: Path, split: str, example_frames: int, batch_size: int, seed: int = 0
) -> tf.data.Dataset:
    """A whole split in a fixed order, in batches (the last may be smaller); `seed` is that of
    the noise.
    """
    records = tf.data.TFRecordDataset(_shards(folder, split)).enumerate()

    def decode(index: tf.Tensor, record: tf.Tensor) -> dict[str, tf.Tensor]:
        """The example, with noise of its own."""
        return decode_example(record, example_frames) | {
            "noise": noise(example_frames, seed, index)
        }

    return records.map(decode).batch(batch_size).prefetch(1)


def read_split(folder: Path, split: str, seconds: float, seed: int = 0) -> list[dict]:
    """The examples of a split as NumPy, sorted by id: ids as text, audio and noise [samples],
    curves [frames].
    """
    rows = []
    for batch in split_batches(folder, split, round(seconds * FRAME_RATE), 1, seed):
        row = {name: value.numpy()[0] for name, value in batch.items()}
        rows.append(row | {name: row[name].decode() for name in ("example_id", "recording_id")})
    return sorted(rows, key=lambda row: row["example_id"])


def noise(frames: int, seed: int, index: tf.Tensor) -> tf.Tensor:
    """The noise an example comes with, all that is random in a model: [frames * 64], uniform in
    [-1, 1].
    """
    return tf.random.stateless_uniform([frames * HOP], [seed + NOISE_SEED, index], -1.0, 1.0)


def decode_example(serialized: tf.Tensor, frames: int) -> dict[str, tf.Tensor]:
    """The inverse of `encode_example`: ids, audio [frames * 64] and curves [frames]."""
    schema = {name: tf.io.FixedLenFeature([], tf.string) for name in ("example_id", "recording_id")}
    schema |= {"audio": tf.io.FixedLenFeature([frames * HOP], tf.float32)}
    schema |= {name: tf.io.FixedLenFeature([frames], tf.float32) for name in CURVES}
    return tf.io.parse_single_example(serialized, schema)


def _shards(folder: Path, split: str) -> list[str]:
    paths = sorted(folder.glob(f"{split}-*.tfrecord"))
    if not paths:
        raise UserError(f"{folder}: no TFRecords of split '{split}'; run `dvc repro examples`")
    return [os.fspath(path) for path in paths]


def _crop(example: dict[str, tf.Tensor], start: tf.Tensor, frames: int) -> dict[str, tf.Tensor]:
    cropped = {
        "example_id": example["example_id"],
        "audio": example["audio"][start * HOP : (start + frames) * HOP],
    }
    cropped["audio"] = tf.ensure_shape(cropped["audio"], [frames * HOP])
    for name in CURVES:
        cropped[name] = tf.ensure_shape(example[name][start : start + frames], [frames])
    return cropped
