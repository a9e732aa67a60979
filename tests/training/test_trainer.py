"""Training: resumes to the same weights after kill -9, stops at NaN, sees every step's batch
whatever the start.
"""

import json
import re
import shutil
import signal
import subprocess
import sys
from time import sleep

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml

from conftest import ROOT
from pipeline.common.cli import UserError
from pipeline.common.files import write_json
from pipeline.common.units import FRAME
from pipeline.examples.dataset import read_split, training_batches
from pipeline.models.autoencoder import ModelConfig
from pipeline.models.objective import LossConfig
from pipeline.models.recipe import Recipe
from pipeline.preparation.shards import encode_example, shard_name
from pipeline.preparation.tfrecord import write_records
from pipeline.training.experiment import TrainConfig, train

FRAMES = 128
LOSS = LossConfig(fft_sizes=(512, 128), alpha=1.0, perceptual_weight=0.0, perceptual_frames=1)


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """A small data set in the real format: twelve half-second tones."""
    folder, random = tmp_path_factory.mktemp("examples"), np.random.default_rng(0)
    for split, count in (("train", 10), ("valid", 2), ("test", 2)):
        notes = []
        for number in range(count):
            f0 = float(random.uniform(200, 600))
            frames = np.zeros(FRAMES, FRAME)
            frames["audio"] = 0.3 * np.sin(2 * np.pi * f0 * np.arange(FRAMES * 64) / 16000).reshape(
                -1, 64
            )
            frames["f0_hz"], frames["f0_confidence"], frames["loudness_db"] = f0, 1, -13
            notes.append(encode_example(f"{split}{number}", 0, frames))
        write_records(folder / shard_name(split, 0, 1), notes)
    write_json(
        folder / "statistics.json", {"loudness_mean": -20.0, "loudness_std": 10.0, "examples": {}}
    )
    return folder


def config(**changes):
    values = {
        "steps": 14,
        "batch_size": 4,
        "crop_seconds": 0.256,
        "warmup_seconds": 0.0,
        "learning_rate": 1e-3,
        "decay_rate": 0.5,
        "decay_steps": 10,
        "clip_norm": 0.5,
        "pretrain_steps": 0,
        "freeze_f0_encoder": False,
        "precision": "float32",
        "devices": 1,
        "intra_op_threads": 0,
        "log_every": 2,
        "validate_every": 4,
        "checkpoint_seconds": 0.0,
    }
    return TrainConfig(**values | changes)


def first_steps(folder, start, count):
    batches = training_batches(folder, FRAMES, 64, 4, 0, start)
    return [{name: value.numpy() for name, value in next(batches).items()} for _ in range(count)]


def test_batches_depend_on_seed_and_step_alone(examples):
    whole = first_steps(examples, 0, 7)  # two steps an epoch: crosses epochs
    for start in (1, 2, 5):
        for expected, found in zip(
            whole[start:], first_steps(examples, start, 7 - start), strict=True
        ):
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
        file.visititems(
            lambda name, item: (
                found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return found


SCRIPT = """
import json, sys
from pathlib import Path
from pipeline.models.autoencoder import ModelConfig
from pipeline.models.recipe import Recipe
from pipeline.models.objective import LossConfig
from pipeline.training.experiment import TrainConfig, train
model, loss, config, examples, out = (json.loads(text) for text in sys.argv[1:])
out = Path(out)
train(Recipe(ModelConfig(**model)), LossConfig.model_validate_json(json.dumps(loss)), TrainConfig(**config), Path(examples), 0.512, 0,
      out / "model", out / "exported", out / "log.csv", out / "state.npz")
"""
UNSUPERVISED = {"f0": "encoded", "pretrain_steps": 6, "freeze_f0_encoder": True}


def start(model_values, examples, out, **changes):
    out.mkdir(exist_ok=True)
    model = model_values | {key: value for key, value in changes.items() if key in model_values}
    train = config(
        **{key: value for key, value in changes.items() if key not in model_values}
    ).model_dump()
    arguments = [
        json.dumps(part) for part in (model, LOSS.model_dump(), train, str(examples), str(out))
    ]
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments], cwd=ROOT, stderr=(out / "stderr").open("w")
    )


def reached(path, step):
    return path.exists() and json.loads(str(np.load(path)["state"]))["step"] >= step


def kill_when(process, condition):
    """kill -9 as soon as the condition holds."""
    while process.poll() is None and not condition():
        sleep(0.01)
    process.kill()
    return process.wait()


