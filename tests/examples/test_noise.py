"""Noise: training and validation keep theirs, and nothing else draws it again."""

import itertools

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from pipeline.audit.checks import Project
from pipeline.audit.resynthesis import held_out_examples
from pipeline.common.params import LARGEST_SEED
from pipeline.common.settings import Settings
from pipeline.examples.dataset import (
    evaluation_noise,
    noise,
    read_split,
    split_batches,
    training_batches,
)
from pipeline.page.sound import SoundFolder
from pipeline.page.tracks import PageInputs, Tracks
from pipeline.studies.held_out import read_test_split
from pipeline.training.experiment import VALID_SEED
from training_runs import FRAMES, SECONDS, write_examples

COMPARED = 512  # samples: streams of crops and of whole examples begin alike
SEEDS = (0, 1, 2, 7, LARGEST_SEED)
# those that would collide if evaluation drew as training does, among others
EVALUATION_SEEDS = (*SEEDS, VALID_SEED, -1, -(2**20), 2**20, VALID_SEED + 2**20)


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    return write_examples(tmp_path_factory.mktemp("root") / "data" / "examples" / "notes")


def beginnings(sounds):
    """Return the beginnings of some sounds as a set, which must all differ."""
    found = [np.asarray(sound)[:COMPARED].tobytes() for sound in sounds]
    assert len(set(found)) == len(found)
    return set(found)


def trained(folder, seed):
    batches = itertools.islice(training_batches(folder, FRAMES, 64, 4, seed), 5)
    return beginnings(sound for batch in batches for sound in batch["noise"].numpy())


def whole(folder, split, seed):
    batches = split_batches(folder, split, FRAMES, 4, seed)
    return beginnings(sound for batch in batches for sound in batch["noise"].numpy())


def evaluated(folder, split, seed):
    return beginnings(row["noise"] for row in read_split(folder, split, SECONDS, seed))


def test_no_two_purposes_share_noise(examples):
    streams = {("valid", VALID_SEED): whole(examples, "valid", VALID_SEED)}
    streams |= {("training", seed): trained(examples, seed) for seed in SEEDS}
    for seed in EVALUATION_SEEDS:
        # train and test of a seed share noise: an example's place in its split draws it
        streams["evaluation", seed] = evaluated(examples, "train", seed)
    for (one, sounds), (other, others) in itertools.combinations(streams.items(), 2):
        assert not sounds & others, f"{one} and {other} share noise"


def test_the_comparison_finds_shared_noise(examples):
    """The beginning of a crop's noise is that of a whole example with the same seed and index."""
    assert len(trained(examples, 0) & whole(examples, "train", 0)) == 10


PARAMS = {
    "experiments": {"own": {"data": "notes"}},
    "examples": {"seconds": SECONDS, "hop_seconds": 1.0, "seed": 0, "shards": {}},
    "resynthesize": {"noise_seed": 3},
}


def studied(examples, tmp_path):
    """Read the test split as studies do."""
    recordings = [row["recording_id"] for row in read_split(examples, "test", SECONDS)]
    manifest = pd.DataFrame({"id": recordings, "split": "test", "group": "g", "instrument": "i"})
    (tmp_path / "notes").mkdir()
    manifest.to_csv(tmp_path / "notes" / "manifest.csv", index=False)
    settings = Settings(tmp_path, PARAMS)
    return read_test_split(settings, "notes", examples, tmp_path, 3).examples


def played(examples, tmp_path):
    """Read the test split as the page does."""
    unused = tmp_path / "unused"
    inputs = PageInputs(unused, examples.parent, unused, unused, unused, {}, 0, SECONDS, 3)
    return Tracks(inputs, SoundFolder(unused, 0.5)).split("notes")


def audited(examples, tmp_path):
    """Read the test split as the audit does, for its replays too."""
    return held_out_examples(Project(examples.parents[2], PARAMS, {}, {}), "own")


@pytest.mark.parametrize("read", [studied, played, audited])
def test_what_follows_a_resynthesis_has_its_noise(read, examples, tmp_path):
    resynthesized = read_split(examples, "test", SECONDS, 3)
    found = read(examples, tmp_path)
    assert len(found) == len(resynthesized) == 2
    for row in resynthesized:
        np.testing.assert_array_equal(found[row["example_id"]]["noise"], row["noise"])


def test_noise_of_a_transfer_is_noise_of_evaluation(examples):
    """Sources, of any length, have the noise of a split's first example."""
    drawn = evaluation_noise(FRAMES, 3, 0).numpy()[:COMPARED].tobytes()
    assert drawn in evaluated(examples, "train", 3)


@pytest.mark.parametrize("index", [0, 5, 10**9])
@pytest.mark.parametrize("seed", [0, 3, VALID_SEED])
def test_training_and_validation_draw_by_seed_and_index(seed, index):
    expected = tf.random.stateless_uniform([640], [seed + 2**20, index], -1, 1)
    np.testing.assert_array_equal(noise(10, seed, tf.constant(index, tf.int64)), expected)


def test_no_training_has_the_seed_of_validation():
    assert LARGEST_SEED < VALID_SEED
