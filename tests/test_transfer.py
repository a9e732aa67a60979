"""`make transfer`: any recording through a small model, and what cannot be read."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from batches import STATISTICS
from commands import ENVIRONMENT, error_line
from conftest import ROOT
from pipeline.common.cli import UserError
from pipeline.common.files import file_sha256, write_json
from pipeline.common.units import FRAME
from pipeline.models.autoencoder import ModelConfig
from pipeline.models.recipe import Recipe, build_model, save_model
from pipeline.preparation.shards import encode_example, shard_name
from pipeline.preparation.tfrecord import write_records
from pipeline.transfer import main
from training_runs import write_statistics
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
    examples = folder / "examples"
    examples.mkdir()
    write_records(examples / shard_name("train", 0, 1), records)
    write_statistics(examples)
    assignment = {
        "data": "tones",
        "examples": str(examples),
        "sha256": file_sha256(examples / "statistics.json"),
    }
    write_json(folder / "small.json", assignment)
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


def take(folder, name):
    """Write a recording; return its path and bytes."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(440.0, seconds=0.1), 16000)
    return path, path.read_bytes()


NO_MODEL = Path("no/model-0")  # a path that is refused is refused before a model is looked for


@pytest.mark.parametrize(
    ("recording", "out", "message"),
    [
        ("take.wav", "take.wav", "is the recording itself"),
        ("take.wav", "link.wav", "is the recording itself"),
        ("transfers/take.wav", None, "is the recording itself"),  # its own output
        ("take.flac", None, "exists"),  # take.wav was transferred before
        ("take.flac", "transfers/take.wav", "exists"),
        ("take.wav", "dangling.wav", "exists"),
        ("take.wav", "x.mp3", "name a file that ends in .wav or .flac"),
        ("take.wav", "x", "name a file that ends in .wav or .flac"),
        ("take.wav", "take.wav/x.wav", "cannot be written into take.wav"),
    ],
)
def test_an_output_that_would_be_lost_or_lose_something_is_refused(
    tmp_path, monkeypatch, recording, out, message
):
    monkeypatch.chdir(tmp_path)
    before = dict(take(tmp_path, name) for name in ("take.wav", "take.flac", "transfers/take.wav"))
    (tmp_path / "link.wav").symlink_to("take.wav")
    (tmp_path / "dangling.wav").symlink_to("nowhere.wav")
    where = out or "transfers/take.wav"
    with pytest.raises(UserError, match=rf"^{re.escape(where)}: {message}"):
        main(Path(recording), out and Path(out), NO_MODEL)
    assert {path: path.read_bytes() for path in before} == before
    assert not (tmp_path / "nowhere.wav").exists()


def test_a_refused_output_is_one_line(trained, tmp_path):
    path, _ = take(tmp_path, "take.wav")
    done = transferred(trained, path, path)
    assert done.returncode == 1
    assert error_line(done).startswith(f"error: {path}: is the recording itself; name another file")
