"""Signals reach all that a command started: nothing outlives it, and the next run continues."""

import signal
import sys

import pytest

import children
from children import assert_gone, finish, wait_for_children
from commands import error_line
from conftest import ROOT
from small_projects import dvc, reproduce, write_pipeline

# a stage that starts a process, as Beam does; both say their numbers and wait
WAIT = """
import os, pathlib, signal, subprocess, sys, time
if sys.argv[1] == "deaf":
    [signal.signal(number, signal.SIG_IGN) for number in (2, 15)]
if len(sys.argv) == 3:
    subprocess.Popen([*sys.orig_argv, "child"])
folder = pathlib.Path("children")
folder.mkdir(exist_ok=True)
(folder / str(os.getpid())).touch()
time.sleep(600)
"""
# a command that runs another one as `make verify` does
RUN = """
import sys
from pathlib import Path
from pipeline.common import processes
from pipeline.common.cli import run_stage

def main():
    processes.run([sys.executable, "wait.py", "hears", "out"], Path("."))

run_stage(main)
"""


def start(folder, *command):
    """Start Python with a command line in a folder."""
    return children.start(folder, sys.executable, *command, PYTHONPATH=str(ROOT))


def check_signal(process, folder, count, number):
    """Send a signal once `count` children run; check that they end, and what the user is told."""
    started = wait_for_children(folder / "children", count, process)
    process.send_signal(number)
    done = finish(process)
    assert "run the same command again to continue" in error_line(done)
    assert done.returncode == 128 + number
    assert_gone(started)


@pytest.mark.parametrize(
    ("number", "hearing"),
    [
        (signal.SIGTERM, "hears"),
        (signal.SIGHUP, "hears"),
        (signal.SIGINT, "hears"),
        (signal.SIGTERM, "deaf"),
    ],
)
def test_a_signal_reaches_all_that_runs_and_the_next_run_continues(tmp_path, number, hearing):
    project = tmp_path / "project"
    project.mkdir()
    (project / "wait.py").write_text(WAIT)
    stages = {
        name: {"cmd": f"{sys.executable} wait.py {hearing} {name}.out", "outs": [f"{name}.out"]}
        for name in ("one", "two")
    }
    write_pipeline(project, stages)
    assert dvc(project, "init", "--quiet", "--no-scm").returncode == 0
    process = start(project, "-m", "pipeline.side_by_side")
    check_signal(process, project, 4, number)
    (project / "wait.py").write_text("open(__import__('sys').argv[2], 'w')")
    done, turns = reproduce(project)
    assert done.returncode == 0 and turns == ["one", "two"], done.stdout + done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_reaches_what_a_command_runs(tmp_path, number):
    (tmp_path / "wait.py").write_text(WAIT)
    check_signal(start(tmp_path, "-c", RUN), tmp_path, 2, number)


def test_a_hangup_that_nohup_ignores_stays_ignored(tmp_path):
    program = """
import os, signal
from pipeline.common.cli import run_stage
signal.signal(signal.SIGHUP, signal.SIG_IGN)

def main():
    os.kill(os.getpid(), signal.SIGHUP)
    print("goes on")

run_stage(main)
"""
    assert finish(start(tmp_path, "-c", program)).stdout == "goes on\n"
