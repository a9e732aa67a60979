"""Beam's worker processes on this machine: they end with the process that started them.

Those that Beam's own `multi_processing` mode starts outlive a killed stage until their element is
done, print their log, and do not start from a path with spaces.
"""

import logging
import os
import shlex
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep

import grpc
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.runners.worker import data_plane, sdk_worker_main
from apache_beam.transforms.environments import SubprocessSDKEnvironment

WATCH_SECONDS = 0.5
UNREACHED = (grpc.FutureTimeoutError, grpc.RpcError)  # gRPC's errors without a connection
BEAM_WAITS_ON = "run_worker"  # Beam's threads that wait for a worker process to end
BEAM_READS = "beam_control_read"  # and the one that reads what it says


class ProcessRunner(FnApiRunner):
    """Beam's local runner with worker processes, as many as `--direct_num_workers` says."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", __name__, str(os.getpid())]
        # `exec`, so that this process is the worker's parent, not a shell
        environment = SubprocessSDKEnvironment.from_command_string(f"exec {shlex.join(command)}")
        super().__init__(default_environment=environment)


@contextmanager
def lost_workers() -> Iterator[list[str]]:
    """Yield a list that receives a message for every worker process that fails.

    Beam raises in the thread that waits for the process, and waits for the worker's rows without a
    limit.
    """
    messages: list[str] = []
    show = threading.excepthook
    # else its threads log a traceback when a worker is lost, perhaps after this block
    logging.getLogger(data_plane.__name__).setLevel(logging.CRITICAL)

    def note(failure: threading.ExceptHookArgs) -> None:
        name = failure.thread.name if failure.thread else ""
        if name == BEAM_WAITS_ON:
            messages.append(str(failure.exc_value))
        # a lost worker also fails the connections of other threads, which is no news
        elif name != BEAM_READS and not isinstance(failure.exc_value, UNREACHED):
            show(failure)

    threading.excepthook = note
    try:
        yield messages
    finally:
        if not messages:  # after a loss, threads may still notice it
            threading.excepthook = show


def main(parent: int) -> None:
    """Work for the process `parent` until it has no more work, or ends."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    threading.excepthook = _end_without_parent
    # no log: an error of the work is raised in the parent in any case
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)
    os.environ.pop("LOGGING_API_SERVICE_DESCRIPTOR", None)
    try:
        sdk_worker_main.main(sys.argv)
    except UNREACHED:
        os._exit(1)


def _end_without_parent(failure: threading.ExceptHookArgs) -> None:
    """End this process when a thread cannot reach the parent; report a thread's other errors."""
    if isinstance(failure.exc_value, UNREACHED):
        os._exit(1)
    threading.__excepthook__(failure)


def _end_with(parent: int) -> None:
    """End this process when its parent is another one, because the first has ended."""
    while os.getppid() == parent:
        sleep(WATCH_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
