"""`make listen` for tests: the page as users have it served."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from commands import ENVIRONMENT
from conftest import ROOT


@contextmanager
def served(*variables: str) -> Iterator[str]:
    """Run `make listen` for the duration of the block; yield the address that it prints."""
    process = subprocess.Popen(
        ["make", "--silent", "listen", *variables],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        process_group=0,
    )
    try:
        yield process.stdout.readline().split()[-1]
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate()
