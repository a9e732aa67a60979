"""One linear Apache Beam pipeline: elements -> work -> rows, on any runner, with progress.

It is linear on purpose: not every runner supports tagged outputs, side inputs or file sinks.
Workers write their rows as JSON lines to a folder that they share with the driver. A rejected
element gives a row, not an exception.
"""

import json
import os
import shlex
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from functools import partial
from pathlib import Path
from typing import Annotated

import apache_beam as beam
import typer
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.common.cli import UserError, progress
from pipeline.preparation.local_workers import UNREACHED, WATCH_SECONDS, ProcessRunner, lost_workers

# Not in params.yaml, because results do not depend on it; the environment variable reaches the
# stages that `dvc repro` runs.
Workers = Annotated[
    int,
    typer.Option(
        min=1,
        envvar="WORKERS",
        help="Local processes; further options go to Beam, as BEAM_OPTIONS do.",
    ),
]
PROCESSES = f"{ProcessRunner.__module__}.{ProcessRunner.__name__}"


def run_chain(
    elements: list[dict], work: Callable[[dict], dict], rows: Path, label: str, runner: list[str]
) -> list[dict]:
    """Run `work` on every element; return the rows, sorted by id.

    Args:
        elements: plain dicts with a unique `id`, the most expensive first, because runners split
            the list statically.
        work: picklable function from an element to a row: a JSON-serializable dict with that `id`.
        rows: scratch folder for the rows, emptied first; several machines must share it.
        label: name of the job in progress and error messages.
        runner: Beam's options, from `runner_options`.

    Raises:
        UserError: the options are wrong, a worker is lost or out of reach, or rows are missing.
    """
    pipeline = _open_pipeline(runner)
    shutil.rmtree(rows, ignore_errors=True)
    rows.mkdir(parents=True)
    outcome: Future[None] = Future()
    write = partial(_write_row, work, rows.resolve())
    # A daemon, because Beam waits for its workers without a limit, also where they cannot answer
    # any more, after Ctrl-C or when one of them was killed.
    run = threading.Thread(target=_run, args=(pipeline, elements, write, outcome), daemon=True)
    with lost_workers() as lost:
        run.start()
        _watch(rows, len(elements), label, outcome, lost)
    _check_outcome(outcome, lost, label)
    # keyed by id, because a cluster may run an element twice
    row_by_id = {row["id"]: row for row in _read_rows(rows)}
    shutil.rmtree(rows)
    if row_by_id.keys() != {element["id"] for element in elements}:
        raise UserError(
            f"{label}: {len(elements)} elements went in, {len(row_by_id)} rows came out; if "
            f"several machines work together, they must share the folder {rows}; run the same "
            "command again"
        )
    return [row_by_id[name] for name in sorted(row_by_id)]


def runner_options(workers: int, options: list[str]) -> list[str]:
    """Return Beam's options for local workers, or for the runner that the options name.

    One worker is this process with one thread per core; several workers are processes. The default
    runner is FnApiRunner, because Beam's own default first tries to download another runner.

    Args:
        workers: number of local workers.
        options: further options for Beam; those of the environment variable BEAM_OPTIONS come
            before them.

    Raises:
        UserError: both a runner and several local workers are asked for.
    """
    options = [*shlex.split(os.environ.get("BEAM_OPTIONS", "")), *options]
    if any(option.startswith("--runner") for option in options):
        if workers > 1:
            raise UserError(
                "--workers counts local processes; leave it out and set the number of workers "
                "with the runner's own options"
            )
        return options
    if workers > 1:
        return [f"--runner={PROCESSES}", f"--direct_num_workers={workers}", *options]
    return [
        "--runner=FnApiRunner",
        "--direct_running_mode=multi_threading",
        f"--direct_num_workers={os.cpu_count()}",
        *options,
    ]


def _open_pipeline(runner: list[str]) -> beam.Pipeline:
    """Open a pipeline on the runner that the options name.

    Unknown options are an error here; Beam ignores them.
    """
    try:
        # this imports the runner, and only then are its options known
        pipeline = beam.Pipeline(options=PipelineOptions(runner))
    except (ValueError, ImportError, AttributeError) as error:
        raise UserError(f"Beam: {error}; correct --runner or BEAM_OPTIONS") from None
    options = PipelineOptions(runner)
    unknown = (
        options.get_all_options(retain_unknown_options=True).keys()
        - options.get_all_options().keys()
    )
    if unknown:
        raise UserError(
            f"neither this stage nor Beam's runner has an option --{min(unknown)}; "
            "correct or remove it"
        )
    return pipeline


def _run(
    pipeline: beam.Pipeline, elements: list[dict], write: Callable, outcome: Future[None]
) -> None:
    """Run `write` on every element; put the end or the error of the run into `outcome`."""
    try:
        with pipeline as chain:
            _ = chain | beam.Create(elements) | beam.Reshuffle() | beam.Map(write)
    except BaseException as error:
        outcome.set_exception(error)
    else:
        outcome.set_result(None)


def _check_outcome(outcome: Future[None], lost: list[str], label: str) -> None:
    """Stop if a worker process is lost or cannot be reached; raise the run's other errors."""
    if lost:
        raise UserError(
            f"{label}: a local worker is gone ({lost[0]}); if memory ran out, use fewer --workers "
            "(or WORKERS); run the same command again to continue"
        )
    error = outcome.exception()
    # Dask's errors of connections are OSErrors without a number
    unnumbered = isinstance(error, OSError) and error.errno is None
    if isinstance(error, UNREACHED) or unnumbered:
        raise UserError(
            f"{label}: Beam's workers or job service cannot be reached ({_first_line(error)}); "
            "check that they run, and the addresses in the options and in BEAM_OPTIONS, and run "
            "the same command again to continue"
        ) from None
    outcome.result()


def _first_line(error: BaseException) -> str:
    """Return what an error says, in one line, or its name."""
    details = getattr(error, "details", lambda: str(error))()
    return next(iter((details or "").strip().splitlines()), type(error).__name__)


def _write_row(work: Callable[[dict], dict], rows: Path, element: dict) -> None:
    """Run `work` on an element and append its row to this thread's file."""
    line = json.dumps(work(element)) + "\n"
    thread = f"{socket.gethostname()}-{os.getpid()}-{threading.get_ident()}"
    with open(rows / f"{thread}.jsonl", "a") as file:
        file.write(line)


def _read_rows(rows: Path) -> Iterator[dict]:
    """Yield the rows of all workers."""
    for path in sorted(rows.glob("*.jsonl")):
        yield from map(json.loads, path.read_text().splitlines())


def _watch(rows: Path, total: int, label: str, outcome: Future[None], lost: list[str]) -> None:
    """Show progress by counting lines in the row files until the run ends or a worker is lost.

    Beam's own counters cannot be read meanwhile, because the local runner blocks.
    """
    bytes_read: dict[Path, int] = {}
    with progress(None, label, total, unit="file") as bar:
        while True:
            finished = wait([outcome], WATCH_SECONDS).done or lost
            for path in rows.glob("*.jsonl"):
                with open(path, "rb") as file:
                    file.seek(bytes_read.get(path, 0))
                    new = file.read()
                bytes_read[path] = bytes_read.get(path, 0) + len(new)
                bar.update(new.count(b"\n"))
            if finished:
                return
