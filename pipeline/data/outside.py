"""Fingerprints of data outside the repository.

DVC cannot depend on such a folder itself, since it fails on a link that points to itself. A
folder's fingerprint covers the name and content of every file in it. A file whose size,
modification time and inode are those of the last run is not read again.
"""

import json
import os
from pathlib import Path

from pipeline.common.cli import UserError, progress
from pipeline.common.files import digest, file_sha256, write_json
from pipeline.common.manifest import encode_path
from pipeline.common.settings import Settings


def check_outside(settings: Settings) -> None:
    """Raise a UserError unless `outside` holds only names of data sets and existing paths."""
    data_sets = settings.values.get("data") or {}
    for name, target in (settings.values.get("outside") or {}).items():
        where = f"{settings.path}: outside.{name}"
        if name not in data_sets:
            raise UserError(f"{where}: no data set has this name; known: {', '.join(data_sets)}")
        if not isinstance(target, str) or not Path(target).expanduser().exists():
            raise UserError(
                f"{where}: {target!r} does not exist; give the path of a file or a folder"
            )


def write_fingerprint(target: Path, out: Path, cache: Path) -> None:
    """Write the number of files, the bytes and the SHA-256 of a file or a folder.

    Args:
        target: the file or folder.
        out: the JSON file to write.
        cache: a JSON file that keeps every file's hash between runs.
    """
    if not target.exists():
        raise UserError(
            f"outside: {target} does not exist; correct the path in the section outside of "
            "params.yaml"
        )
    before = json.loads(cache.read_text()) if cache.exists() else {}
    entries = {}
    paths = sorted(_walk(target) if target.is_dir() else [target])
    for path in progress(paths, "fingerprint", unit="file"):
        name = encode_path(path.relative_to(target))
        stamp, size = _stamp(path)
        if before.get(name, [None])[0] == stamp:
            entries[name] = before[name]
        else:
            entries[name] = [stamp, size, _content(path)]
    write_json(cache, entries)
    total = sum(size for _, size, _ in entries.values())
    contents = {name: content for name, (*_, content) in entries.items()}
    write_json(out, {"files": len(entries), "bytes": total, "sha256": digest(contents)})


def _walk(folder: Path) -> list[Path]:
    return [Path(parent, name) for parent, _, names in os.walk(folder) for name in names]


def _stamp(path: Path) -> tuple[str, int]:
    try:
        status = path.stat()
    except OSError:  # a broken link, or one that points to itself
        return "", 0
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ino}", status.st_size


def _content(path: Path) -> str:
    try:
        return file_sha256(path) if path.is_file() else "no file"
    except OSError as error:
        return f"not readable: {error.strerror}"
