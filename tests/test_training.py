"""Training: resumes to the same weights after kill -9, stops at NaN, sees every step's batch whatever the start."""

import json
import os
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
import yaml

from conftest import ROOT
from pipeline.command import UserError
from pipeline.dataset import read_split, training_batches
from pipeline.examples import FRAME, encode_example, shard_name
from pipeline.files import write_json
from pipeline.model import ModelConfig
from pipeline.records import write_records
from pipeline.training import TrainConfig, train

FRAMES = 128


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """A small data set in the real format: twelve half-second tones."""
    folder, random = tmp_path_factory.mktemp("examples"), np.random.default_rng(0)
    for split, count in (("train", 10), ("valid", 2), ("test", 2)):
        notes = []
        for number in range(count):
            f0 = float(random.uniform(200, 600))
            frames = np.zeros(FRAMES, FRAME)
            frames["audio"] = 0.3 * np.sin(2 * np.pi * f0 * np.arange(FRAMES * 64) / 16000).reshape(-1, 64)
            frames["f0_hz"], frames["f0_confidence"], frames["loudness_db"] = f0, 1, -13
            notes.append(encode_example(f"{split}{number}", 0, frames))
        write_records(folder / shard_name(split, 0, 1), notes)
    write_json(folder / "statistics.json", {"loudness_mean": -20.0, "loudness_std": 10.0, "examples": {}})
    return folder


def config(**changes):
    values = {"steps": 14, "batch_size": 4, "crop_seconds": 0.256, "learning_rate": 1e-3, "decay_rate": 0.5, "decay_steps": 10,
              "clip_norm": 3.0, "log_every": 2, "validate_every": 4, "checkpoint_seconds": 0.0}  # fmt: skip
    return TrainConfig(**values | changes)


def first_steps(folder, start, count):
    batches = training_batches(folder, FRAMES, 64, 4, 0, start)
    return [{name: value.numpy() for name, value in next(batches).items()} for _ in range(count)]


def test_batches_depend_on_seed_and_step_alone(examples):
    whole = first_steps(examples, 0, 7)  # two steps an epoch: crosses epochs
    for start in (1, 2, 5):
        for expected, found in zip(whole[start:], first_steps(examples, start, 7 - start), strict=True):
            for name in expected:
                np.testing.assert_array_equal(found[name], expected[name])
    assert not np.array_equal(whole[0]["example_id"], whole[2]["example_id"])
    assert whole[0]["audio"].shape == (4, 64 * 64) and whole[0]["f0_hz"].shape == (4, 64)


def test_crops_stay_aligned(examples):
    for batch in first_steps(examples, 0, 4):
        for audio, f0_hz in zip(batch["audio"], batch["f0_hz"]):
            spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 16000))
            assert abs(spectrum.argmax() - f0_hz[0]) < 3


def test_a_batch_larger_than_the_data_is_named(examples):
    with pytest.raises(UserError, match="train.batch_size: 99"):
        next(training_batches(examples, FRAMES, 64, 99, 0))


def weights(folder):
    found = {}
    with h5py.File(folder / "model.weights.h5") as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


SCRIPT = """
import json, sys
from pathlib import Path
from pipeline.model import ModelConfig
from pipeline.records import write_records
from pipeline.training import TrainConfig, train
model, config, examples, out = json.loads(sys.argv[1]), json.loads(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])
train(ModelConfig(**model), TrainConfig(**config), examples, 0.512, 0, out / "model", out / "log.csv", out / "state.npz")
"""


def run(model_values, examples, out, kill_at=None):
    out.mkdir(exist_ok=True)
    arguments = [json.dumps(model_values), config().model_dump_json(), str(examples), str(out)]
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], cwd=ROOT, stderr=subprocess.DEVNULL)
    if kill_at is not None:
        deadline = time.time() + 120
        while time.time() < deadline and process.poll() is None:
            if (out / "state.npz").exists() and json.loads(str(np.load(out / "state.npz")["state"]))["step"] >= kill_at:
                os.kill(process.pid, signal.SIGKILL)
                break
            time.sleep(0.01)
    return process.wait(timeout=120)


def test_killed_and_resumed_equals_uninterrupted(tmp_path, examples, small_model_values):
    assert run(small_model_values, examples, tmp_path / "whole") == 0
    assert run(small_model_values, examples, tmp_path / "killed", kill_at=5) == -signal.SIGKILL
    saved = json.loads(str(np.load(tmp_path / "killed" / "state.npz")["state"]))["step"]
    assert 5 <= saved < 14 and not (tmp_path / "killed" / "model").exists()
    assert run(small_model_values, examples, tmp_path / "killed") == 0
    expected, found = weights(tmp_path / "whole" / "model"), weights(tmp_path / "killed" / "model")
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    assert (tmp_path / "whole" / "log.csv").read_text() == (tmp_path / "killed" / "log.csv").read_text()
    assert not (tmp_path / "killed" / "state.npz").exists()


def test_not_a_number_stops_with_step_and_examples(tmp_path, examples, small_model_values):
    arguments = (ModelConfig(**small_model_values), config(learning_rate=float("1e30"), clip_norm=1e30), examples, 0.512, 0)
    with pytest.raises(UserError, match=r"the loss is (nan|inf) at step \d+ \(examples train"):
        train(*arguments, tmp_path / "model", tmp_path / "log.csv", tmp_path / "state.npz")


def test_a_split_is_read_in_order(examples):
    ids = [example["example_id"] for example in read_split(examples, "train", 0.512)]
    assert ids == sorted(ids) and len(ids) == 10


def test_the_committed_crop_fits_an_example():
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert values["train"]["crop_seconds"] <= values["examples"]["seconds"]
