"""The import graph of pipeline/ and stages/: its rooms in their order, and the code that each
stage depends on.
"""

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
ORDER = (  # imports go to the left only; names in one entry do not import each other
    ("common",),
    ("overlay",),
    ("audio",),
    ("data",),
    ("crepe",),
    ("features",),
    ("examples",),
    ("preparation",),
    ("dsp",),
    ("models",),
    ("training",),
    ("resynthesis",),
    ("studies",),
    ("evaluation",),
    ("reporting",),
    ("page", "audit", "side_by_side", "verify", "transfer"),
)
ON_TOP = ("overlay", "side_by_side", "transfer", "verify")  # modules without a room
DATA_SUFFIXES = (".yaml", ".json", ".html", ".css", ".js")
STAGES = sorted(path.stem for path in (ROOT / "stages").glob("*.py") if path.stem != "__init__")


def place_of(module: str) -> int:
    """The place of a module's room in the order."""
    room = module.split(".")[0]
    return next(number for number, names in enumerate(ORDER) if room in names)


def module_file(module: str) -> Path:
    """The file of a module of pipeline/, of a room its __init__.py."""
    path = ROOT / "pipeline" / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def modules() -> list[str]:
    """The dotted names of all modules under pipeline/, rooms themselves left out."""
    paths = (path.relative_to(ROOT / "pipeline") for path in (ROOT / "pipeline").rglob("*.py"))
    return sorted(".".join(path.with_suffix("").parts) for path in paths if path.stem != "__init__")


@cache
def direct_imports(path: Path) -> frozenset[str]:
    """The modules of pipeline/ that a file imports, anywhere in its text."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pipeline":
            module = node.module.removeprefix("pipeline").removeprefix(".")
            names = [f"{module}.{alias.name}".removeprefix(".") for alias in node.names]
            found |= {name if module_file(name).exists() else module for name in names}
        elif isinstance(node, ast.Import):
            found |= {
                alias.name.removeprefix("pipeline.")
                for alias in node.names
                if alias.name.startswith("pipeline.")
            }
    return frozenset(found)


def transitive_imports(path: Path) -> set[str]:
    """The modules of pipeline/ a file needs, its own imports' imports included."""
    found: set[str] = set()
    waiting = set(direct_imports(path))
    while waiting:
        module = waiting.pop()
        found.add(module)
        waiting |= direct_imports(module_file(module)) - found
    return found


def closure_files(module: str) -> set[str]:
    """The files of a module and of all it needs, as paths under pipeline/; none without code."""
    own = module_file(module)
    files = [own, *(module_file(name) for name in transitive_imports(own))]
    files = [path for path in files if len(ast.parse(path.read_text()).body) > 1]  # a docstring
    return {path.relative_to(ROOT / "pipeline").as_posix() for path in files}


def covers(names: Iterable[str], path: str) -> bool:
    """Whether one of the names is the path, or a folder above it."""
    return any(path == name or path.startswith(f"{name}/") for name in names)


def data_files() -> list[str]:
    """The package's files that are no code, as paths under the root."""
    files = [path for path in (ROOT / "pipeline").rglob("*") if path.suffix in DATA_SUFFIXES]
    return sorted(path.relative_to(ROOT).as_posix() for path in files)


@cache
def named_data(path: Path) -> frozenset[str]:
    """The package's data files that a module names: a string constant ends the file's path."""
    nodes = [
        node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)
    ]
    names = [node.value for node in nodes if isinstance(node.value, str)]
    names = [name for name in names if name.endswith(DATA_SUFFIXES)]
    files = data_files()
    return frozenset(file for file in files for name in names if f"/{file}".endswith(f"/{name}"))


def code_deps(stage: str) -> list[str]:
    """The code deps of a stage as dvc.yaml must list them.

    Its own file, then the rooms that hold the modules it needs, in their order: the closure of
    files projected onto rooms, not the closure of rooms.
    """
    path = ROOT / "stages" / f"{stage}.py"
    rooms = {module.split(".")[0] for module in transitive_imports(path)}
    ordered = sorted(rooms, key=lambda room: (place_of(room), room))
    return [
        f"stages/{stage}.py",
        *(f"pipeline/{room}.py" if room in ON_TOP else f"pipeline/{room}" for room in ordered),
    ]
