"""Small training runs for tests: a data set, settings, and processes to kill."""

import json
import subprocess
import sys
from pathlib import Path
from time import sleep

import h5py
import numpy as np

from conftest import ROOT
from pipeline.common.files import file_sha256, write_json
from pipeline.common.units import FRAME
from pipeline.examples.schema import example_id
from pipeline.models.objective import LossConfig
from pipeline.preparation.shards import encode_example, shard_name
from pipeline.preparation.tfrecord import write_records
from pipeline.training.config import TrainConfig

FRAMES = 128  # control frames per example
SECONDS = 0.512  # length of an example
EXAMPLES = {"train": 10, "valid": 2, "test": 2}
LOSS = LossConfig(fft_sizes=(512, 128), alpha=1.0, perceptual_weight=0.0, perceptual_frames=1)
UNSUPERVISED = {"f0": "frames", "pretrain_steps": 6, "freeze_f0_encoder": True}
SCRIPT = f"""
import json, sys
from pathlib import Path
from pipeline.models.autoencoder import ModelConfig
from pipeline.examples.schema import example_id
from pipeline.models.objective import LossConfig
from pipeline.models.recipe import Recipe
from pipeline.training.experiment import TrainConfig, train

model, loss, config, examples, out = (json.loads(text) for text in sys.argv[1:])
train(
    Recipe(ModelConfig.model_validate_json(json.dumps(model))),
    LossConfig.model_validate_json(json.dumps(loss)),
    TrainConfig(**config),
    Path(examples),
    {SECONDS},
    0,
    Path(out) / "model",
    Path(out) / "exported",
    Path(out) / "log.csv",
    Path(out) / "state.npz",
)
"""


def write_examples(folder: Path, train_shards: int = 1, broken: str | None = None) -> Path:
    """Write a small data set in the real format: fourteen half-second tones.

    Args:
        folder: where to write it.
        train_shards: number of shards of split train, a divisor of 10.
        broken: id of an example whose audio is NaN.
    """
    random = np.random.default_rng(0)
    for split, count in EXAMPLES.items():
        tones = {f"{split}{number}": tone(random) for number in range(count)}
        for name, frames in tones.items():
            if example_id(name, 0) == broken:
                frames["audio"] = np.nan
        records = [encode_example(name, 0, frames) for name, frames in tones.items()]
        shards = train_shards if split == "train" else 1
        for shard in range(shards):
            write_records(folder / shard_name(split, shard, shards), records[shard::shards])
    return write_statistics(folder)


def write_statistics(folder: Path) -> Path:
    """Write statistics.json for the shards in a folder."""
    hashes = {path.name: file_sha256(path) for path in folder.glob("*.tfrecord")}
    write_json(
        folder / "statistics.json",
        {"loudness_mean": -20.0, "loudness_std": 10.0, "examples": EXAMPLES, "sha256": hashes},
    )
    return folder


def tone(random: np.random.Generator) -> np.ndarray:
    """Return the control frames of a sine of random f0."""
    f0_hz = float(random.uniform(200, 600))
    frames = np.zeros(FRAMES, FRAME)
    audio = 0.3 * np.sin(2 * np.pi * f0_hz * np.arange(FRAMES * 64) / 16000)
    frames["audio"] = audio.reshape(-1, 64)
    frames["f0_hz"] = f0_hz
    frames["f0_confidence"] = 1
    frames["loudness_db"] = -13
    return frames


def train_config(**changes) -> TrainConfig:
    """Return settings of a training of 14 steps, with changes."""
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


def start(model_values: dict, examples: Path, out: Path, **changes) -> subprocess.Popen:
    """Start a training process; `changes` are to the model's or the training's settings."""
    out.mkdir(exist_ok=True)
    model = model_values | {key: value for key, value in changes.items() if key in model_values}
    train_changes = {key: value for key, value in changes.items() if key not in model_values}
    settings = (
        model,
        LOSS.model_dump(),
        train_config(**train_changes).model_dump(),
        str(examples),
        str(out),
    )
    command = [sys.executable, "-c", SCRIPT, *map(json.dumps, settings)]
    with (out / "stderr").open("w") as stderr:
        return subprocess.Popen(command, cwd=ROOT, stderr=stderr)


def saved_step(checkpoint: Path) -> int:
    """Return the step of a checkpoint, 0 if there is none."""
    if not checkpoint.exists():
        return 0
    with np.load(checkpoint) as saved:
        return json.loads(str(saved["state"]))["step"]


def kill_at(process: subprocess.Popen, checkpoint: Path, step: int) -> int:
    """Kill a process (-9) once its checkpoint has reached a step; return its exit status."""
    while process.poll() is None and saved_step(checkpoint) < step:
        sleep(0.01)
    process.kill()
    return process.wait()


def read_weights(folder: Path) -> dict[str, np.ndarray]:
    """Read all data sets of a model's weights file by name."""
    weights = {}

    def collect(name, item):
        """Keep a data set; skip a group."""
        if isinstance(item, h5py.Dataset):
            weights[name] = item[()]

    with h5py.File(folder / "model.weights.h5") as file:
        file.visititems(collect)
    return weights


def assert_same_training(expected_folder: Path, actual_folder: Path) -> None:
    """Compare the weights and logs of two finished runs; no checkpoint may remain."""
    expected = read_weights(expected_folder / "model")
    actual = read_weights(actual_folder / "model")
    assert expected.keys() == actual.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(actual[name], value, err_msg=name)
    assert (expected_folder / "log.csv").read_text() == (actual_folder / "log.csv").read_text()
    assert not list(actual_folder.glob("*.npz"))
