"""Training runs: they resume to the same weights after kill -9, give the same loss curve on two
devices, and stop with a clear error when the loss is not finite or settings contradict each other.
"""

import json
import re
import shutil
import signal

import numpy as np
import pandas as pd
import pytest

from pipeline.common.cli import UserError
from pipeline.models.autoencoder import ModelConfig
from pipeline.models.recipe import Recipe
from pipeline.training.experiment import train
from training_runs import (
    LOSS,
    SECONDS,
    UNSUPERVISED,
    assert_same_training,
    kill_at,
    read_weights,
    saved_step,
    start,
    train_config,
    write_examples,
)


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    return write_examples(tmp_path_factory.mktemp("examples"))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, examples, small_model_values):
    """A finished run on one device in float32, to compare others with."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    assert start(small_model_values, examples, folder).wait() == 0
    return folder


def test_a_killed_and_resumed_run_equals_an_uninterrupted_one(
    tmp_path, examples, small_model_values, uninterrupted
):
    out = tmp_path / "killed"
    process = start(small_model_values, examples, out)
    assert kill_at(process, out / "state.npz", 5) == -signal.SIGKILL
    assert 5 <= saved_step(out / "state.npz") < 14
    assert not (out / "model").exists()
    assert start(small_model_values, examples, out).wait() == 0
    assert_same_training(uninterrupted, out)


def test_the_summary_counts_steps_epochs_and_parameters(uninterrupted):
    summary = json.loads((uninterrupted / "log.json").read_text())
    assert summary["settings"]["train"]["steps"] == 14
    assert set(summary["versions"]) == {"tensorflow", "keras", "numpy"}
    assert summary["steps"] == 14
    assert summary["epochs"] == pytest.approx(14 * 4 * 0.256 / (10 * SECONDS))
    saved = sum(value.size for value in read_weights(uninterrupted / "model").values())
    # the statistics of 30 MFCCs are not trainable
    assert sum(summary["parameters"].values()) == saved - 2 * 30


@pytest.mark.slow
def test_a_run_killed_in_pretraining_and_afterwards_equals_an_uninterrupted_one(
    tmp_path, examples, small_model_values
):
    assert start(small_model_values, examples, tmp_path / "whole", **UNSUPERVISED).wait() == 0
    out = tmp_path / "killed"
    for name, step in (("state-pretrained.npz", 3), ("state.npz", 2)):
        process = start(small_model_values, examples, out, **UNSUPERVISED)
        assert kill_at(process, out / name, step) == -signal.SIGKILL
    assert start(small_model_values, examples, out, **UNSUPERVISED).wait() == 0
    assert_same_training(tmp_path / "whole", out)


@pytest.mark.slow
def test_ten_kills_at_random_steps(tmp_path, examples, small_model_values):
    random = np.random.default_rng(5)
    assert start(small_model_values, examples, tmp_path / "whole", **UNSUPERVISED).wait() == 0
    out = tmp_path / "killed"
    kills = 0
    while kills < 10:
        process = start(small_model_values, examples, out, **UNSUPERVISED)
        if random.uniform() < 0.3:
            status = kill_at(process, out / "state-pretrained.npz", random.integers(1, 6))
        else:
            status = kill_at(process, out / "state.npz", random.integers(1, 14))
        kills += status == -signal.SIGKILL
        if status == 0:  # the run finished before the step was seen: start over
            assert_same_training(tmp_path / "whole", out)
            shutil.rmtree(out)
    assert start(small_model_values, examples, out, **UNSUPERVISED).wait() == 0
    assert_same_training(tmp_path / "whole", out)


def train_here(model_values, config, examples, folder):
    """Train in this process."""
    outputs = ("model", "exported", "log.csv", "state.npz")
    recipe = Recipe(ModelConfig(**model_values))
    train(recipe, LOSS, config, examples, SECONDS, 0, *(folder / name for name in outputs))


def test_a_loss_that_is_not_finite_names_step_examples_and_checkpoint(
    tmp_path, examples, small_model_values
):
    message = (
        r"the loss is (nan|inf) at step (\d+) \(examples train.*last good checkpoint: .*state.npz"
    )
    config = train_config(learning_rate=1e30, clip_norm=1e30)
    with pytest.raises(UserError, match=message) as caught:
        train_here(small_model_values, config, examples, tmp_path)
    step = int(re.search(r"step (\d+)", str(caught.value))[1])
    assert saved_step(tmp_path / "state.npz") == step - 1
    with np.load(tmp_path / "state.npz") as saved:
        assert all(np.isfinite(saved[name]).all() for name in saved.files if name != "state")
    assert not (tmp_path / "model").exists()


def loss_curve(folder):
    return pd.read_csv(folder / "log.csv").loss.to_numpy()


def test_two_devices_give_the_loss_curve_of_one(
    tmp_path, examples, small_model_values, uninterrupted
):
    """Two logical CPU devices share the batch; sums in another order differ in the last bits."""
    assert start(small_model_values, examples, tmp_path, devices=2).wait() == 0
    one_device = loss_curve(uninterrupted)
    assert len(one_device) == 7
    assert one_device[-1] < one_device[0]
    np.testing.assert_allclose(loss_curve(tmp_path), one_device, rtol=2e-4)


@pytest.mark.slow
def test_bfloat16_trains(tmp_path, examples, small_model_values, uninterrupted):
    assert start(small_model_values, examples, tmp_path, precision="mixed_bfloat16").wait() == 0
    single = loss_curve(uninterrupted)
    mixed = loss_curve(tmp_path)
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
def test_contradictory_settings_are_named(tmp_path, examples, small_model_values, changes, message):
    with pytest.raises(UserError, match=re.escape(message)):
        train_here(small_model_values, train_config(**changes), examples, tmp_path)
