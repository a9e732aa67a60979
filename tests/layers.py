"""The import graph of pipeline/ and stages/, and the layer of every module (an import only goes to a lower layer)."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
LAYERS = (
    {"command", "files", "units", "mu_law", "crepe_layers"},
    {"config", "manifest", "records", "devices", "side_by_side"},
    {"audio", "spectral", "harmonic", "filtered_noise", "reverb", "gru", "soundfont", "expression", "examples", "intervals", "chain",
     "assignment", "archives", "scores", "room", "trainer"},
    {"f0", "loudness", "loss", "networks", "dataset", "notes", "violin", "folder", "nsynth", "tables", "model_tables",
     "remarks", "clips", "overlay", "summary", "figures", "outside"},
    {"sources", "features", "shards", "conditioning", "f0_encoder", "perceptual", "metrics", "yardsticks", "tracking", "data_figures"},
    {"objective", "tones"},
    {"pretraining", "autoencoder", "wavernn", "strided_conv"},
    {"stft_decoder"},
    {"model"},
    {"export", "parameters", "resynthesis"},
    {"training"},
    {"evaluation"},
)  # fmt: skip


def layer_of(module: str) -> int:
    """The number of a module's layer."""
    return next(number for number, modules in enumerate(LAYERS) if module in modules)


@cache
def direct_imports(path: Path) -> frozenset[str]:
    """The pipeline modules that a file imports anywhere in its text."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pipeline."):
            found.add(node.module.removeprefix("pipeline."))
        elif isinstance(node, ast.ImportFrom) and node.module == "pipeline":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.removeprefix("pipeline.") for alias in node.names if alias.name.startswith("pipeline.")}
    return frozenset(found)


def transitive_imports(path: Path) -> set[str]:
    """The pipeline modules a file needs, its own imports' imports included."""
    found, waiting = set(), set(direct_imports(path))
    while waiting:
        module = waiting.pop()
        found.add(module)
        waiting |= direct_imports(ROOT / "pipeline" / f"{module}.py") - found
    return found


def code_deps(stage: str) -> list[str]:
    """The code a stage depends on, as dvc.yaml must list it: its own file and every pipeline module it needs."""
    path = ROOT / "stages" / f"{stage}.py"
    return sorted([f"stages/{stage}.py", *(f"pipeline/{module}.py" for module in transitive_imports(path))])
