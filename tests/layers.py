"""The import graph of pipeline/ and stages/, and the layer of every module (an import only goes to a lower layer)."""

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
DATA_SUFFIXES = (".yaml", ".html", ".css", ".js")
LAYERS = (
    {"command", "files", "units", "mu_law", "crepe_layers"},
    {"config", "manifest", "records", "devices", "side_by_side", "verify", "studies"},
    {"audio", "spectral", "harmonic", "filtered_noise", "reverb", "gru", "soundfont", "expression", "examples", "intervals", "chain",
     "assignment", "archives", "scores", "room", "trainer", "studies.config"},
    {"f0", "loudness", "loss", "networks", "dataset", "notes", "violin", "folder", "nsynth", "cells", "model_tables",
     "remarks", "clips", "overlay", "summary", "figures", "outside", "studies.target"},
    {"sources", "features", "shards", "conditioning", "f0_encoder", "perceptual", "metrics", "yardsticks", "tracking", "data_figures",
     "tables", "ablations", "tiny", "studies.adjustment", "studies.source_lines"},
    {"objective", "tones"},
    {"pretraining", "autoencoder", "wavernn", "strided_conv"},
    {"stft_decoder"},
    {"model"},
    {"export", "parameters", "resynthesis"},
    {"training", "evaluation", "studies.playing"},
    {"studies.conditions", "studies.centroid", "studies.held_out", "studies.tables", "studies.room_acoustics", "studies.wpe",
     "studies.alignment"},
    {"studies.control", "studies.extrapolation", "studies.phase", "studies.following", "studies.figures", "studies.timbre_transfer",
     "studies.timbre_transfer_figure", "studies.dereverberation", "studies.closeness"},
    {"studies.scores", "studies.timbre_transfer_rows", "studies.dereverberation_rows"},
    {"studies.transfer_file", "studies.dereverberation_figure"},
    {"studies.all_figures"},
    {"audit"},
    {"audit.checks"},
    {"audit.cells", "audit.measures", "audit.rows", "audit.settings", "audit.hashes", "audit.stick"},
    {"audit.printed", "audit.models"},
    {"audit.resynthesis", "audit.studies"},
    {"audit.played"},
    {"audit.report"},
    {"page"},
    {"page.content", "page.listing", "page.picks", "page.sound", "page.modules", "page.render"},
    {"page.tracks", "page.tables"},
    {"page.models", "page.studies", "page.sections"},
)  # fmt: skip


def layer_of(module: str) -> int:
    """The number of a module's layer."""
    return next(number for number, modules in enumerate(LAYERS) if module in modules)


@cache
def direct_imports(path: Path) -> frozenset[str]:
    """The pipeline modules that a file imports anywhere in its text; of a package also its __init__, under the package's name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pipeline":
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if module_file(name).exists() else node.module for name in names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("pipeline.")}
    found |= {name.rpartition(".")[0] for name in found}
    return frozenset(name.removeprefix("pipeline.") for name in found - {"pipeline", ""})


def module_file(name: str) -> Path:
    """The file of a dotted module name, of a package its __init__.py."""
    path = ROOT / name.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def transitive_imports(path: Path) -> set[str]:
    """The pipeline modules a file needs, its own imports' imports included."""
    found, waiting = set(), set(direct_imports(path))
    while waiting:
        module = waiting.pop()
        found.add(module)
        waiting |= direct_imports(module_file(f"pipeline.{module}")) - found
    return found


def closure_files(module: str) -> set[str]:
    """The files of a module and of all it needs, as paths under pipeline/; none without code."""
    own = module_file(f"pipeline.{module}")
    files = [own, *(module_file(f"pipeline.{name}") for name in transitive_imports(own))]
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
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
    names = [node.value for node in nodes if isinstance(node.value, str)]
    names = [name for name in names if name.endswith(DATA_SUFFIXES)]
    files = data_files()
    return frozenset(file for file in files for name in names if f"/{file}".endswith(f"/{name}"))


def code_deps(stage: str) -> list[str]:
    """The code a stage depends on, as dvc.yaml must list it: its own file and every pipeline module it needs."""
    path = ROOT / "stages" / f"{stage}.py"
    modules = (module_file(f"pipeline.{module}").relative_to(ROOT).as_posix() for module in transitive_imports(path))
    return sorted([f"stages/{stage}.py", *modules])
