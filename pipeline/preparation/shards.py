"""Write features as TFRecord shards with Apache Beam.

Beam groups pointers (recording, first frame), never audio.
"""

import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.common.cli import UserError
from pipeline.common.files import (
    atomic_folder,
    clear_temporaries,
    code_digest,
    digest,
    file_sha256,
    write_json,
)
from pipeline.common.manifest import read_manifest
from pipeline.common.units import CURVES, FRAME_RATE
from pipeline.examples.schema import SPLITS, ExamplesConfig, example_id, split_windows
from pipeline.preparation.beam import run_chain
from pipeline.preparation.tfrecord import encode, write_records

CODE = (  # what decides the content of a shard, besides features and settings
    "common/units.py",
    "examples/schema.py",
    "preparation/shards.py",
    "preparation/tfrecord.py",
)
Pointer = tuple[str, int]  # recording, first frame


def build_examples(
    config: ExamplesConfig, features: Path, out: Path, scratch: Path, runner: list[str]
) -> None:
    """Write the TFRecord shards of every split, and statistics.json.

    statistics.json holds the loudness statistics of the training split, the number of examples per
    split and the hashes of the shards. Until all shards are finished, each is kept in `scratch`
    under a hash of its content, so that a killed run can continue.

    Args:
        config: settings of the examples.
        features: folder of features.csv and the feature files.
        out: folder of the shards, replaced as a whole.
        scratch: folder for unfinished work, removed at the end.
        runner: Beam's options, from `preparation.beam.runner_options`.

    Raises:
        UserError: a split would have no examples.
    """
    length = round(config.seconds * FRAME_RATE)
    elements = _elements(config, features, length, scratch)
    clear_temporaries(scratch)
    work = partial(_write_shard, features.resolve(), length)
    rows = run_chain(elements, work, scratch / "rows", "examples", runner)
    with atomic_folder(out) as folder:
        for element in elements:
            shutil.move(f"{element['file']}.tfrecord", folder / element["id"])
        write_json(folder / "statistics.json", _statistics(rows))
    shutil.rmtree(scratch)


def _elements(config: ExamplesConfig, features: Path, length: int, scratch: Path) -> list[dict]:
    """Return one element per shard, the largest first; its file's name is a hash of its content."""
    table = read_manifest(features / "features.csv")
    table = table[table.rejected == ""]
    hashes = dict(zip(table.id, table.features))
    code = code_digest(*CODE)
    elements = []
    for (split, shard), unsorted_pointers in _group(config, table, length).items():
        pointers = sorted(unsorted_pointers)
        content = ((recording, start, hashes[recording]) for recording, start in pointers)
        element = {
            "id": shard_name(split, shard, config.shards[split]),
            "split": split,
            "pointers": pointers,
            "file": str(scratch.resolve() / digest(length, code, *content)),
        }
        elements.append(element)
    return sorted(elements, key=lambda element: (-len(element["pointers"]), element["id"]))


def _group(
    config: ExamplesConfig, table: pd.DataFrame, length: int
) -> dict[tuple[str, int], list[Pointer]]:
    """Return the pointers of every shard: {(split, number of the shard): pointers}."""
    hop = round(config.hop_seconds * FRAME_RATE)
    groups: dict[tuple[str, int], list[Pointer]] = {}
    for row in table.itertuples():
        windows = split_windows(int(row.frames), row.split, row.block_seconds, length, hop)
        for split, start in windows:
            shard = shard_of(example_id(row.id, start), config.seed, config.shards[split])
            groups.setdefault((split, shard), []).append((row.id, start))
    for split in SPLITS:
        if not any(key[0] == split for key in groups):
            raise UserError(
                f"examples: no window of {config.seconds} s in split '{split}'; shorten "
                "examples.seconds, lengthen the data set's blocks or add data"
            )
    return groups


def _write_shard(features: Path, length: int, element: dict) -> dict:
    """Write an element's shard unless it exists; return its row: hash and sums of loudness.

    This runs on a worker.
    """
    shard = Path(f"{element['file']}.tfrecord")
    summary = Path(f"{element['file']}.json")
    if not (summary.exists() and shard.exists()):
        sums = np.zeros(3)  # of loudness: count, sum, sum of squares

        def serialized():
            """Yield the shard's records and sum up their loudness."""
            for recording, start in element["pointers"]:
                window = np.load(features / f"{recording}.npy", mmap_mode="r")[
                    start : start + length
                ]
                decibels = window["loudness_db"].astype(np.float64)
                sums[:] += decibels.size, decibels.sum(), np.square(decibels).sum()
                yield encode_example(recording, start, window)

        write_records(shard, serialized())
        write_json(summary, {"sums": sums.tolist(), "sha256": file_sha256(shard)})
    origin = {"id": element["id"], "split": element["split"], "examples": len(element["pointers"])}
    return origin | json.loads(summary.read_text())


def _statistics(rows: list[dict]) -> dict:
    """Return the content of statistics.json."""
    count, total, squares = np.sum([row["sums"] for row in rows if row["split"] == "train"], axis=0)
    mean = total / count
    return {
        "loudness_mean": round(float(mean), 6),
        "loudness_std": round(float(np.sqrt(squares / count - mean**2)), 6),
        "examples": {
            split: sum(row["examples"] for row in rows if row["split"] == split) for split in SPLITS
        },
        "sha256": {row["id"]: row["sha256"] for row in rows},
    }


def shard_of(key: str, seed: int, shards: int) -> int:
    """Return the number of an example's shard, the same in every run and on every machine.

    Args:
        key: the example's id.
        seed: seed of the distribution over shards.
        shards: number of shards.
    """
    return int(digest(seed, key)[:12], 16) % shards


def shard_name(split: str, shard: int, shards: int) -> str:
    """Return a shard's file name in TensorFlow's convention."""
    return f"{split}-{shard:05d}-of-{shards:05d}.tfrecord"


def encode_example(recording: str, start: int, frames: np.ndarray) -> bytes:
    """Serialize a window of a feature file as a tf.train.Example with ids, audio and curves.

    Args:
        recording: id of the recording.
        start: first frame of the window in the recording.
        frames: the window, [frames] of dtype FRAME.
    """
    arrays = {"audio": frames["audio"].reshape(-1)} | {name: frames[name] for name in CURVES}
    return encode({"example_id": example_id(recording, start), "recording_id": recording}, arrays)
