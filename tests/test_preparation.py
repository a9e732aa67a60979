"""Beam pipelines on real notes: features, shards that are the same bytes every time, rejects as rows."""

import json
import subprocess
import sys
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import yaml

from conftest import ROOT
from pipeline.command import UserError
from pipeline.config import read_section
from pipeline.dataset import read_split
from pipeline.examples import ExamplesConfig, shard_of, window_starts
from pipeline.files import digest
from pipeline.notes import DataConfig, Instrument, make_notes
from pipeline.preparation import FeaturesConfig, build_examples, extract_features

RUNNER = ["--runner=FnApiRunner"]
FEATURES = FeaturesConfig(crepe="tiny", f0_step_ms=16)
EXAMPLES = ExamplesConfig(seconds=4.0, hop_seconds=4.0, shards={"train": 2, "valid": 1, "test": 1}, seed=0)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    instruments = {"flute": Instrument(program=73, family="flute", low=60, high=84)}
    values = read_section(ROOT / "params.yaml", "data", DataConfig).model_copy(
        update={"instruments": instruments, "notes_per_zone": 1, "zones_per_test_zone": 4}
    )
    make_notes(values, folder / "notes", folder / "manifest.csv")
    extract_features(FEATURES, folder / "notes", folder / "manifest.csv", folder / "features", folder / "scratch", RUNNER)
    build_examples(EXAMPLES, folder / "features", folder / "examples", folder / "scratch2", RUNNER)
    return folder


def test_features_have_their_shapes_and_find_the_pitch(data):
    manifest = pd.read_csv(data / "manifest.csv")
    for name in manifest.id:
        features, truth = np.load(data / "features" / f"{name}.npz"), np.load(data / "notes" / f"{name}.f0.npy")
        assert features["audio"].shape == (64000,)
        for curve in ("f0_hz", "f0_confidence", "loudness_db"):
            assert features[curve].shape == (1000,) and np.isfinite(features[curve]).all()
        pitched = features["f0_confidence"] >= 0.85
        cents = np.abs(1200 * np.log2(features["f0_hz"] / truth))[pitched]
        assert pitched.mean() > 0.3 and np.median(cents) < 30  # the sample's own tuning offset included


def test_shards_are_the_same_bytes_every_time(data, tmp_path):
    params = tmp_path / "params.yaml"  # in a process of its own: string hashes are salted anew
    values = yaml.safe_load((ROOT / "params.yaml").read_text()) | {"examples": EXAMPLES.model_dump()}
    params.write_text(yaml.safe_dump(values))
    command = [sys.executable, "-m", "stages.examples", data / "features", tmp_path / "again", "--scratch", tmp_path / "scratch",
               "--params", params, "--direct_num_workers=2", "--direct_running_mode=multi_threading"]  # fmt: skip
    subprocess.run(list(map(str, command)), cwd=ROOT, check=True)
    for path in sorted((data / "examples").iterdir()):
        assert digest(path.read_bytes()) == digest((tmp_path / "again" / path.name).read_bytes()), path.name


def test_every_recording_is_in_its_split_once(data):
    manifest = pd.read_csv(data / "manifest.csv")
    for split, group in manifest.groupby("split"):
        examples = read_split(data / "examples", split, 4.0)
        assert sorted(example["recording_id"] for example in examples) == sorted(group.id)
        for example in examples:
            features = np.load(data / "features" / f"{example['recording_id']}.npz")
            np.testing.assert_array_equal(example["audio"], features["audio"])
            np.testing.assert_array_equal(example["f0_hz"], features["f0_hz"])


def test_records_are_tf_examples(data):
    record = next(iter(tf.data.TFRecordDataset(str(data / "examples" / "test-00000-of-00001.tfrecord"))))
    features = tf.train.Example.FromString(record.numpy()).features.feature
    assert {"audio", "f0_hz", "f0_confidence", "loudness_db", "recording_id", "example_id"} == set(features)


def test_statistics_come_from_training_alone(data):
    loudness = np.concatenate([example["loudness_db"] for example in read_split(data / "examples", "train", 4.0)])
    statistics = json.loads((data / "examples" / "statistics.json").read_text())
    assert statistics["loudness_mean"] == pytest.approx(loudness.mean(dtype=float), abs=1e-4)
    assert statistics["loudness_std"] == pytest.approx(loudness.std(dtype=float), abs=1e-4)


def test_finished_features_are_not_tracked_again(data, monkeypatch):
    def refuse(*_):
        raise AssertionError("tracked again")

    monkeypatch.setattr("pipeline.preparation.track_f0", refuse)
    extract_features(FEATURES, data / "notes", data / "manifest.csv", data / "again", data / "scratch", RUNNER)


def test_a_bad_recording_is_named_after_the_good_ones_are_written(data, tmp_path):
    (tmp_path / "notes").mkdir()
    manifest = pd.read_csv(data / "manifest.csv").head(2)
    (tmp_path / "notes" / f"{manifest.id[0]}.wav").write_bytes((data / "notes" / f"{manifest.id[0]}.wav").read_bytes())
    (tmp_path / "notes" / f"{manifest.id[1]}.wav").write_text("no audio")
    manifest.assign(sha256=["a", "b"]).to_csv(tmp_path / "manifest.csv", index=False)
    with pytest.raises(UserError, match=f"1 of 2 recordings rejected.*{manifest.id[1]} cannot be decoded"):
        extract_features(FEATURES, tmp_path / "notes", tmp_path / "manifest.csv", tmp_path / "out", tmp_path / "scratch", RUNNER)
    assert (tmp_path / "out" / f"{manifest.id[0]}.npz").exists()
    assert list(pd.read_csv(tmp_path / "out" / "features.csv").status) == ["ok", "rejected"]


def test_windows_fit():
    assert list(window_starts(1000, 1000, 1000)) == [0]
    assert list(window_starts(2600, 1000, 500)) == [0, 500, 1000, 1500]
    assert not window_starts(999, 1000, 1000)


def test_shards_are_stable():
    first = [int(sha256(b'0\0"note%d@0"\0' % n).hexdigest()[:12], 16) % 8 for n in range(4)]  # the definition, spelt out
    assert [shard_of(f"note{n}@0", 0, 8) for n in range(4)] == first
    assert len({shard_of(f"note{n}@0", 0, 8) for n in range(100)}) == 8
