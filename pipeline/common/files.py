"""Files that are either whole or absent: written beside their place, then renamed."""

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
    """A temporary name beside `path`, with the same suffix, that becomes `path` when the block
    succeeds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside `path` that becomes `path` when the block succeeds; a former
    `path` is replaced.
    """
    for left_by_a_kill in path.parent.glob(f".{path.name}.*.tmp"):
        shutil.rmtree(left_by_a_kill, ignore_errors=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        shutil.rmtree(path, ignore_errors=True)
        os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def clear_temporaries(folder: Path) -> None:
    """Remove what writers that were killed left in `folder`; make it if need be. Not while one
    is at work there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob(".*.tmp*"):
        path.unlink()


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as sorted, indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(*parts: Any) -> str:
    """A stable hexadecimal hash (sha256) of bytes, or of anything JSON can hold."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part if isinstance(part, bytes) else json.dumps(part, sort_keys=True).encode())
        whole.update(b"\0")
    return whole.hexdigest()


def code_digest(*names: str, root: Path = PACKAGE) -> str:
    """Hash code by name and content: a key made with it changes when the code does.

    Args:
        names: files and folders under `root`, in any order. A folder stands for its .py and .yaml
            files, those of its folders included, except for hidden ones (editors leave such).
        root: the folder that the names start from.

    Raises:
        FileNotFoundError: a name stands for no file.
    """
    files = {path for name in names for path in _code_files(root / name)}
    named = sorted((path.relative_to(root).as_posix(), path) for path in files)
    return digest(*(part for name, path in named for part in (name, path.read_bytes())))


def _code_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = [file for file in path.rglob("*") if file.suffix in CODE_SUFFIXES and file.is_file()]
    files = [file for file in files if not _is_leftover(file.relative_to(path))]
    if not files:
        raise FileNotFoundError(f"{path}: holds no code to hash; correct the name")
    return files


def _is_leftover(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)
