"""Atomic writes (to a temporary name, then renamed), and hashes of files, values and code."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pipeline

PACKAGE = Path(pipeline.__file__).parent
CODE_SUFFIXES = (".py", ".yaml")


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, with the same suffix; rename it on success."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; on success it replaces `path`."""
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):  # of a process that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        shutil.rmtree(path, ignore_errors=True)
        os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def clear_temporaries(folder: Path) -> None:
    """Create `folder` if necessary and remove temporary files that killed processes left there.

    Do not call it while another process is writing there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob(".*.tmp*"):
        path.unlink()


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as sorted, indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def file_sha256(path: Path) -> str:
    """Hash a file's bytes with SHA-256."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(*parts: Any) -> str:
    """Hash bytes or JSON-compatible values; return a stable hexadecimal SHA-256."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part if isinstance(part, bytes) else json.dumps(part, sort_keys=True).encode())
        whole.update(b"\0")
    return whole.hexdigest()


def code_digest(*names: str, root: Path = PACKAGE) -> str:
    """Hash code by name and content, so that keys made with the hash change with the code.

    Args:
        names: files and folders under `root`, in any order. A folder stands for all .py and .yaml
            files below it, except hidden ones (editors create such files).
        root: the folder that the names are relative to.

    Raises:
        FileNotFoundError: a name matches no file.
    """
    files = {path for name in names for path in _code_files(root / name)}
    named_files = sorted((path.relative_to(root).as_posix(), path) for path in files)
    return digest(*(part for name, path in named_files for part in (name, path.read_bytes())))


def _code_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = [file for file in path.rglob("*") if file.suffix in CODE_SUFFIXES and file.is_file()]
    files = [file for file in files if not _is_hidden_or_cached(file.relative_to(path))]
    if not files:
        raise FileNotFoundError(f"{path}: no code to hash; correct the name")
    return files


def _is_hidden_or_cached(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)
