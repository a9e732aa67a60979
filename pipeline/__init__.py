"""The library, one room per step of the way of the data. What is set here must be set before
TensorFlow and Beam are imported.
"""

import importlib.util
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec

# A sed script without TensorFlow's messages below an error, which begin with severity and date (or
# four zeros), and without absl's line before the first message.
NOTICES = (
    r"/^WARNING: All log messages before absl::InitializeLog\(\)/d;"
    r"/^[IW][0-9]{4} [0-9]{2}:[0-9]{2}:/d"
)


class _QuietTensorFlow(MetaPathFinder):
    """Import TensorFlow without its notices; errors still reach stderr.

    TensorFlow reads TF_CPP_MIN_LOG_LEVEL only after its libraries have loaded. While they load, it
    announces oneDNN on a processor where that is on by default, whatever the level.
    """

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
    """Pass this process's stderr through sed: what is written right before a crash arrives, too."""
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


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
if os.environ["TF_CPP_MIN_LOG_LEVEL"] >= "2" and sys.stderr and "tensorflow" not in sys.modules:
    sys.meta_path.insert(0, _QuietTensorFlow())

# Beam's local runner talks to its workers over gRPC on loopback, which must not go through a proxy.
_unproxied = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
os.environ.setdefault("no_grpc_proxy", f"{_unproxied},localhost,127.0.0.1".strip(","))

# What a user must know reaches them as an error line; libraries' warnings on the root logger are
# noise to them. `force`, or Beam's import would install a handler of its own.
logging.basicConfig(level=logging.ERROR, format="%(levelname)s: %(message)s", force=True)
