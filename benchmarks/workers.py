"""Worker processes that wait to be timed, so that what is compared can take turns."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

from benchmarks.processes import ROOT
from pipeline.common.cli import UserError

REFERENCE = ROOT / "benchmarks" / "reference"
# compiling what is imported takes memory, which is to count for neither side
COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}


class Contender(NamedTuple):
    """What takes its turn: `processes` workers side by side, each doing what `request` says."""

    module: str
    request: dict
    environment: Mapping[str, str] = {}
    processes: int = 1


class Timing(NamedTuple):
    """A contender's seconds per run, all its processes together, one figure per repeat; a
    process's peak memory in MB.
    """

    seconds: list[float]
    megabytes: float
    imported: float  # of it, what TensorFlow and the other imports take


class Worker:
    """A process of `benchmarks.serving.serve`."""

    def __init__(self, contender: Contender, log: IO[str]):
        self.name, self.log = contender.module, log
        command = [
            *interpreter(contender.module),
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
        """Send a line; a process that has ended is noticed when its answer is read."""
        with suppress(BrokenPipeError):
            print(line, file=self.process.stdin, flush=True)

    def hear(self) -> str:
        """The next line of its output."""
        line = self.process.stdout.readline().strip()
        if not line:
            self.log.seek(0)
            last = (self.log.read().strip().splitlines() or ["no message"])[-1].removeprefix(
                "error: "
            )
            raise UserError(f"{self.name} ended with status {self.process.wait()}: {last}")
        return line

    def finish(self) -> tuple[float, float]:
        """Let it end; returns its peak memory and what it was after the imports, in MB."""
        self.process.stdin.close()
        return float(self.hear()), float(self.hear())

    def stop(self) -> None:
        """Leave no process behind, whatever happened."""
        self.process.kill()
        self.process.wait()


def take_turns(contenders: dict[str, Contender], repeats: int, least: float) -> dict[str, Timing]:
    """Time all contenders in turn, `repeats` times for at least so many seconds each, once all
    are warm.
    """
    seconds = {name: [] for name in contenders}
    with ExitStack() as stack:
        groups = {
            name: [start(contender, stack) for _ in range(contender.processes)]
            for name, contender in contenders.items()
        }
        for worker in sum(groups.values(), []):
            worker.hear()
        for name in list(groups) * repeats:
            seconds[name].append(time_together(groups[name], least))
        return {
            name: Timing(seconds[name], *max(worker.finish() for worker in groups[name]))
            for name in groups
        }


def start(contender: Contender, stack: ExitStack) -> Worker:
    """A worker that ends with the stack."""
    worker = Worker(contender, stack.enter_context(TemporaryFile("w+")))
    stack.callback(worker.stop)
    return worker


def time_together(workers: list[Worker], least: float) -> float:
    """Seconds per run of workers that run side by side."""
    for worker in workers:
        worker.say(str(least))
    return 1 / sum(1 / float(worker.hear()) for worker in workers)


def interpreter(module: str) -> list[str]:
    """The command that runs Python where a worker's packages are."""
    if module != "benchmarks.reference_worker":
        return [sys.executable]
    return [
        find_uv(),
        "run",
        "--quiet",
        "--locked",
        "--no-sync",
        "--project",
        str(REFERENCE),
        "python",
    ]


def build_reference() -> None:
    """The authors' package in an environment of its own, from its lock file."""
    options = [
        "--quiet",
        "--locked",
        "--compile-bytecode",
        "--project",
        str(REFERENCE),
        "--python",
        sys.executable,
    ]
    done = subprocess.run([find_uv(), "sync", *options], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"{REFERENCE}: cannot be installed: {last}")


def compile_own() -> None:
    """Import our worker once, so that no measured process compiles it; the authors' package is
    compiled when it is installed.
    """
    subprocess.run(
        [sys.executable, "-c", "import benchmarks.own_worker"],
        cwd=ROOT,
        env=os.environ | COMPILED,
        capture_output=True,
        check=True,
    )


def find_uv() -> str:
    """uv: the one that started this process, the one on the PATH, or the Makefile's own."""
    own = ROOT / ".tools" / "bin" / "uv"
    found = os.environ.get("UV") or shutil.which("uv") or (str(own) if own.exists() else None)
    if not found:
        raise UserError(
            "uv was not found: run this as `make bench`, or name uv in the environment variable UV"
        )
    return str(Path(found))
