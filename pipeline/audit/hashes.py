"""Compare the files on disk, code included, with the hashes in dvc.lock."""

import hashlib
import json
import os
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pathspec

from pipeline.audit.checks import Check, Project, read_yaml

REMEDY = "run `dvc repro`"
# DVC locks a stage when it ends, so the audit and the stages that may run after it are not locked
# while the audit runs
LOCKED_LATER = {"audit", "sounds", "page"}


@cache
def file_md5(path: Path, stamp: tuple[int, int]) -> str:
    """Return the md5 of a file's bytes, in hexadecimal.

    `stamp` is the file's size and modification time: a changed file is read again.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


class Hashes:
    """The md5 of a project's files and folders, as DVC writes them to dvc.lock; each is read once.

    The md5 of a folder is that of the JSON list of its files, followed by `.dir`. Files that
    .dvcignore names are left out.
    """

    def __init__(self, root: Path):
        self.root = root
        lines = (root / ".dvcignore").read_text().splitlines()
        self._ignored = pathspec.GitIgnoreSpec.from_lines(line.strip() for line in lines)
        self._known: dict[str, str] = {}
        self.files: set[Path] = set()  # hashed so far

    def md5(self, path: str) -> str:
        """Hash a file or folder, given by its path relative to the root."""
        if path not in self._known:
            full = self.root / path
            self._known[path] = self._folder_md5(full) if full.is_dir() else self._file_md5(full)
        return self._known[path]

    def _file_md5(self, path: Path) -> str:
        self.files.add(path)
        return file_md5(path, (path.stat().st_size, path.stat().st_mtime_ns))

    def _folder_md5(self, folder: Path) -> str:
        paths = (Path(where) / name for where, _, names in os.walk(folder) for name in names)
        kept = [path for path in paths if not self._ignored.match_file(path.relative_to(self.root))]
        names = {path.relative_to(folder).as_posix(): path for path in kept}
        listed = [{"md5": self._file_md5(names[name]), "relpath": name} for name in sorted(names)]
        return hashlib.md5(json.dumps(listed).encode()).hexdigest() + ".dir"


def read_lock(project: Project, kind: str) -> list[tuple[str, str, str]]:
    """Return stage, path and hash of every entry of `outs` or `deps` in dvc.lock."""
    stages = locked_stages(project)
    return [
        (stage, entry["path"], entry["md5"])
        for stage, values in stages.items()
        for entry in values.get(kind, [])
    ]


def locked_stages(project: Project) -> dict[str, dict]:
    """Return the entries of dvc.lock for the stages of dvc.yaml.

    DVC keeps the entries of stages that were removed; nothing depends on them.
    """
    stages = read_yaml(project.root / "dvc.lock")["stages"]
    names = stage_names(project)
    return {name: values for name, values in stages.items() if name in names}


def stage_names(project: Project) -> set[str]:
    """Expand dvc.yaml with params.yaml into stage names, those locked after the audit left out."""
    stages = read_yaml(project.root / "dvc.yaml")["stages"]
    names = set()
    for name, stage in stages.items():
        names |= _instances(name, stage, project.params)
    return names - LOCKED_LATER


def _instances(name: str, stage: dict, params: dict) -> set[str]:
    """Expand a stage's `matrix` or `foreach` into names of the form `name@item`."""
    axes = list(stage.get("matrix", {}).values())
    if "foreach" in stage:
        axes.append(stage["foreach"])
    if not axes:
        return {name}
    values = [[str(item) for item in _lookup(params, axis.strip("${}"))] for axis in axes]
    return {f"{name}@{'-'.join(item)}" for item in product(*values)}


def _lookup(params: dict, key: str) -> Any:
    """Return the value at a dotted key of params.yaml; None where there is none."""
    for part in key.split("."):
        params = params.get(part) if isinstance(params, dict) else None
    return params


def check_outputs(project: Project) -> Check:
    """Hash every output that is on disk: data, checkpoints, rows, tables, figures."""
    outs = read_lock(project, "outs")
    kept_by_git = {path for _, path, _ in outs if path.startswith("reports/")}
    return _compare(project, "outputs match dvc.lock", "outs", outs, kept_by_git)


def check_sources(project: Project) -> Check:
    """Hash the files and folders that stages read and no stage writes, such as code."""
    written = {path for _, path, _ in read_lock(project, "outs")}
    deps = [entry for entry in read_lock(project, "deps") if not _overlaps(entry[1], written)]
    paths = {path for _, path, _ in deps}
    return _compare(project, "code and other sources match dvc.lock", "deps", deps, paths)


def _overlaps(path: str, written: set[str]) -> bool:
    """Tell whether stages wrote the path, something in it, or a folder around it."""
    return any(f"{path}/".startswith(f"{out}/") or out.startswith(f"{path}/") for out in written)


def check_inputs(project: Project) -> Check:
    """Check that each stage read what an earlier stage wrote."""
    outs = {path: md5 for _, path, md5 in read_lock(project, "outs")}
    inputs = [entry for entry in read_lock(project, "deps") if entry[1] in outs]
    findings = [
        f"{stage}: read a {path} that differs from what its stage wrote; {REMEDY}"
        for stage, path, md5 in inputs
        if outs[path] != md5
    ]
    return Check("each stage read what an earlier stage wrote", "dvc.lock", len(inputs), findings)


def check_stages(project: Project) -> Check:
    """Check that dvc.lock has every stage that dvc.yaml and params.yaml define."""
    expected = stage_names(project)
    findings = [
        f"dvc.lock: {name} is missing; {REMEDY}"
        for name in sorted(expected - set(locked_stages(project)))
    ]
    return Check(
        "dvc.lock has every stage", "dvc.lock, dvc.yaml, params.yaml", len(expected), findings
    )


def check_params(project: Project) -> Check:
    """Compare the settings that each stage ran with, as dvc.lock has them, with params.yaml."""
    findings = []
    count = 0
    for stage, values in locked_stages(project).items():
        for key, value in values.get("params", {}).get("params.yaml", {}).items():
            count += 1
            if _lookup(project.params, key) != value:
                findings.append(
                    f"{stage}: ran with a {key} that differs from params.yaml; {REMEDY}"
                )
    return Check("stages ran with params.yaml", "dvc.lock, params.yaml", count, findings)


def _compare(
    project: Project, name: str, kind: str, entries: list[tuple[str, str, str]], required: set[str]
) -> Check:
    """Compare the files on disk with the hashes in dvc.lock.

    Args:
        project: The clone to check.
        name: The name of the check.
        kind: `outs` or `deps`.
        entries: Stage, path and hash of each entry, as from `read_lock`.
        required: Paths whose absence is a finding.

    Returns:
        A check that counts files, those inside folders included.
    """
    findings: list[str] = []
    hashes = Hashes(project.root)
    claim = "wrote" if kind == "outs" else "was made with"
    for stage, path, expected in entries:
        if not (project.root / path).exists():
            findings += [f"{path}: is missing"] if path in required else []
        elif hashes.md5(path) != expected:
            findings.append(f"{path}: is not what {stage} {claim}; {REMEDY}")
    return Check(name, f"dvc.lock, {kind} that are on disk", len(hashes.files), findings)
