"""Features -> TFRecord shards with Apache Beam. What is grouped are pointers (recording, first
frame), never audio.
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
    """TFRecord shards per split, and statistics.json: loudness of the training split alone,
    examples, the shards' hashes.

    Finished shards wait in `scratch` by the hash of their content until all are there: a killed run
    goes on with them.
    """
    length = round(config.seconds * FRAME_RATE)
    table = read_manifest(features / "features.csv")
    table = table[table.rejected == ""]
    hashes = dict(zip(table.id, table.features))
    code = code_digest(*CODE)
    elements = [
        {
            "id": shard_name(split, shard, config.shards[split]),
            "split": split,
            "pointers": sorted(pointers),
            "file": str(
                scratch.resolve()
                / digest(
                    length, code, *((*pointer, hashes[pointer[0]]) for pointer in sorted(pointers))
                )
            ),
        }
        for (split, shard), pointers in _group(config, table, length).items()
    ]
    clear_temporaries(scratch)
    elements.sort(key=lambda element: (-len(element["pointers"]), element["id"]))
    rows = run_chain(
        elements,
        partial(_write_shard, features.resolve(), length),
        scratch / "rows",
        "examples",
        runner,
    )
    with atomic_folder(out) as folder:
        for element in elements:
            shutil.move(f"{element['file']}.tfrecord", folder / element["id"])
        write_json(folder / "statistics.json", _statistics(rows))
    shutil.rmtree(scratch)


def _group(
    config: ExamplesConfig, table: pd.DataFrame, length: int
) -> dict[tuple[str, int], list[Pointer]]:
    """The pointers of every shard."""
    groups: dict[tuple[str, int], list[Pointer]] = {}
    for row in table.itertuples():
        for split, start in split_windows(
            int(row.frames),
            row.split,
            row.block_seconds,
            length,
            round(config.hop_seconds * FRAME_RATE),
        ):
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
    shard, done = Path(f"{element['file']}.tfrecord"), Path(f"{element['file']}.json")
    if not (done.exists() and shard.exists()):
        sums = np.zeros(3)

        def serialized():
            """The shard's records, their loudness summed up on the way."""
            for recording, start in element["pointers"]:
                window = np.load(features / f"{recording}.npy", mmap_mode="r")[
                    start : start + length
                ]
                decibels = window["loudness_db"].astype(np.float64)
                sums[:] += decibels.size, decibels.sum(), np.square(decibels).sum()
                yield encode_example(recording, start, window)

        write_records(shard, serialized())
        write_json(done, {"sums": sums.tolist(), "sha256": file_sha256(shard)})
    origin = {"id": element["id"], "split": element["split"], "examples": len(element["pointers"])}
    return origin | json.loads(done.read_text())


def _statistics(rows: list[dict]) -> dict:
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
    """The shard an example belongs to: stable across runs, workers and machines."""
    return int(digest(seed, key)[:12], 16) % shards


def shard_name(split: str, shard: int, shards: int) -> str:
    """A shard's file name, in TensorFlow's naming."""
    return f"{split}-{shard:05d}-of-{shards:05d}.tfrecord"


def encode_example(recording: str, start: int, frames: np.ndarray) -> bytes:
    """A window of a feature file, [frames] of FRAME, as a serialized tf.train.Example: ids,
    audio and curves.
    """
    arrays = {"audio": frames["audio"].reshape(-1)} | {name: frames[name] for name in CURVES}
    return encode({"example_id": example_id(recording, start), "recording_id": recording}, arrays)
