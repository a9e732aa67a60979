"""Processes that a test's process started: wait until they run, and until they are gone."""

import signal
import subprocess
from pathlib import Path
from time import sleep

import psutil


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
