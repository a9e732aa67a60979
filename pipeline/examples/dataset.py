"""TFRecords as tf.data: endless training crops that can resume at any step, and whole splits.

Every reader compares the files with the list in statistics.json; `read_split` and, once per run,
training (`examples.schema.check_shards`) also compare their hashes.
"""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import tensorflow as tf

from pipeline.common.cli import UserError
from pipeline.common.units import CURVES, FRAME_RATE, HOP
from pipeline.examples.schema import check_shards, list_shards

SHUFFLE_BUFFER = 2048  # examples
NOISE_SEED = 2**20  # added to the seed, so that noise and crops draw different numbers
MEMORY_BYTES = 2**31  # records up to this size in all are cached in memory


def training_batches(
    folder: Path,
    example_frames: int,
    crop_frames: int,
    batch_size: int,
    seed: int,
    step: int = 0,
    whole_example: Callable[[tf.Tensor], dict[str, tf.Tensor]] = lambda audio: {},
) -> Iterator:
    """Yield endless batches of random crops of the training split.

    A step's batch depends on the seed and the step alone, so that a resumed run sees the same
    batches as an uninterrupted one: every epoch has its own shuffling seed, and an item's crop is
    drawn from its number. An epoch drops the examples that do not fill a batch.

    Args:
        folder: the data set's examples.
        example_frames: control frames of a stored example.
        crop_frames: control frames of a crop.
        batch_size: crops per batch.
        seed: of shuffling, crops and noise.
        step: the first step's number.
        whole_example: returns features of an example's whole audio, [samples], as {name: tensor}.

    Yields:
        {example_id: [batch], audio, noise: [batch, crop_frames * 64], f0_hz, f0_confidence,
        loudness_db: [batch, crop_frames]}, and the features of the whole examples.

    Raises:
        UserError: there are fewer training examples than `batch_size`.
    """
    records, steps_per_epoch = _training_records(folder, batch_size)
    crop = partial(_random_crop, example_frames, crop_frames, seed, whole_example)
    while True:
        epoch, position = divmod(step, steps_per_epoch)
        shuffled = records.shuffle(
            SHUFFLE_BUFFER, seed=seed * 1_000_003 + epoch, reshuffle_each_iteration=False
        )
        remaining = shuffled.skip(position * batch_size)
        items = remaining.enumerate(start=step * batch_size).map(crop, num_parallel_calls=1)
        for batch in items.batch(batch_size, drop_remainder=True).prefetch(2):
            yield batch
            step += 1


def _training_records(folder: Path, batch_size: int) -> tuple[tf.data.Dataset, int]:
    """Open the serialized training examples; return them and the full batches in an epoch."""
    shards = _shards(folder, "train")
    records = tf.data.TFRecordDataset(shards)
    if sum(os.path.getsize(path) for path in shards) <= MEMORY_BYTES:
        records = records.cache()  # counting fills the cache, so that no epoch waits for the disk
    count = int(records.reduce(0, lambda total, _: total + 1))
    if count < batch_size:
        raise UserError(
            f"train.batch_size: {batch_size} is more than the training examples in {folder}; "
            "lower it"
        )
    return records, count // batch_size


def _random_crop(
    example_frames: int,
    crop_frames: int,
    seed: int,
    whole_example: Callable[[tf.Tensor], dict[str, tf.Tensor]],
    index: tf.Tensor,
    record: tf.Tensor,
) -> dict[str, tf.Tensor]:
    """Decode item number `index`, crop it at random and add its noise."""
    start = tf.random.stateless_uniform(
        [], [seed, index], 0, example_frames - crop_frames + 1, tf.int64
    )
    example = decode_example(record, example_frames)
    cropped = _crop(example, start, crop_frames) | whole_example(example["audio"])
    return cropped | {"noise": noise(crop_frames, seed, index)}


