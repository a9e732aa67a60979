"""The authors' two releases, each in a separate process and environment."""

import json
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

import numpy as np

from benchmarks.workers import REFERENCE, Contender, Worker, build_reference, start
from conformance.measure import FIRST, LAST

PROJECTS = {FIRST: Path(__file__).parent / "reference", LAST: REFERENCE}


class Authors:
    """Both releases, started on entering the context and stopped on leaving it."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._workers: dict[str, Worker] = {}

    def __enter__(self) -> "Authors":
        """Install the packages and start a worker for each."""
        self._folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="conformance-")))
        for release, project in PROJECTS.items():
            build_reference(project)
            contender = Contender("conformance.authors_worker", {}, project=project)
            self._workers[release] = start(contender, self._stack)
        for release, worker in self._workers.items():
            found = worker.hear()
            if found != release:
                raise ValueError(f"{PROJECTS[release]}: ddsp is {found}, expected {release}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the workers."""
        self._stack.close()

    def ask(self, release: str, case: str, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Compute a case of `conformance.authors_worker` with one release.

        Args:
            release: `FIRST` or `LAST`.
            case: name of a function of the worker.
            given: its inputs.

        Returns:
            Results by name; a single result is named `values`.
        """
        paths = [self._folder / f"{release}-{name}.npz" for name in ("question", "answer")]
        np.savez(paths[0], **given)
        worker = self._workers[release]
        worker.say(json.dumps([case, *map(str, paths)]))
        worker.hear()
        with np.load(paths[1]) as answers:
            return dict(answers)