def assert_same_training(expected_folder, found_folder):
    expected, found = weights(expected_folder / "model"), weights(found_folder / "model")
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    assert (expected_folder / "log.csv").read_text() == (found_folder / "log.csv").read_text()
    assert not list(found_folder.glob("*.npz"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory, examples, small_model_values):
    """An uninterrupted training on one device in float32, beside which the others are put."""
    folder = tmp_path_factory.mktemp("whole")
    assert start(small_model_values, examples, folder).wait() == 0
    return folder


def test_killed_and_resumed_equals_uninterrupted(tmp_path, examples, small_model_values, whole):
    killed = start(small_model_values, examples, tmp_path / "killed")
    assert (
        kill_when(killed, lambda: reached(tmp_path / "killed" / "state.npz", 5)) == -signal.SIGKILL
    )
    saved = json.loads(str(np.load(tmp_path / "killed" / "state.npz")["state"]))["step"]
    assert 5 <= saved < 14 and not (tmp_path / "killed" / "model").exists()
    assert start(small_model_values, examples, tmp_path / "killed").wait() == 0
    assert_same_training(whole, tmp_path / "killed")
    summary = json.loads((tmp_path / "killed" / "log.json").read_text())
    assert summary["settings"]["train"]["steps"] == 14 and set(summary["versions"]) == {
        "tensorflow",
        "keras",
        "numpy",
    }
    assert summary["steps"] == 14 and summary["epochs"] == pytest.approx(
        14 * 4 * 0.256 / (10 * 0.512)
    )
    assert (
        sum(summary["parameters"].values())
        == sum(v.size for name, v in weights(tmp_path / "killed" / "model").items()) - 2 * 30
    )


@pytest.mark.slow
def test_killed_in_pretraining_and_after(tmp_path, examples, small_model_values):
    assert start(small_model_values, examples, tmp_path / "whole", **UNSUPERVISED).wait() == 0
    for name, step in (("state-pretrained.npz", 3), ("state.npz", 2)):
        process = start(small_model_values, examples, tmp_path / "killed", **UNSUPERVISED)
        assert (
            kill_when(process, lambda: reached(tmp_path / "killed" / name, step)) == -signal.SIGKILL
        )
    assert start(small_model_values, examples, tmp_path / "killed", **UNSUPERVISED).wait() == 0
    assert_same_training(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.slow
def test_ten_kills_at_random_steps(tmp_path, examples, small_model_values):
    random = np.random.default_rng(5)
    assert start(small_model_values, examples, tmp_path / "whole", **UNSUPERVISED).wait() == 0
    kills = 0
    while kills < 10:
        process = start(small_model_values, examples, tmp_path / "killed", **UNSUPERVISED)
        name, step = (
            ("state-pretrained.npz", random.integers(1, 6))
            if random.uniform() < 0.3
            else ("state.npz", random.integers(1, 14))
        )
        status = kill_when(process, lambda: reached(tmp_path / "killed" / name, step))
        kills += status == -signal.SIGKILL
        if status == 0:  # it came to its end before that step was seen: from the start again
            assert_same_training(tmp_path / "whole", tmp_path / "killed")
            shutil.rmtree(tmp_path / "killed")
    assert start(small_model_values, examples, tmp_path / "killed", **UNSUPERVISED).wait() == 0
    assert_same_training(tmp_path / "whole", tmp_path / "killed")


def test_not_a_number_stops_with_step_examples_and_checkpoint(
    tmp_path, examples, small_model_values
):
    arguments = (
        Recipe(ModelConfig(**small_model_values)),
        LOSS,
        config(learning_rate=float("1e30"), clip_norm=1e30),
        examples,
        0.512,
        0,
    )
    paths = (
        tmp_path / "model",
        tmp_path / "exported",
        tmp_path / "log.csv",
        tmp_path / "state.npz",
    )
    with pytest.raises(
        UserError,
        match=r"the loss is (nan|inf) at step (\d+) \(examples train.*last good checkpoint: .*state.npz",
    ) as caught:
        train(*arguments, *paths)
    step = int(re.search(r"step (\d+)", str(caught.value))[1])
    with np.load(tmp_path / "state.npz") as saved:
        assert json.loads(str(saved["state"]))["step"] == step - 1
        assert all(np.isfinite(saved[name]).all() for name in saved.files if name != "state")
    assert not (tmp_path / "model").exists()


def loss_curve(folder):
    return pd.read_csv(folder / "log.csv").loss.to_numpy()


def test_two_devices_give_the_loss_curve_of_one(tmp_path, examples, small_model_values, whole):
    """Two logical CPU devices share the batch; sums in another order differ in the last bits."""
    assert start(small_model_values, examples, tmp_path, devices=2).wait() == 0
    one, two = loss_curve(whole), loss_curve(tmp_path)
    assert len(one) == 7 and one[-1] < one[0]
    np.testing.assert_allclose(two, one, rtol=2e-4)


@pytest.mark.slow
def test_bfloat16_trains(tmp_path, examples, small_model_values, whole):
    assert start(small_model_values, examples, tmp_path, precision="mixed_bfloat16").wait() == 0
    single, mixed = loss_curve(whole), loss_curve(tmp_path)
    assert not np.array_equal(single, mixed)
    np.testing.assert_allclose(mixed, single, rtol=0.05)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crop_seconds": 1.0}, "train.crop_seconds: 1.0 is longer than examples.seconds"),
        ({"warmup_seconds": 0.256}, "train.warmup_seconds: 0.256 leaves nothing"),
        ({"devices": 3}, "train.devices: 3 devices cannot share a batch of 4 evenly"),
        ({"pretrain_steps": 5}, "train.pretrain_steps: model.f0 is 'given'"),
        ({"freeze_f0_encoder": True}, "train.freeze_f0_encoder: model.f0 is 'given'"),
    ],
)
def test_settings_that_cannot_be_are_named(
    tmp_path, examples, small_model_values, changes, message
):
    paths = (
        tmp_path / "model",
        tmp_path / "exported",
        tmp_path / "log.csv",
        tmp_path / "state.npz",
    )
    with pytest.raises(UserError, match=re.escape(message)):
        train(
            Recipe(ModelConfig(**small_model_values)),
            LOSS,
            config(**changes),
            examples,
            0.512,
            0,
            *paths,
        )


def test_a_split_is_read_in_order(examples):
    ids = [example["example_id"] for example in read_split(examples, "train", 0.512)]
    assert ids == sorted(ids) and len(ids) == 10


def test_the_committed_crop_fits_an_example():
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert values["train"]["crop_seconds"] <= values["examples"]["seconds"]
