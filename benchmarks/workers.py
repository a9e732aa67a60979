"""Worker processes that time themselves on request, so that contenders can take turns."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

from benchmarks.processes import ROOT, last_line
from pipeline.common.cli import UserError

REFERENCE = ROOT / "benchmarks" / "reference"
# compiling imports takes memory that should count for neither side, so bytecode is kept
COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}


class Contender(NamedTuple):
    """A program to time: `processes` parallel workers, each with the same request."""

    module: str
    request: dict
    environment: Mapping[str, str] = {}
    processes: int = 1
    project: Path | None = None  # uv project with its packages; None: this project


def reference_contender(request: dict) -> Contender:
    """Return the authors' package as a contender."""
    return Contender("benchmarks.reference_worker", request, project=REFERENCE)


def own_contender(
    request: dict, environment: Mapping[str, str] | None = None, processes: int = 1
) -> Contender:
    """Return this project as a contender."""
    return Contender("benchmarks.own_worker", request, environment or {}, processes)


class Timing(NamedTuple):
    """The time and memory of a contender."""

    seconds: list[float]  # per run, over all its processes, one value per repeat
    megabytes: float  # peak memory of a process
    imported: float  # part of it that TensorFlow and the other imports take


class Worker:
    """A process that runs `benchmarks.serving.serve`."""

    def __init__(self, contender: Contender, log: IO[str]):
        self.name = contender.module
        self.log = log
        command = [
            *interpreter(contender.project),
            "-m",
            contender.module,
            json.dumps(contender.request),
        ]
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"} | COMPILED | contender.environment
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, stderr=log, text=True
        )

    def say(self, line: str) -> None:
        """Send a line; if the process has ended, reading its answer will raise."""
        with suppress(BrokenPipeError):
            print(line, file=self.process.stdin, flush=True)

    def hear(self) -> str:
        """Read the next line of its output.

        Raises:
            UserError: the process has ended.
        """
        line = self.process.stdout.readline().strip()
        if not line:
            self.log.seek(0)
            message = last_line(self.log.read())
            raise UserError(f"{self.name} ended with status {self.process.wait()}: {message}")
        return line

    def finish(self) -> tuple[float, float]:
        """Let the process end; return its peak memory and that after the imports, in MB."""
        self.process.stdin.close()
        return float(self.hear()), float(self.hear())

    def stop(self) -> None:
        """Kill the process if it still runs."""
        self.process.kill()
        self.process.wait()


def take_turns(contenders: dict[str, Contender], repeats: int, least: float) -> dict[str, Timing]:
    """Time contenders in turn once all are warm.

    Args:
        contenders: by name.
        repeats: turns of each contender.
        least: minimum duration of a turn in seconds.
    """
    seconds = {name: [] for name in contenders}
    with ExitStack() as stack:
        groups = {
            name: [start(contender, stack) for _ in range(contender.processes)]
            for name, contender in contenders.items()
        }
        for worker in chain.from_iterable(groups.values()):
            worker.hear()  # "ready"
        for name in list(groups) * repeats:
            seconds[name].append(time_together(groups[name], least))
        return {
            name: Timing(seconds[name], *max(worker.finish() for worker in groups[name]))
            for name in groups
        }


def start(contender: Contender, stack: ExitStack) -> Worker:
    """Start a worker that is stopped when the stack closes."""
    log = stack.enter_context(TemporaryFile("w+"))  # noqa: SIM115, the stack closes it
    worker = Worker(contender, log)
    stack.callback(worker.stop)
    return worker


def time_together(workers: list[Worker], least: float) -> float:
    """Return the seconds per run of workers that run in parallel."""
    for worker in workers:
        worker.say(str(least))
    return 1 / sum(1 / float(worker.hear()) for worker in workers)


def interpreter(project: Path | None) -> list[str]:
    """Return the command for Python in the environment of a worker's packages."""
    if project is None:
        return [sys.executable]
    options = ["--quiet", "--locked", "--no-sync", "--project", str(project)]
    return [find_uv(), "run", *options, "python"]


def build_reference(project: Path = REFERENCE) -> None:
    """Install a release of the authors' package in a separate environment from its lock file."""
    options = [
        "--quiet",
        "--locked",
        "--compile-bytecode",
        "--project",
        str(project),
        "--python",
        sys.executable,
    ]
    done = subprocess.run([find_uv(), "sync", *options], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"{project}: cannot be installed: {last_line(done.stderr)}")


def compile_own() -> None:
    """Import our worker once, so that no measured process compiles it. The authors' package is
    compiled on installation.
    """
    subprocess.run(
        [sys.executable, "-c", "import benchmarks.own_worker"],
        cwd=ROOT,
        env=os.environ | COMPILED,
        capture_output=True,
        check=True,
    )


def find_uv() -> str:
    """Find uv: from the environment variable UV, where the Makefile installs it, or on the PATH.

    The first two have the pinned version.
    """
    installed = ROOT / ".tools" / "bin" / "uv"
    uv = os.environ.get("UV") or (installed.exists() and str(installed)) or shutil.which("uv")
    if uv:
        return uv
    raise UserError(
        "uv was not found: run this as `make bench`, or name uv in the environment variable UV"
    )
