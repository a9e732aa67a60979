"""`dvc repro` with independent stages side by side: `python -m pipeline.side_by_side [--jobs N]`, which `make repro` runs.

DVC itself runs one stage after another, which leaves cores idle, but several `dvc repro` may work in one repository at a time. The
order is DVC's own graph; results are those of a plain `dvc repro`.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from typing import Annotated

import typer
from dvc.exceptions import DvcException
from dvc.repo import Repo

from pipeline.command import UserError, run_stage

DVC = [sys.executable, "-m", "dvc", "--wait-for-lock"]


def main(jobs: Annotated[int, typer.Option(min=1)] = 2) -> None:
    """Reproduces every stage of dvc.yaml, at most JOBS at a time. After a failure what is running is finished, nothing more is begun."""
    try:
        graph = read_graph()
    except DvcException:
        graph = {}  # `dvc repro` says best what is wrong
    failed = run_graph(graph, jobs, repro)
    if failed:
        raise UserError(f"{', '.join(failed)} failed, see above; what is finished is kept, run the same command again to continue")
    status = subprocess.run([*DVC, "repro"]).returncode  # everything once more in one view: nothing may be left to do
    if status:
        raise SystemExit(status)


def read_graph() -> dict[str, set[str]]:
    """The names of dvc.yaml's stages, and of those that each needs."""
    with Repo() as repo:
        graph = repo.index.graph
        return {stage.addressing: {needed.addressing for needed in graph.successors(stage)} for stage in graph}


def run_graph(graph: dict[str, set[str]], jobs: int, run: Callable[[str], int]) -> list[str]:
    """Run every stage after those it needs, at most `jobs` at a time, until one has a status other than 0; returns those that had."""
    sorter, running, failed = TopologicalSorter(graph), {}, []
    sorter.prepare()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while sorter.is_active() and not failed:
                running |= {pool.submit(run, name): name for name in sorter.get_ready()}
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    name = running.pop(future)
                    failed += [name] if future.result() else []
                    sorter.done(name)
        finally:
            for future in running:
                future.cancel()  # stops those that have not begun
    return failed


def repro(name: str) -> int:
    """Reproduce one stage whose dependencies are up to date, its output line by line behind its name; returns the exit status."""
    started = time.monotonic()
    command = [*DVC, "repro", "--single-item", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout:  # text mode: a progress bar's carriage returns end lines too
            if line.strip():
                print(f"{name}: {line.strip()}", flush=True)
    print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
    return process.returncode


if __name__ == "__main__":
    run_stage(main)
