"""Import TensorFlow without its start-up notices; its errors still reach stderr.

TF_CPP_MIN_LOG_LEVEL alone does not do it: TensorFlow reads the variable only after its libraries
have loaded, and while they load it announces oneDNN on processors where that is on by default.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec

LEVEL = "TF_CPP_MIN_LOG_LEVEL"  # "2": errors only
NOTICES = (  # a sed script: delete absl's warning, and messages of severity I and W
    r"/^WARNING: All log messages before absl::InitializeLog\(\)/d;"
    r"/^[IW][0-9]{4} [0-9]{2}:[0-9]{2}:/d"
)


def hide_notices() -> None:
    """Hide what TensorFlow prints below errors; a user who sets its log level sees everything."""
    os.environ.setdefault(LEVEL, "2")
    filtered = sys.stderr and shutil.which("sed")  # stderr may be closed
    if filtered and os.environ[LEVEL] >= "2" and "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, _QuietTensorFlow())


class _QuietTensorFlow(MetaPathFinder):
    """Filter stderr while TensorFlow loads."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Find TensorFlow, once, and wrap its loader."""
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec and spec.loader:
            load = spec.loader.exec_module

            def load_quietly(module):
                with _without_notices():
                    load(module)

            spec.loader.exec_module = load_quietly
        return spec


@contextmanager
def _without_notices() -> Iterator[None]:
    """Pass stderr through a process, so that a message written right before a crash arrives too."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with subprocess.Popen(["sed", "-E", NOTICES], stdin=subprocess.PIPE, stdout=stderr) as sed:
        os.dup2(sed.stdin.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