def split_batches(
    folder: Path, split: str, example_frames: int, batch_size: int, seed: int = 0
) -> tf.data.Dataset:
    """Return a whole split in a fixed order, in batches; the last batch may be smaller.

    Args:
        folder: the data set's examples.
        split: train, valid or test.
        example_frames: length of the stored examples, in control frames.
        batch_size: examples per batch.
        seed: seed of the noise.
    """
    draw = partial(noise, example_frames, seed)
    return _examples(folder, split, example_frames, draw).batch(batch_size).prefetch(1)


def read_split(folder: Path, split: str, seconds: float, seed: int = 0) -> list[dict]:
    """Read the examples of a split as NumPy arrays, sorted by example id, for use after training.

    Args:
        folder: the data set's examples.
        split: train, valid or test.
        seconds: length of the stored examples.
        seed: seed of the noise, which is that of `evaluation_noise`.

    Returns:
        One dict per example: ids as text, audio and noise [samples], curves [frames].

    Raises:
        UserError: a TFRecord file is missing or damaged.
    """
    check_shards(folder, split)
    frames = round(seconds * FRAME_RATE)
    rows = []
    for example in _examples(folder, split, frames, partial(evaluation_noise, frames, seed)):
        row = {name: value.numpy() for name, value in example.items()}
        rows.append(row | {name: row[name].decode() for name in ("example_id", "recording_id")})
    return sorted(rows, key=lambda row: row["example_id"])


def _examples(
    folder: Path, split: str, frames: int, draw: Callable[[tf.Tensor], tf.Tensor]
) -> tf.data.Dataset:
    """Read a whole split in a fixed order; `draw` gives the noise of the example at an index."""

    def decode(index: tf.Tensor, record: tf.Tensor) -> dict[str, tf.Tensor]:
        """Decode an example and add its noise."""
        return decode_example(record, frames) | {"noise": draw(index)}

    return tf.data.TFRecordDataset(_shards(folder, split)).enumerate().map(decode)


def noise(frames: int, seed: int, index: tf.Tensor) -> tf.Tensor:
    """Draw the noise of an example in training or validation, uniform in [-1, 1]: [frames * 64].

    Noise is the only random input of a model and depends on the seed and the example's index, from
    0 on, alone.
    """
    return _uniform(frames, seed + NOISE_SEED, index)


def evaluation_noise(frames: int, seed: int, index: tf.Tensor | int) -> tf.Tensor:
    """Draw the noise of an example in evaluation, studies or use, uniform in [-1, 1]:
    [frames * 64].

    Indices from 0 on become negative numbers, which `noise` never uses: whatever the seeds, a model
    does not meet noise that it was trained with.
    """
    return _uniform(frames, seed, -1 - index)


def _uniform(frames: int, seed: int, number: tf.Tensor | int) -> tf.Tensor:
    return tf.random.stateless_uniform([frames * HOP], [seed, number], -1.0, 1.0)


def decode_example(serialized: tf.Tensor, frames: int) -> dict[str, tf.Tensor]:
    """Parse a tf.train.Example into ids, audio [frames * 64] and curves [frames].

    The inverse of `preparation.shards.encode_example`.
    """
    schema = {name: tf.io.FixedLenFeature([], tf.string) for name in ("example_id", "recording_id")}
    schema |= {"audio": tf.io.FixedLenFeature([frames * HOP], tf.float32)}
    schema |= {name: tf.io.FixedLenFeature([frames], tf.float32) for name in CURVES}
    return tf.io.parse_single_example(serialized, schema)


def _shards(folder: Path, split: str) -> list[str]:
    return [os.fspath(path) for path in list_shards(folder, split)]


def _crop(example: dict[str, tf.Tensor], start: tf.Tensor, frames: int) -> dict[str, tf.Tensor]:
    """Cut audio and curves to `frames` control frames from frame `start` on."""
    audio = example["audio"][start * HOP : (start + frames) * HOP]
    cropped = {
        "example_id": example["example_id"],
        "audio": tf.ensure_shape(audio, [frames * HOP]),
    }
    for name in CURVES:
        cropped[name] = tf.ensure_shape(example[name][start : start + frames], [frames])
    return cropped
