"""Check reports/conformance.csv: every function has its rows, and no departure goes unexplained."""

import ast
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

from pipeline.audit.checks import Check, Project, read_lines

TABLE = "reports/conformance.csv"
DIFFERENCES = "docs/differences.md"
REMEDY = "run `make conformance`"
# what has rows: files and folders under pipeline/
SOURCES = (
    "dsp",
    "models",
    "evaluation/metrics.py",
    "evaluation/outliers.py",
    "features/loudness.py",
    "features/loudness_0_0_6.py",
)
CODE_SUFFIXES = (".py", ".yaml")
WITHOUT_ROWS = {  # public names that need no row, and why
    "models.autoencoder.Controls": "holds tensors",
    "models.autoencoder.ModelConfig": "holds settings",
    "models.conditioning.ConditioningConfig": "holds settings",
    "models.determinism.fix_order_of_sums": "sets TensorFlow's options",
    "models.f0_frames.FramesConfig": "holds settings",
    "models.f0_resnet.ResnetConfig": "holds settings",
    "models.networks.BuiltByCall": "keeps Keras from tracing a call twice",
    "models.objective.LossConfig": "holds settings",
    "models.perceptual.read_layers": "reads weights",
    "models.recipe.Recipe": "holds settings",
    "models.recipe.blank_batch": "makes a silent batch",
    "models.recipe.build_model": "calls a class that has rows",
    "models.recipe.load_model": "reads a file",
    "models.recipe.read_recipe": "reads settings",
    "models.recipe.save_model": "writes a file",
    "models.stft_decoder.StftDecoderConfig": "holds settings",
    "models.strided_conv.StridedConvConfig": "holds settings",
    "models.wavernn.WaveRnnConfig": "holds settings",
    "evaluation.metrics.LoudnessDeviations": "holds two numbers",
    "evaluation.metrics.validate": "refuses values and computes none",
}


def check_conformance(project: Project) -> Check:
    """Check the table's rows, verdicts and links; whether it is that of the present sources."""
    rows = read_lines(project.root / TABLE)
    present = sources_digest(project.root / "pipeline")
    stale = any(row["sources"] != present for row in rows)
    findings = [] if stale else list(missing_rows(project.root, rows))
    anchors = read_anchors(project.root / DIFFERENCES)
    findings += [text for row in rows for text in row_findings(row, anchors)]
    not_run = f"the sources changed since; {REMEDY}" if stale else ""
    where = f"{TABLE}, {DIFFERENCES}"
    return Check("every module agrees or departs by name", where, len(rows), findings, not_run)


def missing_rows(root: Path, rows: list[dict[str, str]]) -> Iterator[str]:
    """Compare the modules that have rows with the public names of the sources."""
    public = set(public_names(root / "pipeline"))
    listed = {row["module"] for row in rows}
    for name in sorted(public - listed - WITHOUT_ROWS.keys()):
        yield f"{TABLE}: {name} has no row; add a comparison to conformance/, {REMEDY}"
    for name in sorted(listed - public):
        yield f"{TABLE}: {name} is no public function or class of the sources; {REMEDY}"
    for name in sorted(WITHOUT_ROWS.keys() - public):
        yield f"audit: {name} needs no exception, it does not exist"


def public_names(package: Path) -> Iterator[str]:
    """Yield the dotted name of every public function and class of the sources."""
    for path in source_files(package):
        if path.suffix == ".py":
            module = ".".join(path.relative_to(package).with_suffix("").parts)
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_":
                    yield f"{module}.{node.name}"


def row_findings(row: dict[str, str], anchors: set[str]) -> Iterator[str]:
    """Check that a row's verdict follows from its figures, and its link."""
    name = f"{TABLE}: {row['module']}, {row['what']}, {row['input']}, {row['reference']}"
    # a difference that is no number departs
    expected = "same" if float(row["difference"]) <= float(row["tolerance"]) else "departs"
    if row["verdict"] != expected:
        yield f"{name}: verdict is {row['verdict']}, the figures say {expected}"
    if expected == "departs" and row["line"] not in anchors:
        yield f"{name}: departs, and {DIFFERENCES} has no heading for #{row['line']}"
    if expected == "same" and row["line"]:
        yield f"{name}: agrees, and links to #{row['line']}"


def read_anchors(path: Path) -> set[str]:
    """Return the anchors of a Markdown file's headings, as GitHub forms them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    kept = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.strip().replace(" ", "-") for heading in kept}


def sources_digest(package: Path) -> str:
    """Hash the sources by name and content, as `make conformance` did."""
    whole = hashlib.sha256()
    for path in source_files(package):
        name = path.relative_to(package).as_posix()
        for part in (json.dumps(name).encode(), path.read_bytes()):
            whole.update(part + b"\0")
    return whole.hexdigest()


def source_files(package: Path) -> list[Path]:
    """List the files of the sources by name; hidden ones are left out."""
    files = {path for name in SOURCES for path in [package / name, *(package / name).rglob("*")]}
    code = [path for path in files if path.is_file() and path.suffix in CODE_SUFFIXES]
    shown = [path for path in code if not any(p[0] == "." for p in path.relative_to(package).parts)]
    return sorted(shown, key=lambda path: path.relative_to(package).as_posix())
