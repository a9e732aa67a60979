"""kill -9 at any moment of features and of examples: the next run ends in the same bytes, keeps what was done, leaves nothing stale."""

import os
import random
import signal
import subprocess
import time

import pytest

from commands import ENVIRONMENT, command, hashes, small_data
from conftest import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = small_data(tmp_path_factory.mktemp("data"))
    for name in ("features", "examples"):
        folder.joinpath(f"seconds-{name}").write_text(str(run(folder, name, folder / f"whole-{name}")))
    return folder


def arguments(data, name, out):
    inputs = {"features": [data / "set", data / "manifest.csv"], "examples": [data / "whole-features" / "out"]}[name]
    return command(name, *inputs, out / "out", "--scratch", out / "scratch", params=data / "params.yaml")


def run(data, name, out, kill_after=None):
    """Run a stage, or kill it with its children after so many seconds of work; returns the seconds of work it took."""
    process = subprocess.Popen(arguments(data, name, out), cwd=ROOT, env=ENVIRONMENT, stderr=subprocess.DEVNULL, start_new_session=True)
    rows = out / "scratch" / ("rows" if name == "features" else "out/rows")
    while process.poll() is None and not rows.exists():
        time.sleep(0.01)
    started = time.monotonic()
    try:
        process.wait(timeout=kill_after)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() in (0, -signal.SIGKILL)
    return time.monotonic() - started


@pytest.mark.parametrize("name", ["features", "examples"])
def test_killed_at_ten_random_moments(data, name, tmp_path):
    moments, seconds, interrupted = random.Random(0), float((data / f"seconds-{name}").read_text()), 0
    for trial in range(10):
        out = tmp_path / str(trial)
        run(data, name, out, kill_after=moments.uniform(0, seconds))
        finished = {path: path.stat().st_mtime_ns for path in (out / "scratch").rglob("*.npy") if not path.name.startswith(".")}
        interrupted += not (out / "out").exists()
        run(data, name, out)
        assert hashes(out / "out") == hashes(data / f"whole-{name}" / "out"), f"trial {trial}"
        assert {path: path.stat().st_mtime_ns for path in finished} == finished  # reused, not computed again
        assert sorted(path.name for path in out.iterdir()) == ["out", "scratch"]
        assert not [path for path in out.rglob("*") if ".tmp" in path.name or path.suffix == ".jsonl"]  # nothing stale
    assert interrupted >= 5  # moments really fell into the work
