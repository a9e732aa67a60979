"""Commands in processes of their own, with their wall time and memory."""

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


class Run(NamedTuple):
    """A command that ran to its end: what it printed, its wall time, the peak memory of all its
    processes together.
    """

    printed: str
    seconds: float
    megabytes: float


def run(module: list, environment: dict[str, str] | None = None) -> Run:
    """Run a module with its arguments as a command of its own."""
    command = [sys.executable, "-m", *map(str, module)]
    with TemporaryFile("w+") as printed, TemporaryFile("w+") as log:
        start = time.perf_counter()
        with subprocess.Popen(
            command, cwd=ROOT, env=os.environ | (environment or {}), stdout=printed, stderr=log
        ) as process:
            peak = watch_memory(process)
        seconds = time.perf_counter() - start
        for file in (printed, log):
            file.seek(0)
        if process.returncode:
            last = (log.read().strip().splitlines() or ["no message"])[-1].removeprefix("error: ")
            raise UserError(f"{module[0]} ended with status {process.returncode}: {last}")
        return Run(printed.read(), seconds, peak / 1e6)


def watch_memory(process: subprocess.Popen) -> int:
    """Wait for a process; returns the highest sum of resident memory over it and its children, in
    bytes.

    By sampling: what the system itself keeps of finished children is the peak of the largest one,
    not of their sum.
    """
    peak, root = 0, psutil.Process(process.pid)
    while process.poll() is None:
        try:
            peak = max(
                peak, sum(each.memory_info().rss for each in [root, *root.children(recursive=True)])
            )
        except psutil.NoSuchProcess:
            pass  # one ended just now
        time.sleep(0.1)
    return peak
