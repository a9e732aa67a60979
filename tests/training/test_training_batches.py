"""Training batches: functions of seed and step, with aligned crops."""

import numpy as np
import pytest
import tensorflow as tf
import yaml

from conftest import ROOT
from pipeline.common.cli import UserError
from pipeline.examples.dataset import read_split, training_batches
from training_runs import FRAMES, SECONDS, write_examples


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    return write_examples(tmp_path_factory.mktemp("examples"))


def read_batches(folder, start, count):
    """Return `count` batches of four crops of 64 control frames, from a step on."""
    batches = training_batches(folder, FRAMES, 64, 4, 0, start)
    return [{name: value.numpy() for name, value in next(batches).items()} for _ in range(count)]


def test_batches_depend_only_on_seed_and_step(examples):
    uninterrupted = read_batches(examples, 0, 7)  # with two steps per epoch, this spans epochs
    for start in (1, 2, 5):
        resumed = read_batches(examples, start, 7 - start)
        for expected, actual in zip(uninterrupted[start:], resumed, strict=True):
            for name in expected:
                np.testing.assert_array_equal(actual[name], expected[name])
    assert not np.array_equal(uninterrupted[0]["example_id"], uninterrupted[2]["example_id"])
    assert uninterrupted[0]["audio"].shape == (4, 64 * 64)
    assert uninterrupted[0]["f0_hz"].shape == (4, 64)


def test_crops_stay_aligned(examples):
    for batch in read_batches(examples, 0, 4):
        for audio, f0_hz in zip(batch["audio"], batch["f0_hz"], strict=True):
            spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 16000))
            assert abs(spectrum.argmax() - f0_hz[0]) < 3


def test_a_crop_may_know_its_whole_example(examples):
    def mean_power(audio):
        return {"power": tf.reduce_mean(audio**2)}

    given = next(training_batches(examples, FRAMES, 64, 4, 0, whole_example=mean_power))
    power = {
        example["example_id"]: np.mean(example["audio"] ** 2)
        for example in read_split(examples, "train", SECONDS)
    }
    expected = [power[name.decode()] for name in given["example_id"].numpy()]
    np.testing.assert_allclose(given["power"], expected, rtol=1e-4)
    np.testing.assert_array_equal(given["audio"], read_batches(examples, 0, 1)[0]["audio"])


def test_a_batch_larger_than_the_data_is_an_error(examples):
    with pytest.raises(UserError, match="train.batch_size: 99"):
        next(training_batches(examples, FRAMES, 64, 99, 0))


def test_a_split_is_read_in_order(examples):
    ids = [example["example_id"] for example in read_split(examples, "train", SECONDS)]
    assert ids == sorted(ids)
    assert len(ids) == 10


def test_the_committed_crop_fits_an_example():
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert values["train"]["crop_seconds"] <= values["examples"]["seconds"]
