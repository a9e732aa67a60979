"""Hashes: what lies on disk against dvc.lock, the code that made it included."""

import hashlib
import json
import os
from functools import cache
from itertools import product
from pathlib import Path

import pathspec
import yaml

from pipeline.audit.checks import Check, Project

# names, as in .dvcignore
IGNORED = (
    ".gitignore",
    "__pycache__",
    "*~",
    ".*.sw?",
    ".ipynb_checkpoints",
    ".DS_Store",
    ".*.tmp*",
)
REMEDY = "`dvc repro` makes it anew"
# a stage's hashes are locked when it has ended: neither the audit's own are, nor the page's behind
# it
NOT_YET = {"audit", "sounds", "page"}


@cache
def file_md5(path: Path, stamp: tuple[int, int]) -> str:
    """md5 of a file's bytes; `stamp` is its size and time, so that a changed file is read again."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


class Hashes:
    """The md5 of a project's files and folders, as DVC writes them to dvc.lock; each is read once.

    A folder's is that of the list of its files as JSON, with `.dir` behind; what .dvcignore
    names is left out.
    """

    def __init__(self, root: Path):
        self.root = root
        lines = (root / ".dvcignore").read_text().splitlines()
        self._ignored = pathspec.GitIgnoreSpec.from_lines(line.strip() for line in lines)
        self._known: dict[str, str] = {}
        self.files: set[Path] = set()  # those looked at so far

    def md5(self, path: str) -> str:
        """Hash a file or folder, given by its path under the root."""
        if path not in self._known:
            whole = self.root / path
            self._known[path] = self._folder_md5(whole) if whole.is_dir() else self._file_md5(whole)
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
    """Stage, path and hash of every path that dvc.lock holds as `outs` or `deps`."""
    stages = locked_stages(project)
    return [
        (stage, entry["path"], entry["md5"])
        for stage, values in stages.items()
        for entry in values.get(kind, [])
    ]


def locked_stages(project: Project) -> dict[str, dict]:
    """What dvc.lock says of today's stages. DVC keeps what it said of those that are no more:
    that is nobody's claim.
    """
    stages, names = (
        yaml.safe_load((project.root / "dvc.lock").read_text())["stages"],
        stage_names(project),
    )
    return {name: values for name, values in stages.items() if name in names}


def stage_names(project: Project) -> set[str]:
    """All stages that dvc.yaml makes of params.yaml, but for those that may end after the audit."""
    names = set()
    for name, stage in yaml.safe_load((project.root / "dvc.yaml").read_text())["stages"].items():
        axes = [
            *stage.get("matrix", {}).values(),
            *([stage["foreach"]] if "foreach" in stage else []),
        ]
        items = product(
            *([str(item) for item in _named(project.params, axis.strip("${}"))] for axis in axes)
        )
        names |= {f"{name}@{'-'.join(item)}" for item in items} if axes else {name}
    return {name for name in names if name not in NOT_YET}


def _named(params: dict, key: str):
    """What params.yaml has at a key with dots; None where there is nothing."""
    for part in key.split("."):
        params = params.get(part) if isinstance(params, dict) else None
    return params


def check_outputs(project: Project) -> Check:
    """Every output of every stage that is on disk: data, checkpoints, rows, tables, figures."""
    outs = read_lock(project, "outs")
    kept_by_git = {path for _, path, _ in outs if path.startswith("reports/")}
    return _compare(project, "outputs are those of dvc.lock", "outs", outs, kept_by_git)


def check_sources(project: Project) -> Check:
    """The files and folders that stages read and none wrote (code, settings), as they are now."""
    written = {path for _, path, _ in read_lock(project, "outs")}
    deps = [entry for entry in read_lock(project, "deps") if not _overlaps(entry[1], written)]
    paths = {path for _, path, _ in deps}
    return _compare(project, "sources are those of dvc.lock", "deps", deps, paths)


def _overlaps(path: str, written: set[str]) -> bool:
    """Whether stages wrote the path, something in it, or a folder around it."""
    return any(f"{path}/".startswith(f"{out}/") or out.startswith(f"{path}/") for out in written)


def check_inputs(project: Project) -> Check:
    """What each stage read is what the stage before it wrote."""
    outs = {path: hash_ for _, path, hash_ in read_lock(project, "outs")}
    read = [entry for entry in read_lock(project, "deps") if entry[1] in outs]
    findings = [
        f"{stage}: read another {path} than its stage wrote; {REMEDY}"
        for stage, path, hash_ in read
        if outs[path] != hash_
    ]
    return Check("each stage read what the one before wrote", "dvc.lock", len(read), findings)


def check_stages(project: Project) -> Check:
    """dvc.lock has all stages that dvc.yaml makes of params.yaml."""
    expected = stage_names(project)
    findings = [
        f"dvc.lock: {name} is missing; {REMEDY}"
        for name in sorted(expected - set(locked_stages(project)))
    ]
    return Check(
        "dvc.lock holds params.yaml's stages",
        "dvc.lock, dvc.yaml, params.yaml",
        len(expected),
        findings,
    )


def check_params(project: Project) -> Check:
    """The params that dvc.lock says each stage ran with are those of params.yaml."""
    findings, count = [], 0
    for stage, values in locked_stages(project).items():
        for key, value in values.get("params", {}).get("params.yaml", {}).items():
            count += 1
            if _named(project.params, key) != value:
                findings.append(f"{stage}: ran with another {key} than params.yaml has; {REMEDY}")
    return Check("stages ran with params.yaml", "dvc.lock, params.yaml", count, findings)


def _compare(
    project: Project, name: str, kind: str, entries: list[tuple[str, str, str]], required: set[str]
) -> Check:
    """Compare what is on disk with the hashes of dvc.lock; count files, those in folders included.

    Args:
        kind: `outs` or `deps`.
        entries: stage, path and hash of each, as from `read_lock`.
        required: paths whose absence is a finding.
    """
    findings: list[str] = []
    hashes = Hashes(project.root)
    claim = "wrote" if kind == "outs" else "was made with"
    for stage, path, expected in entries:
        if not (project.root / path).exists():
            findings += [f"{path}: is missing"] if path in required else []
        elif hashes.md5(path) != expected:
            findings.append(f"{path}: is not what {stage} {claim}; {REMEDY}")
    return Check(name, f"dvc.lock, files of {kind} that are on disk", len(hashes.files), findings)
