"""Hashes: what lies on disk against dvc.lock, the code that made it included."""

import hashlib
import json
import os
from functools import cache
from itertools import product
from pathlib import Path

import yaml

from pipeline.audit.checks import Check, Project

REMEDY = "`dvc repro` makes it anew"
NOT_YET = {"audit", "sounds", "page"}  # a stage's hashes are locked when it has ended: neither the audit's own are, nor the page's behind it


@cache
def file_md5(path: Path, stamp: tuple[int, int]) -> str:
    """md5 of a file's bytes; `stamp` is its size and time, so that a changed file is read again."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def md5(path: Path) -> str:
    """As DVC writes it: of a file its bytes' md5, of a folder that of the list of its files, with `.dir` behind."""
    if not path.is_dir():
        return file_md5(path, (path.stat().st_size, path.stat().st_mtime_ns))
    files = [Path(folder) / name for folder, _, names in os.walk(path) if not folder.endswith("__pycache__") for name in names]
    listed = [{"md5": md5(file), "relpath": file.relative_to(path).as_posix()} for file in files if file.name != ".gitignore"]
    text = json.dumps(sorted(listed, key=lambda entry: tuple(entry["relpath"].split("/"))))
    return hashlib.md5(text.encode()).hexdigest() + ".dir"


def read_lock(project: Project, kind: str) -> list[tuple[str, str, str]]:
    """Stage, path and hash of every path that dvc.lock holds as `outs` or `deps`."""
    stages = locked_stages(project)
    return [(stage, entry["path"], entry["md5"]) for stage, values in stages.items() for entry in values.get(kind, [])]


def locked_stages(project: Project) -> dict[str, dict]:
    """What dvc.lock says of today's stages. DVC keeps what it said of those that are no more: that is nobody's claim."""
    stages, names = yaml.safe_load((project.root / "dvc.lock").read_text())["stages"], stage_names(project)
    return {name: values for name, values in stages.items() if name in names}


def stage_names(project: Project) -> set[str]:
    """All stages that dvc.yaml makes of params.yaml, but for those that may end after the audit."""
    names = set()
    for name, stage in yaml.safe_load((project.root / "dvc.yaml").read_text())["stages"].items():
        axes = [*stage.get("matrix", {}).values(), *([stage["foreach"]] if "foreach" in stage else [])]
        items = product(*([str(item) for item in _named(project.params, axis.strip("${}"))] for axis in axes))
        names |= {f"{name}@{'-'.join(item)}" for item in items} if axes else {name}
    return {name for name in names if name not in NOT_YET}


def _named(params: dict, key: str):
    """What params.yaml has at a key with dots; None where there is nothing."""
    for part in key.split("."):
        params = params.get(part) if isinstance(params, dict) else None
    return params


def check_outputs(project: Project) -> Check:
    """Every output of every stage that is on disk: data, checkpoints, rows, tables, figures."""
    return _compare(project, "outputs are those of dvc.lock", "outs", lambda path: True, absent_is_wrong=lambda path: path.startswith("reports/"))


def check_sources(project: Project) -> Check:
    """The code and the settings' files that dvc.lock says made them, as they are now."""
    return _compare(project, "sources are those of dvc.lock", "deps", lambda path: path.endswith((".py", ".yaml")), lambda path: True)


def check_inputs(project: Project) -> Check:
    """What each stage read is what the stage before it wrote."""
    outs = {path: hash_ for _, path, hash_ in read_lock(project, "outs")}
    read = [entry for entry in read_lock(project, "deps") if entry[1] in outs]
    findings = [f"{stage}: read another {path} than its stage wrote; {REMEDY}" for stage, path, hash_ in read if outs[path] != hash_]
    return Check("each stage read what the one before wrote", "dvc.lock", len(read), findings)


def check_stages(project: Project) -> Check:
    """dvc.lock has all stages that dvc.yaml makes of params.yaml."""
    expected = stage_names(project)
    findings = [f"dvc.lock: {name} is missing; {REMEDY}" for name in sorted(expected - set(locked_stages(project)))]
    return Check("dvc.lock holds params.yaml's stages", "dvc.lock, dvc.yaml, params.yaml", len(expected), findings)


def check_params(project: Project) -> Check:
    """The params that dvc.lock says each stage ran with are those of params.yaml."""
    findings, count = [], 0
    for stage, values in locked_stages(project).items():
        for key, value in values.get("params", {}).get("params.yaml", {}).items():
            count += 1
            if _named(project.params, key) != value:
                findings.append(f"{stage}: ran with another {key} than params.yaml has; {REMEDY}")
    return Check("stages ran with params.yaml", "dvc.lock, params.yaml", count, findings)


def _compare(project: Project, name: str, kind: str, wanted, absent_is_wrong) -> Check:
    findings, count, hashes = [], 0, {}
    for stage, path, expected in read_lock(project, kind):
        if not wanted(path):
            continue
        if not (project.root / path).exists():
            findings += [f"{path}: is missing"] if absent_is_wrong(path) else []
            continue
        count += 1
        if path not in hashes:
            hashes[path] = md5(project.root / path)
        if hashes[path] != expected:
            findings.append(f"{path}: is not what {stage} {'wrote' if kind == 'outs' else 'was made with'}; {REMEDY}")
    return Check(name, f"dvc.lock, {kind} that are on disk", count, findings)
