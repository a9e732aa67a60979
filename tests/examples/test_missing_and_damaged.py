"""Examples are read only as stage examples wrote them: whatever else is found is named, in one
line, before it is used.
"""

import json
import shutil

import pytest

from commands import error_line, stage
from pipeline.common.cli import UserError
from pipeline.common.files import file_sha256, write_json
from pipeline.examples.assignment import read_assignment
from pipeline.examples.dataset import read_split, split_batches, training_batches
from pipeline.models.autoencoder import ModelConfig
from pipeline.models.recipe import Recipe
from pipeline.training.experiment import TrainingRun
from training_runs import FRAMES, LOSS, SECONDS, train_config, write_examples

SHARD = "train-00001-of-00005.tfrecord"
AGAIN = "run `dvc repro --force --single-item examples@tones`"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("original") / "tones"
    folder.mkdir()
    return write_examples(folder, train_shards=5)


@pytest.fixture
def examples(tmp_path, original):
    """A copy of ten training examples in five shards, to be damaged."""
    return shutil.copytree(original, tmp_path / "tones")


def flip_a_bit(shard):
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)


def drop_the_last_record(shard):
    """Cut the file where a record ends, which TensorFlow takes for the end of the file."""
    content = shard.read_bytes()
    shard.write_bytes(content[: len(content) // 2])


def swap(shard):
    """Exchange the shard for another whole one."""
    shutil.copy(shard.with_name("train-00002-of-00005.tfrecord"), shard)


ABSENT = {
    "moved away": (lambda shard: shard.unlink(), f"{SHARD}: is missing"),
    "renamed": (
        lambda shard: shard.rename(shard.with_name("train-00001-of-00008.tfrecord")),
        f"{SHARD}: is missing",
    ),
    "one of another run": (
        lambda shard: shutil.copy(shard, shard.with_name("train-00000-of-00003.tfrecord")),
        "train-00000-of-00003.tfrecord: is not listed",
    ),
    "no statistics": (
        lambda shard: shard.with_name("statistics.json").unlink(),
        "statistics.json: no such file",
    ),
    "half of the statistics": (
        lambda shard: shard.with_name("statistics.json").write_text('{"sha256": {"tr'),
        "statistics.json: is damaged",
    ),
}
DAMAGED = {
    "a flipped bit": (flip_a_bit, f"{SHARD}: is damaged"),
    "a record less": (drop_the_last_record, f"{SHARD}: is damaged"),
    "empty": (lambda shard: shard.write_bytes(b""), f"{SHARD}: is damaged"),
    "another shard": (swap, f"{SHARD}: is damaged"),
}


def read_training(folder, model_values):
    next(training_batches(folder, FRAMES, 64, 4, 0))


def read_batches(folder, model_values):
    list(split_batches(folder, "train", FRAMES, 4))


def read_whole(folder, model_values):
    return read_split(folder, "train", SECONDS)


def prepare_training(folder, model_values):
    """Set up a training, which trains nothing yet."""
    TrainingRun(Recipe(ModelConfig(**model_values)), LOSS, train_config(), folder, SECONDS, seed=0)


@pytest.mark.parametrize("read", [read_training, read_batches, read_whole, prepare_training])
@pytest.mark.parametrize("case", ABSENT)
def test_every_reader_misses_a_shard(examples, small_model_values, read, case):
    spoil, message = ABSENT[case]
    spoil(examples / SHARD)
    with pytest.raises(UserError, match=f"tones/{message}.*{AGAIN}$"):
        read(examples, small_model_values)


@pytest.mark.parametrize("read", [read_whole, prepare_training])
@pytest.mark.parametrize("case", DAMAGED)
def test_damage_is_found_before_the_work(examples, small_model_values, read, case):
    spoil, message = DAMAGED[case]
    spoil(examples / SHARD)
    with pytest.raises(UserError, match=f"tones/{message}.*{AGAIN}$"):
        read(examples, small_model_values)


def test_a_missing_shard_of_another_split_does_not_matter(examples, small_model_values):
    (examples / "test-00000-of-00001.tfrecord").unlink()
    assert len(read_whole(examples, small_model_values)) == 10
    prepare_training(examples, small_model_values)


def assign(folder):
    """Assign the examples in a folder to an experiment."""
    path = folder.parent / "supervised.json"
    sha256 = file_sha256(folder / "statistics.json")
    write_json(path, {"data": "tones", "examples": str(folder), "sha256": sha256})
    return path


def test_examples_made_after_their_assignment_are_named(examples):
    path = assign(examples)
    statistics = examples / "statistics.json"
    write_json(statistics, json.loads(statistics.read_text()) | {"loudness_mean": -21.0})
    with pytest.raises(UserError, match="statistics.json: has changed.*`dvc repro assign`"):
        read_assignment(path)


def test_no_examples_and_no_assignment_are_named(examples):
    path = assign(examples)
    shutil.rmtree(examples)
    with pytest.raises(UserError, match=f"statistics.json: no such file; {AGAIN}"):
        read_assignment(path)
    path.unlink()
    with pytest.raises(UserError, match="supervised.json: no such file; run `dvc repro assign`"):
        read_assignment(path)


def test_stage_train_stops_with_one_line(tmp_path, examples):
    (examples / SHARD).unlink()
    outputs = [tmp_path / name for name in ("model", "exported", "log.csv")]
    done = stage(
        "train", "supervised", 0, assign(examples), *outputs, "--scratch", tmp_path / "scratch"
    )
    assert error_line(done).startswith(f"error: {examples / SHARD}: is missing; ")
    assert not any(path.exists() for path in outputs)
