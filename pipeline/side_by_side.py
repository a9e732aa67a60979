"""Run `dvc repro` with independent stages in parallel: `python -m pipeline.side_by_side`.

DVC runs one stage after another, which leaves cores idle, but several `dvc repro` may work in one
repository at a time. DVC makes the plan and decides whether a stage changed; as in `dvc repro`, it
decides when all stages that this one depends on are finished. Unchanged stages are skipped. Every
changed stage is run by a separate `dvc repro`. The results are those of a plain `dvc repro`.
"""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from dvc.dependency.param import ParamsDependency
from dvc.dvcfile import PROJECT_FILE
from dvc.exceptions import DvcException
from dvc.repo import Repo, lock_repo
from dvc.repo.reproduce import get_active_graph, plan_repro
from dvc.stage import Stage

from pipeline.common import processes
from pipeline.common.cli import Terminated, UserError, run_stage
from pipeline.common.params import check_names
from pipeline.common.yaml_files import read_yaml

Node = TypeVar("Node")
DVC = [sys.executable, "-m", "dvc", "--wait-for-lock"]


class Reproductions:
    """The `dvc repro` processes that run now; signals reach all that they started too."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, name: str) -> int:
        """Reproduce a stage whose dependencies are up to date; return the exit status.

        Print every line of its output with the stage's name as a prefix.
        """
        started = time.monotonic()
        with self._start([*DVC, "repro", "--single-item", name]) as process:
            # in text mode, the carriage returns of progress bars also end lines
            for line in process.stdout:
                if line.strip():
                    print(f"{name}: {line.strip()}", flush=True)
        with self._lock:
            self._running.discard(process)
        print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
        return process.returncode

    def stop(self, number: int) -> None:
        """Send a signal to all, and start no others."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                processes.send(process, number)

    def _start(self, command: list[str]) -> subprocess.Popen:
        with self._lock:
            if self._stopped:
                raise Terminated(signal.SIGTERM)
            out = subprocess.PIPE
            process = processes.start(command, stdout=out, stderr=subprocess.STDOUT, text=True)
            self._running.add(process)
            return process


def main(jobs: Annotated[int, typer.Option(min=1)] = 2) -> None:
    """Reproduce every stage of dvc.yaml that changed, at most JOBS at a time.

    After a failure, stages that are running finish and no other stage begins. Ctrl-C, SIGTERM and
    SIGHUP end all of them.
    """
    params = Path(ParamsDependency.DEFAULT_PARAMS_FILE)
    if params.exists():
        check_names(params, read_yaml(params))
    try:
        repo = Repo(_wait_for_lock=True)
        graph = read_graph(repo)
    except DvcException:
        graph = {}
    if not graph:  # `dvc repro` reports what is wrong
        raise SystemExit(subprocess.run([*DVC, "repro"]).returncode)

    def find_changed(stages: Collection[Stage]) -> set[Stage]:
        with lock_repo(repo):
            return {stage for stage in stages if has_changed(stage)}

    reproductions = Reproductions()
    statuses = run_graph(
        graph,
        jobs,
        find_changed,
        lambda stage: reproductions.run(stage.addressing),
        reproductions.stop,
    )
    failed = [stage.addressing for stage, status in statuses.items() if status]
    if failed:
        raise UserError(
            f"{', '.join(failed)} failed, see above; what is finished is kept, "
            "run the same command again to continue"
        )
    print("Data and pipelines are up to date.")


def read_graph(repo: Repo) -> dict[Stage, set[Stage]]:
    """Return the stages of `dvc repro`, each with the stages it depends on."""
    with lock_repo(repo):
        graph = get_active_graph(repo.index.graph)
        path = str(Path.cwd() / PROJECT_FILE)
        targets = [stage for stage in graph if stage.path == path]
        plan = plan_repro(graph, targets) if targets else []
        return {stage: set(graph.successors(stage)) for stage in plan}


def has_changed(stage: Stage) -> bool:
    """Return whether DVC would run a stage now; the repository must be locked."""
    try:
        return stage.changed()
    except DvcException:
        return True  # the stage's `dvc repro` reports what is wrong


def run_graph(
    graph: Mapping[Node, set[Node]],
    jobs: int,
    find_changed: Callable[[Collection[Node]], Collection[Node]],
    run: Callable[[Node], int],
    stop: Callable[[int], None],
) -> dict[Node, int]:
    """Run the changed nodes of a graph, each after its dependencies, until one fails.

    Args:
        graph: every node and its dependencies.
        jobs: the maximum number of nodes that run at once.
        find_changed: returns the changed ones of some nodes whose dependencies are finished.
        run: runs a node and returns its exit status.
        stop: sends a signal to the nodes that run; from then on, `run` begins no others.

    Returns:
        The exit status of every node that ran.
    """
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    running = {}
    statuses = {}
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while sorter.is_active() and not any(statuses.values()):
                ready = sorter.get_ready()
                changed = find_changed(ready) if ready else ()
                running |= {pool.submit(run, node): node for node in changed}
                if len(changed) < len(ready):  # skipped nodes may have made others ready
                    sorter.done(*(node for node in ready if node not in changed))
                    continue
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    node = running.pop(future)
                    statuses[node] = future.result()
                    sorter.done(node)
        except (KeyboardInterrupt, Terminated) as error:
            _end(running, stop, error)  # before the pool waits for them
            raise
        finally:
            for future in running:
                future.cancel()  # no effect on those that have begun
    return statuses


def _end(running: Mapping, stop: Callable[[int], None], error: BaseException) -> None:
    """Pass Ctrl-C or SIGTERM on to the nodes that run; kill those that do not end."""
    stop(signal.SIGINT if isinstance(error, KeyboardInterrupt) else signal.SIGTERM)
    try:
        wait(running, processes.GRACE_SECONDS)
    finally:
        stop(signal.SIGKILL)


if __name__ == "__main__":
    run_stage(main)
