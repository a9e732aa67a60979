"""How a stage meets its user: one error line for bad input, progress with remaining time."""

import errno
import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

import typer
from tqdm import tqdm

Item = TypeVar("Item")


class UserError(Exception):
    """Something the user can put right; the message names the file or key and the remedy."""


def run_stage(main: Callable[..., None], pass_options_on: bool = False) -> None:
    """Run a stage's main function as a command; errors a user can act on end in one line and exit
    status 1.

    With `pass_options_on`, options the stage does not know stay in its context's `args`.
    """
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    settings = {"allow_extra_args": pass_options_on, "ignore_unknown_options": pass_options_on}
    app.command(context_settings=settings)(main)
    try:
        status = app(standalone_mode=False)
        if status == 130:  # what typer makes of Ctrl-C
            raise KeyboardInterrupt
    except UserError as error:
        _stop(str(error))
    except KeyboardInterrupt:
        _stop("interrupted; what is finished is kept, run the same command again to continue", 130)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _stop(
            f"no space left on the disk while writing {error.filename or 'a file'}; free some "
            "space and run the same command again: finished stages and checkpoints are kept"
        )
    except Exception as error:
        if type(error).__module__.startswith(("click", "typer")):
            _stop(
                getattr(error, "format_message", lambda error=error: str(error))() or "stopped", 2
            )
        if "No space left on device" in str(error):  # libraries in C or C++ lose the errno
            _stop(
                "no space left on the disk; free some space and run the same command again: "
                "finished stages and checkpoints are kept"
            )
        raise


def progress(
    items: Iterable[Item], label: str, total: int | None = None, initial: int = 0, unit: str = "it"
):
    """`items` with a progress bar: rate and remaining time; a line every 15 s where no one
    watches a terminal.
    """
    return tqdm(
        items,
        label,
        total,
        initial=initial,
        unit=unit,
        mininterval=0.5 if sys.stderr.isatty() else 15,
    )


def _stop(message: str, status: int = 1) -> None:
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(status)
