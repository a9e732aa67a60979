"""One linear Apache Beam chain: elements -> work -> rows, on any runner, with progress.
Linear on purpose: no tagged outputs, side inputs or file sinks, which not every runner has. Workers
leave their rows as JSON lines in a folder that they share with the driver; rejects are rows, not
exceptions.
"""

import json
import os
import shlex
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import apache_beam as beam
import typer
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.common.cli import UserError, progress

# Results do not depend on it, so it is no parameter: a variable reaches stages that `dvc repro`
# runs.
Workers = Annotated[
    int,
    typer.Option(
        min=1,
        envvar="WORKERS",
        help="Local processes; further options go to Beam, as BEAM_OPTIONS do.",
    ),
]


def run_chain(
    elements: list[dict], work: Callable[[dict], dict], rows: Path, label: str, runner: list[str]
) -> list[dict]:
    """Run `work` on every element; returns its rows, sorted by the elements' ids.

    Args:
        elements: plain dicts with a unique `id`, the dearest first, because runners split them
            statically.
        work: a picklable function from an element to a row with that `id`, which JSON can hold.
        rows: a scratch folder for the rows; on several machines it must be shared.
        runner: Beam's options, as `runner_options` makes them.
    """
    pipeline = _open_pipeline(runner)
    shutil.rmtree(rows, ignore_errors=True)
    rows.mkdir(parents=True)
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(rows, len(elements), label, done))
    watcher.start()
    try:
        with pipeline as chain:
            _ = (
                chain
                | beam.Create(elements)
                | beam.Reshuffle()
                | beam.Map(partial(_work_and_note, work, rows.resolve()))
            )
    finally:
        done.set()
        watcher.join()
    # by id: a cluster may run an element twice
    found = {row["id"]: row for row in _read_rows(rows)}
    shutil.rmtree(rows)
    if found.keys() != {element["id"] for element in elements}:
        raise UserError(
            f"{label}: {len(elements)} elements went in, {len(found)} rows came out; on several "
            f"machines {rows} must lie in a folder they share; run the same command again"
        )
    return [found[name] for name in sorted(found)]


def runner_options(workers: int, options: list[str]) -> list[str]:
    """Beam's options: local `workers`, or whatever runner `options` or the variable BEAM_OPTIONS
    name.

    One worker is this process with a thread per core, several are processes. Without a runner's
    name it is FnApiRunner: Beam's own default first tries to download another one.
    """
    options = [*shlex.split(os.environ.get("BEAM_OPTIONS", "")), *options]
    if any(option.startswith("--runner") for option in options):
        if workers > 1:
            raise UserError(
                "--workers counts local processes; leave it out and give the runner's own option "
                "instead"
            )
        return options
    mode = "multi_processing" if workers > 1 else "multi_threading"
    number = workers if workers > 1 else os.cpu_count()
    return [
        "--runner=FnApiRunner",
        f"--direct_running_mode={mode}",
        f"--direct_num_workers={number}",
        *options,
    ]


def _open_pipeline(runner: list[str]) -> beam.Pipeline:
    """A pipeline on the runner that the options name; Beam itself ignores options that no one
    knows.
    """
    try:
        # imports the runner, whose options are known only then
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
            f"neither this stage nor Beam's runner has an option --{min(unknown)}; correct it"
        )
    return pipeline


def _work_and_note(work: Callable[[dict], dict], rows: Path, element: dict) -> None:
    line = json.dumps(work(element)) + "\n"
    with open(
        rows / f"{socket.gethostname()}-{os.getpid()}-{threading.get_ident()}.jsonl", "a"
    ) as file:
        file.write(line)


def _read_rows(rows: Path) -> Iterator[dict]:
    for path in sorted(rows.glob("*.jsonl")):
        yield from map(json.loads, path.read_text().splitlines())


def _watch(rows: Path, total: int, label: str, done: threading.Event) -> None:
    """Draw progress from the files of rows: the local runner blocks, so its counters cannot be
    asked.
    """
    read: dict[Path, int] = {}
    with progress(None, label, total, unit="file") as bar:
        while True:
            last = done.wait(0.5)
            for path in rows.glob("*.jsonl"):
                with open(path, "rb") as file:
                    file.seek(read.get(path, 0))
                    new = file.read()
                read[path] = read.get(path, 0) + len(new)
                bar.update(new.count(b"\n"))
            if last:
                return
