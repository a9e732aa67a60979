"""`make transfer`: any recording through a small model, and what cannot be read."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile

from batches import STATISTICS
from commands import ENVIRONMENT, error_line
from conftest import ROOT
from pipeline.common.files import write_json
from pipeline.common.units import FRAME
from pipeline.models.autoencoder import ModelConfig
from pipeline.models.recipe import Recipe, build_model, save_model
from pipeline.preparation.shards import encode_example, shard_name
from pipeline.preparation.tfrecord import write_records
from transfer_sounds import tone


@pytest.fixture(scope="module")
def trained(tmp_path_factory, small_model_values):
    """A model as training leaves it, untrained, with what it was trained on: two tones."""
    folder = tmp_path_factory.mktemp("trained")
    recipe = Recipe(ModelConfig(**small_model_values | {"use_z": False, "reverb_seconds": 0.1}))
    (folder / "small-0").mkdir()
    save_model(build_model(recipe, STATISTICS), recipe, STATISTICS, folder / "small-0")
    records = []
    for number, f0_hz in enumerate((523.25, 587.33)):
        frames = np.empty(1000, FRAME)
        frames["audio"], frames["f0_hz"], frames["f0_confidence"] = (
            tone(f0_hz).reshape(1000, 64),
            f0_hz,
            0.95,
        )
        frames["loudness_db"] = np.linspace(-40, -20, 1000)
        records.append(encode_example(f"tone{number}", 0, frames))
    (folder / "examples").mkdir()
    write_records(folder / "examples" / shard_name("train", 0, 1), records)
    write_json(folder / "small.json", {"data": "tones", "examples": str(folder / "examples")})
    return folder


def transferred(trained, audio, out):
    options = [
        "--model",
        trained / "small-0",
        "--assigned",
        trained,
        "--out",
        out,
        "--params",
        ROOT / "params.yaml",
        "--",
        audio,
    ]
    return subprocess.run(
        [sys.executable, "-m", "pipeline.transfer", *map(str, options)],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )


def test_a_short_stereo_recording_at_another_rate(trained, tmp_path):
    """Shorter than a window, two channels, 44.1 kHz, a name with a space and a dash in front."""
    low = np.interp(np.arange(66150) / 44100, np.arange(24000) / 16000, tone(261.63, seconds=1.5))
    soundfile.write(tmp_path / "-my tone.ogg", np.stack([low, 0.5 * low], 1), 44100)
    done = transferred(trained, tmp_path / "-my tone.ogg", tmp_path / "new" / "out.wav")
    assert done.returncode == 0, done.stderr[-2000:]
    audio, rate = soundfile.read(tmp_path / "new" / "out.wav")
    assert rate == 16000 and audio.shape == (24000,) and 1e-4 < np.abs(audio).max() < 1
    assert "f0: +1 octaves (median pitch 60.0, training data 73.0, MIDI)" in done.stdout
    assert (
        "measured in windows of 4 s: 1;" in done.stdout and "RPA of the f0 asked for" in done.stdout
    )
    assert "vs true f0" not in done.stdout and done.stdout.rstrip().endswith("out.wav: 1.5 s")


def test_noise_has_no_pitch_to_be_measured_by(trained, tmp_path, random):
    soundfile.write(tmp_path / "noise.flac", 0.1 * random.normal(size=64000), 16000)
    done = transferred(trained, tmp_path / "noise.flac", tmp_path / "out.wav")
    assert done.returncode == 0, done.stderr[-2000:]
    assert (
        "f0: not moved, CREPE is sure of no pitch" in done.stdout
        and "Loudness L1 (dB)" in done.stdout
    )
    assert "RPA" not in done.stdout and "F0" not in done.stdout


def test_what_cannot_be_read_is_one_line(trained, tmp_path):
    (tmp_path / "text.wav").write_text("no sound")
    done = transferred(trained, tmp_path / "text.wav", tmp_path / "out.wav")
    assert done.returncode == 1 and not (tmp_path / "out.wav").exists()
    assert error_line(done).startswith(f"error: {tmp_path}/text.wav: cannot be decoded: ")
