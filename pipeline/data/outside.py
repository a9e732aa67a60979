"""Fingerprints of files outside of the repository, which DVC cannot depend on: it stops at a link
that points to itself. The fingerprint of a folder covers the name and content of every file in it.
Hashes of files whose size and time of change are those of the last run are taken from there.
"""

import json
import os
from pathlib import Path

from pipeline.common.cli import UserError, progress
from pipeline.common.files import digest, file_sha256, write_json
from pipeline.common.manifest import encode_path
from pipeline.common.settings import Settings


def check_outside(settings: Settings) -> None:
    """Stop unless every name in the section `outside` is a data set and every path exists."""
    known = settings.values.get("data") or {}
    for name, target in (settings.values.get("outside") or {}).items():
        where = f"{settings.path}: outside.{name}"
        if name not in known:
            raise UserError(f"{where}: no data set has this name; known: {', '.join(known)}")
        if not isinstance(target, str) or not Path(target).expanduser().exists():
            raise UserError(
                f"{where}: {target!r} does not exist; give the path of a file or a folder"
            )


def write_fingerprint(target: Path, out: Path, known: Path) -> None:
    """Write {files, bytes, sha256} of a file or a folder; `known` keeps each file's hash for the
    next time.
    """
    if not target.exists():
        raise UserError(
            f"outside: {target} does not exist; correct the path in the section outside of "
            "params.yaml"
        )
    before = json.loads(known.read_text()) if known.exists() else {}
    now = {}
    paths = sorted(_walk(target) if target.is_dir() else [target])
    for path in progress(paths, "fingerprint", unit="file"):
        name = encode_path(path.relative_to(target))
        stamp, size = _stamp(path)
        now[name] = (
            before[name] if before.get(name, [None])[0] == stamp else [stamp, size, _content(path)]
        )
    write_json(known, now)
    total = sum(size for _, size, _ in now.values())
    write_json(
        out,
        {
            "files": len(now),
            "bytes": total,
            "sha256": digest({name: content for name, (*_, content) in now.items()}),
        },
    )


def _walk(folder: Path) -> list[Path]:
    return [Path(parent, name) for parent, _, names in os.walk(folder) for name in names]


def _stamp(path: Path) -> tuple[str, int]:
    try:
        found = path.stat()
    except OSError:  # a broken link, or one that points to itself
        return "", 0
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ino}", found.st_size


def _content(path: Path) -> str:
    try:
        return file_sha256(path) if path.is_file() else "no file"
    except OSError as error:
        return f"not readable: {error.strerror}"
