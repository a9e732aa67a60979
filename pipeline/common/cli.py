"""Command-line behaviour of every stage: one-line errors for bad input, and progress bars."""

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import NoReturn, TypeVar

import typer
from tqdm import tqdm

Item = TypeVar("Item")
CONTINUE = "what is finished is kept, run the same command again to continue"


class UserError(Exception):
    """An error that the user can fix; the message names the file or key and the remedy."""


class Terminated(BaseException):
    """SIGTERM or SIGHUP; like KeyboardInterrupt, it ends context managers on its way."""


def run_stage(main: Callable[..., None], pass_options_on: bool = False) -> None:
    """Run a stage's main function as a command.

    An error that the user can fix is printed in one line, with exit status 1. Ctrl-C, SIGTERM and
    SIGHUP end the command in order: temporary files and other processes go first.

    Args:
        main: the function; its parameters become arguments and options.
        pass_options_on: leave options that `main` does not declare in its context's `args`.
    """
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    settings = {"allow_extra_args": pass_options_on, "ignore_unknown_options": pass_options_on}
    app.command(context_settings=settings)(main)
    _raise_on_signals()
    try:
        status = app(standalone_mode=False)
        if status == 130:  # typer's status for Ctrl-C
            raise KeyboardInterrupt
    except UserError as error:
        _stop(str(error))
    except KeyboardInterrupt:
        _stop_at_once(f"interrupted; {CONTINUE}", signal.SIGINT)
    except Terminated as error:
        _stop_at_once(f"terminated; {CONTINUE}", error.args[0])
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _stop(
            f"no space left on the disk while writing {error.filename or 'a file'}; free some "
            "space and run the same command again: finished stages and checkpoints are kept"
        )
    except Exception as error:
        if type(error).__module__.startswith(("click", "typer")):
            _stop(_usage_message(error), 2)
        if "No space left on device" in str(error):  # libraries in C or C++ lose the errno
            _stop(
                "no space left on the disk; free some space and run the same command again: "
                "finished stages and checkpoints are kept"
            )
        raise


def progress(
    items: Iterable[Item], label: str, total: int | None = None, initial: int = 0, unit: str = "it"
):
    """Iterate with a progress bar that shows the rate and the remaining time.

    Where stderr is not a terminal, print a line at most every 15 seconds.

    Args:
        items: what to iterate over.
        label: printed before the bar.
        total: the number of items, if `items` has no length.
        initial: how many items were done before.
        unit: the name of an item.
    """
    return tqdm(
        items,
        label,
        total,
        initial=initial,
        unit=unit,
        mininterval=0.5 if sys.stderr.isatty() else 15,
    )


def _usage_message(error: Exception) -> str:
    format_message = getattr(error, "format_message", lambda: str(error))
    return format_message() or "stopped"


def _raise_on_signals() -> None:
    """Raise `Terminated` on SIGTERM and SIGHUP, unless the latter is ignored, as by nohup."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _raise_terminated)


def _raise_terminated(number: int, frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_DFL)  # a second one ends the process at once
    raise Terminated(number)


def _stop(message: str, status: int = 1) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(status)


def _stop_at_once(message: str, number: int) -> NoReturn:
    """Report a signal and end; do not wait for threads, which may be in the middle of their work.

    Python would end daemon threads inside TensorFlow, which aborts.
    """
    print(f"error: {message}", file=sys.stderr, flush=True)
    sys.stdout.flush()
    os._exit(128 + number)
