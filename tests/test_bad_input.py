"""What a user does wrong, or what goes wrong under them: one clear line, exit status not 0,
nothing finished lost.
"""

import errno
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from time import sleep

import numpy as np
import pytest

from commands import ENVIRONMENT, command, edited_params, error_line, stage
from conftest import ROOT
from pipeline.audio.files import write_audio
from pipeline.common.cli import UserError, run_stage
from pipeline.common.files import atomic, atomic_folder, write_text


def test_a_missing_soundfont_is_named(tmp_path):
    params = edited_params(
        tmp_path / "params.yaml", lambda values: values["outside"].update(notes="/no/such.sf2")
    )
    done = stage("data", "notes", tmp_path / "notes", tmp_path / "m.csv", params=params)
    line = error_line(done)
    assert done.returncode == 1 and line.startswith("error: outside") and "/no/such.sf2: " in line


def test_an_experiment_with_a_dot_is_named(tmp_path):
    params = edited_params(
        tmp_path / "params.yaml", lambda values: values["experiments"].update({"no.z": {}})
    )
    done = stage("data", "notes", tmp_path / "notes", tmp_path / "m.csv", params=params)
    line = error_line(done)
    assert done.returncode == 1 and "experiments.no.z" in line and "rename it to 'no_z'" in line


def test_a_missing_argument_is_one_line(tmp_path):
    done = stage("data", "notes", tmp_path / "notes")
    assert done.returncode == 2 and "manifest" in error_line(done)


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device", "weights.npz")


def test_a_full_disk_is_one_line_and_keeps_the_old_file(tmp_path, capsys):
    path = tmp_path / "state.txt"
    write_text(path, "old")

    def main() -> None:
        with atomic(path) as temporary:
            temporary.write_text("half")
            full_disk()

    with pytest.raises(SystemExit) as stopped:
        sys.argv = ["stage"]
        run_stage(main)
    error = capsys.readouterr().err
    assert stopped.value.code == 1 and len(error.strip().splitlines()) == 1
    assert "no space left on the disk while writing weights.npz" in error and "kept" in error
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["state.txt"]


def test_a_really_full_device_is_one_line(capsys):
    def main() -> None:
        Path("/dev/full").write_text("x" * 100_000)

    with pytest.raises(SystemExit):
        sys.argv = ["stage"]
        run_stage(main)
    assert "no space left on the disk" in capsys.readouterr().err


def test_a_folder_is_whole_or_the_old_one(tmp_path):
    target = tmp_path / "out"
    with atomic_folder(target) as folder:
        (folder / "a").write_text("1")
    with pytest.raises(UserError), atomic_folder(target) as folder:
        (folder / "a").write_text("2")
        raise UserError("stopped")
    assert (target / "a").read_text() == "1" and os.listdir(tmp_path) == ["out"]


def test_an_interrupted_stage_says_so_and_keeps_the_old_output(tmp_path):
    # a background job's children ignore Ctrl-C
    heed = partial(signal.signal, signal.SIGINT, signal.default_int_handler)
    line = command("data", "notes", tmp_path / "notes", tmp_path / "m.csv")
    process = subprocess.Popen(
        line, cwd=ROOT, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, preexec_fn=heed
    )
    while process.poll() is None and not list(tmp_path.glob(".notes.*.tmp/audio/*.wav")):
        sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate()
    assert process.returncode == 130
    line = error_line(subprocess.CompletedProcess(process.args, process.returncode, stderr=error))
    assert line.startswith("error: interrupted; what is finished is kept")
    assert os.listdir(tmp_path) == []


def test_writing_audio_to_a_full_disk_is_one_line(tmp_path, capsys):
    (tmp_path / "note.wav").symlink_to("/dev/full")

    def main() -> None:
        write_audio(tmp_path / "note.wav", np.zeros(64000))

    with pytest.raises(SystemExit):
        sys.argv = ["stage"]
        run_stage(main)
    assert "no space left on the disk" in capsys.readouterr().err


def test_examples_without_records_are_named(tmp_path):
    (tmp_path / "examples").mkdir()
    done = stage(
        "yardsticks", "notes", tmp_path / "examples", tmp_path / "manifest.csv", tmp_path / "out"
    )
    assert error_line(done) == (
        f"error: {tmp_path / 'examples' / 'statistics.json'}: no such file; run `dvc repro --force "
        "--single-item examples@examples`"
    )
