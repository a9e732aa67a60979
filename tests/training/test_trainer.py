"""Training runs: they resume to the same weights after kill -9, give the same loss curve on two
devices, and stop with a clear error when the loss is not finite or settings contradict each other.
"""

import json
import re
import shutil
import signal
from itertools import repeat

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from pipeline.common.cli import UserError
from pipeline.examples.dataset import training_batches
from pipeline.models.autoencoder import ModelConfig
from pipeline.models.recipe import Recipe
from pipeline.training.experiment import train
from pipeline.training.trainer import Pace, Task, Trainer
from training_runs import (
    FRAMES,
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


def test_the_log_holds_the_share_of_every_term(uninterrupted):
    log = pd.read_csv(uninterrupted / "log.csv")
    validated = log[log.valid_loss.notna()]
    assert len(validated) > 1
    for kind in ("share", "gradient"):
        shares = validated[[f"{kind}_magnitudes", f"{kind}_log_magnitudes"]]
        assert (shares > 0).all().all()
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)


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
    keras.utils.set_random_seed(0)  # as `train` does: shuffling depends on it too
    batches = training_batches(examples, FRAMES, 64, 4, 0)
    first, second = (set(next(batches)["example_id"].numpy()) for _ in range(2))
    name = min(second - first).decode()
    (tmp_path / "examples").mkdir()
    broken = write_examples(tmp_path / "examples", broken=name)
    without_z = small_model_values | {"use_z": False}  # whose statistics would be NaN
    message = rf"the loss is nan at step 2 \(examples .*{name}.*checkpoint: .*state.npz"
    with pytest.raises(UserError, match=message):
        train_here(without_z, train_config(), broken, tmp_path)
    assert saved_step(tmp_path / "state.npz") == 1
    assert_finite(tmp_path / "state.npz")
    assert not (tmp_path / "model").exists()


def assert_finite(checkpoint):
    """Check that a checkpoint holds finite numbers of sane size."""
    with np.load(checkpoint) as saved:
        for name in saved.files:
            assert name == "state" or np.abs(saved[name]).max(initial=0) < 1e6, name


@pytest.mark.parametrize(
    "changes",
    [
        {"learning_rate": 1e30, "steps": 1},  # no later step would notice
        {"learning_rate": 1e30, "steps": 4},
        {"learning_rate": 1e30, "clip_norm": 1e30, "steps": 4},
        {"learning_rate": 1e9, "steps": 1},  # finite, but far beyond any weight
    ],
    ids=str,
)
def test_ruined_weights_are_never_saved(tmp_path, examples, small_model_values, changes):
    with pytest.raises(UserError, match="at step 1 .*lower train.learning_rate.*none was saved"):
        train_here(small_model_values, train_config(**changes), examples, tmp_path)
    assert not list(tmp_path.glob("*.npz"))
    assert not (tmp_path / "model").exists() and not (tmp_path / "exported").exists()


def small_trainer(valid):
    """A trainer of one weight, whose learning rate is 1e30 after step 3."""
    weight = keras.Variable(1.0)
    task = Task(
        [weight],
        [weight],
        lambda batch: (weight * batch["x"]) ** 2,
        lambda step: repeat({"x": tf.ones([2])}),
        lambda: [{"x": tf.constant(valid)}],
    )
    rate = keras.optimizers.schedules.PiecewiseConstantDecay([1, 2], [1e-3, 1e-3, 1e30])
    return Trainer(task, Pace(4, rate, 1.0, 1, 1, 0.0), tf.distribute.get_strategy())


def test_the_last_good_checkpoint_stays(tmp_path):
    with pytest.raises(UserError, match="weights are ruined at step 4 .*state.npz"):
        small_trainer(valid=[0.0, 0.0]).run(tmp_path / "state.npz")
    assert saved_step(tmp_path / "state.npz") == 3
    assert_finite(tmp_path / "state.npz")


def test_a_validation_loss_that_is_not_finite_is_an_error(tmp_path):
    with pytest.raises(UserError, match="validation loss is not finite at step 1 .*none was saved"):
        small_trainer(valid=[1.0, np.nan]).run(tmp_path / "state.npz")
    assert not (tmp_path / "state.npz").exists()


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
        ({"freeze_f0_encoder": True}, "train.freeze_f0_encoder: model.f0 is 'given', and only"),
    ],
)
def test_contradictory_settings_are_named(tmp_path, examples, small_model_values, changes, message):
    with pytest.raises(UserError, match=re.escape(message)):
        train_here(small_model_values, train_config(**changes), examples, tmp_path)
