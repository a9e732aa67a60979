"""Run commands in separate process groups, so that a signal ends all that they started."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

GRACE_SECONDS = 10.0  # between a signal and SIGKILL


def start(command: list[str], **options) -> subprocess.Popen:
    """Start a command in a new process group; `options` are those of `subprocess.Popen`.

    It has no input: reading from the terminal would stop a group in the background.
    """
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0, **options)


def send(process: subprocess.Popen, number: int) -> None:
    """Send a signal to the whole group of a process that nobody has waited for yet."""
    if process.returncode is None:  # else another group may have got its number
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess:
    """Run a command in a folder; return its status and output.

    An exception that comes meanwhile, such as Ctrl-C, ends the whole group first.
    """
    pipe = subprocess.PIPE
    with start(command, cwd=folder, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            stdout, stderr = process.communicate()
        except BaseException:
            send(process, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                # longer than what the command itself may grant to others
                process.communicate(timeout=2 * GRACE_SECONDS)
            send(process, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)
