"""The authors' package, imported in a separate environment (`workers.build_reference`)."""

import importlib
import importlib.util
import os
import sys
import types
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # the package is written for Keras 2


def load_package(without: tuple[str, ...] = ()) -> types.ModuleType:
    """Import `ddsp`; each module of `without` that is not installed is replaced by an empty one."""
    for name in without:
        top, _, child = name.partition(".")
        if top in sys.modules or not importlib.util.find_spec(top):
            sys.modules[name] = types.ModuleType(name)
            if child:
                setattr(sys.modules[top], child, sys.modules[name])
    return importlib.import_module("ddsp")


def training_module(name: str) -> types.ModuleType:
    """Import a module of `ddsp.training`.

    `import ddsp.training` requires Google Cloud, note_seq and TensorFlow Datasets, so the module is
    imported without the package's __init__.py.
    """
    ddsp = importlib.import_module("ddsp")
    if "ddsp.training" not in sys.modules:
        package = types.ModuleType("ddsp.training")
        package.__path__ = [str(Path(ddsp.__file__).parent / "training")]
        sys.modules["ddsp.training"] = package
    return importlib.import_module(f"ddsp.training.{name}")
