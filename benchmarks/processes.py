"""Run commands in processes of their own; measure wall time and memory."""

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

import psutil

from pipeline.common.cli import UserError

ROOT = Path(__file__).parent.parent
MEMORY_NOTE = "resident, all processes together"


class Run(NamedTuple):
    """A command that succeeded: its output, wall time and the peak memory of all its processes
    together.
    """

    printed: str
    seconds: float
    megabytes: float


def run(module: list, environment: dict[str, str] | None = None) -> Run:
    """Run a module with its arguments as a command.

    Raises:
        UserError: the command failed; the error quotes the last line of its log.
    """
    command = [sys.executable, "-m", *map(str, module)]
    with TemporaryFile("w+") as printed, TemporaryFile("w+") as log:
        start = time.perf_counter()
        with subprocess.Popen(
            command, cwd=ROOT, env=os.environ | (environment or {}), stdout=printed, stderr=log
        ) as process:
            peak = watch_memory(process)
        seconds = time.perf_counter() - start
        printed.seek(0)
        log.seek(0)
        if process.returncode:
            message = last_line(log.read())
            raise UserError(f"{module[0]} ended with status {process.returncode}: {message}")
        return Run(printed.read(), seconds, peak / 1e6)


def last_line(log: str) -> str:
    """Return the last line of a process's log without the prefix of this project's errors."""
    lines = log.strip().splitlines() or ["no message"]
    return lines[-1].removeprefix("error: ")


def watch_memory(process: subprocess.Popen) -> int:
    """Wait for a process; return the peak of the resident memory of it and its children in bytes.

    Memory is sampled, because the system only records the peak of the largest finished child, not
    the peak of their sum.
    """
    peak = 0
    root = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            family = [root, *root.children(recursive=True)]
            peak = max(peak, sum(member.memory_info().rss for member in family))
        except psutil.NoSuchProcess:
            pass  # a process ended in the meantime
        time.sleep(0.1)
    return peak
