"""Processes that a test starts and sends signals to, and those that they start."""

import signal
import subprocess
from pathlib import Path
from time import sleep

import psutil

from commands import ENVIRONMENT

LIMIT = 300  # seconds; it only ends a hang


def start(folder: Path, *command: str, **environment: str) -> subprocess.Popen:
    """Start a command in a folder; it hears signals that this process may have inherited as
    ignored, from nohup or as a shell's background job.
    """
    return subprocess.Popen(
        command,
        cwd=folder,
        env=ENVIRONMENT | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_hear_signals,
    )


def finish(process: subprocess.Popen) -> subprocess.CompletedProcess:
    """Wait for a process; return it as `subprocess.run` does."""
    try:
        stdout, stderr = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def _hear_signals() -> None:
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def wait_for_children(folder: Path, count: int, process: subprocess.Popen) -> list[psutil.Process]:
    """Wait until `count` processes wrote a file into `folder`, named by their number."""
    while not folder.exists() or len(list(folder.iterdir())) < count:
        assert process.poll() is None, "the process ended before its children began"
        sleep(0.05)
    return [psutil.Process(int(path.name)) for path in folder.iterdir()]


def assert_gone(processes: list[psutil.Process]) -> None:
    """Wait for the end of processes; the limit only ends a hang."""
    _, alive = psutil.wait_procs(processes, timeout=120)
    # nobody may wait for a zombie
    left = [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]
    for each in left:
        each.send_signal(signal.SIGKILL)
    assert left == []
