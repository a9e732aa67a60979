"""Features and examples survive kill -9: the next run reuses finished work, writes the same bytes
and leaves no temporary files.
"""

import os
import random
import signal
import subprocess
from contextlib import suppress
from time import sleep

import pytest

from commands import ENVIRONMENT, command, hashes, small_data
from conftest import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = small_data(tmp_path_factory.mktemp("data"))
    for name in ("features", "examples"):
        run(folder, name, folder / f"whole-{name}")
    return folder


def stage_command(data, name, out):
    """Return the command line of a stage that writes to `out`."""
    inputs = {
        "features": [data / "set", data / "manifest.csv"],
        "examples": [data / "whole-features" / "out"],
    }[name]
    return command(
        name, *inputs, out / "out", "--scratch", out / "scratch", params=data / "params.yaml"
    )


def run(data, name, out, kill_at=None):
    """Run a stage; with `kill_at`, kill it and its children once that many rows are written."""
    process = subprocess.Popen(
        stage_command(data, name, out),
        cwd=ROOT,
        env=ENVIRONMENT,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    rows = out / "scratch" / ("rows" if name == "features" else "out/rows")
    while kill_at is not None and process.poll() is None:
        if rows.exists() and count(rows) >= kill_at:
            os.killpg(process.pid, signal.SIGKILL)
            break
        sleep(0.001)
    assert process.wait() in (0, -signal.SIGKILL)


def count(rows):
    """Count the rows written so far; the stage removes them at its end."""
    lines = 0
    with suppress(FileNotFoundError):
        lines = sum(path.read_bytes().count(b"\n") for path in rows.glob("*.jsonl"))
    return lines


@pytest.mark.parametrize(("name", "elements"), [("features", 7), ("examples", 4)])
def test_killed_after_any_number_of_rows(data, name, elements, tmp_path):
    moments = random.Random(0)
    interrupted = 0
    for trial in range(10):
        out = tmp_path / str(trial)
        run(data, name, out, kill_at=moments.randrange(elements))
        finished = {
            path: path.stat().st_mtime_ns
            for path in (out / "scratch").rglob("*.npy")
            if not path.name.startswith(".")
        }
        interrupted += not (out / "out").exists()
        run(data, name, out)
        assert hashes(out / "out") == hashes(data / f"whole-{name}" / "out"), f"trial {trial}"
        # finished work is reused
        assert {path: path.stat().st_mtime_ns for path in finished} == finished
        assert sorted(path.name for path in out.iterdir()) == ["out", "scratch"]
        # no temporary files are left
        assert not [
            path for path in out.rglob("*") if ".tmp" in path.name or path.suffix == ".jsonl"
        ]
    assert interrupted  # at least one kill came before the end
