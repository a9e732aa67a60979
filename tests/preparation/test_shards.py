"""Examples: windows, splits, reproducible shards, statistics of the training split."""

import json
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from commands import edited_params, error_line, hashes, small_notes, stage
from pipeline.common.units import FRAME
from pipeline.examples.dataset import read_split
from pipeline.examples.schema import split_windows, window_starts
from pipeline.preparation.shards import shard_of


def features_folder(folder, recordings):
    """Write a features folder with random content, and one rejected recording.

    Args:
        recordings: {id: (frames, split, block_seconds)}.
    """
    random = np.random.default_rng(0)
    rows = []
    folder.mkdir()
    for name, (frames, split, block_seconds) in recordings.items():
        content = np.zeros(frames, FRAME)
        for field in FRAME.names:
            content[field] = random.normal(size=content[field].shape)
        np.save(folder / f"{name}.npy", content)
        rows.append(
            {
                "id": name,
                "features": sha256(content.tobytes()).hexdigest(),
                "frames": frames,
                "split": split,
                "block_seconds": block_seconds,
                "rejected": "",
            }
        )
    rows.append(
        {
            "id": "bad",
            "features": "",
            "frames": None,
            "split": "",
            "block_seconds": None,
            "rejected": "is silent",
        }
    )
    pd.DataFrame(rows).to_csv(folder / "features.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    edited_params(folder / "params.yaml", small_notes)
    recordings = {
        f"{split}-{number}": (1000 + 300 * number, split, np.nan)
        for split in ("train", "valid", "test")
        for number in range(3)
    }
    features_folder(
        folder / "features", recordings | {"long": (6000, "train test valid train", 6.0)}
    )
    build(folder, "examples")
    return folder


def build(data, name, *options, params="params.yaml", check=True):
    """Run the examples stage and write to the folder `name`."""
    return stage(
        "examples",
        data / "features",
        data / name,
        *options,
        "--scratch",
        data / "scratch",
        params=data / params,
        check=check,
    )


def test_two_processes_and_another_run_give_the_same_bytes(data):
    for name, options in (("again", []), ("processes", ["--workers", 2])):
        build(data, name, *options)
        assert hashes(data / name) == hashes(data / "examples")
    assert not any((data / "scratch").iterdir())  # nothing stale


def test_every_window_is_once_in_its_split_with_its_content(data):
    for split in ("train", "valid", "test"):
        examples = read_split(data / "examples", split, 4.0)
        expected = {f"{split}-{number}@0" for number in range(3)} | {
            "train": {"long@0", "long@4500"},
            "test": {"long@1500"},
            "valid": {"long@3000"},
        }[split]
        assert sorted(example["example_id"] for example in examples) == sorted(expected)
        for example in examples:
            start = int(example["example_id"].split("@")[1])
            recording = np.load(data / "features" / f"{example['recording_id']}.npy")
            frames = recording[start : start + 1000]
            np.testing.assert_array_equal(example["audio"], frames["audio"].ravel())
            for curve in ("f0_hz", "f0_confidence", "loudness_db"):
                np.testing.assert_array_equal(example[curve], frames[curve])


def test_records_are_tf_examples(data):
    shard = data / "examples" / "test-00000-of-00001.tfrecord"
    record = next(iter(tf.data.TFRecordDataset(str(shard))))
    names = {"audio", "f0_hz", "f0_confidence", "loudness_db", "recording_id", "example_id"}
    assert set(tf.train.Example.FromString(record.numpy()).features.feature) == names


def test_statistics_come_from_training_alone(data):
    decibels = np.concatenate(
        [example["loudness_db"] for example in read_split(data / "examples", "train", 4.0)]
    )
    statistics = json.loads((data / "examples" / "statistics.json").read_text())
    assert statistics["loudness_mean"] == pytest.approx(decibels.mean(dtype=float), abs=1e-4)
    assert statistics["loudness_std"] == pytest.approx(decibels.std(dtype=float), abs=1e-4)
    shards = {
        name: value
        for name, value in hashes(data / "examples").items()
        if name.endswith("tfrecord")
    }
    assert statistics["sha256"] == shards
    assert statistics["examples"] == {"train": 5, "valid": 4, "test": 4}


def test_a_split_without_windows_is_an_error(data):
    edited_params(data / "long.yaml", lambda values: values["examples"].update(seconds=6.5))
    done = build(data, "none", params="long.yaml", check=False)
    assert done.returncode == 1
    assert error_line(done).startswith(
        "error: examples: no window of 6.5 s in split 'train'; shorten examples.seconds"
    )


def test_windows_fit():
    assert list(window_starts(1000, 1000, 1000)) == [0]
    assert list(window_starts(2600, 1000, 500)) == [0, 500, 1000, 1500]
    assert not window_starts(999, 1000, 1000)


def test_no_window_spans_two_blocks():
    windows = list(split_windows(2600, "train test valid", 4.0, 500, 250))
    assert windows == [
        *(("train", start) for start in (0, 250, 500)),
        *(("test", start) for start in (1000, 1250, 1500)),
        ("valid", 2000),
    ]
    assert list(split_windows(1200, "test", np.nan, 500, 500)) == [("test", 0), ("test", 500)]


def test_shards_are_stable():
    # the definition, computed independently
    expected = [int(sha256(b'0\0"note%d@0"\0' % n).hexdigest()[:12], 16) % 8 for n in range(4)]
    assert [shard_of(f"note{n}@0", 0, 8) for n in range(4)] == expected
    assert len({shard_of(f"note{n}@0", 0, 8) for n in range(100)}) == 8
