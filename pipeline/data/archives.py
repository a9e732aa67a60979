"""Tar archives of unknown origin: one member read, wanted files unpacked, nothing written
anywhere else.
"""

import gzip
import posixpath
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.common.cli import UserError, progress


def read_member(path: Path, name: str) -> bytes:
    """The content of a regular file in an archive.

    Raises:
        UserError: no archive, not a whole one, or without that file.
    """
    with _open_archive(path) as archive:
        for member in progress(archive, f"look for {name}", unit="file"):
            if posixpath.normpath(member.name) == name and member.isfile():
                return archive.extractfile(member).read()
    raise UserError(f"outside: {path}: holds no {name}; download it again")


def unpack(path: Path, wanted: set[str], out: Path) -> dict[str, str]:
    """Write the wanted regular files of an archive to out/NAME; returns the members that are
    refused and why.

    Refused is what tarfile's `data` filter refuses, and absolute paths. Links are never followed or
    made, wanted or not.

    Raises:
        UserError: no archive, or not a whole one.
    """
    refused = {}
    with _open_archive(path) as archive:
        for member in progress(archive, path.name, unit="file"):
            name = posixpath.normpath(member.name)
            if reason := _refusal(member, out):
                refused[member.name] = reason
            elif name in wanted and member.isfile():
                (out / name).parent.mkdir(parents=True, exist_ok=True)
                with open(out / name, "wb") as file:
                    shutil.copyfileobj(archive.extractfile(member), file)
    return refused


@contextmanager
def _open_archive(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with open(path, "rb") as file, tarfile.open(fileobj=file, mode="r|*") as archive:
            yield archive
    except PermissionError as error:
        raise UserError(f"outside: {path}: {error.strerror}") from None
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(
            f"outside: {path}: no whole tar archive ({error}); download it again"
        ) from None


def _refusal(member: tarfile.TarInfo, out: Path) -> str:
    try:
        tarfile.data_filter(member, str(out))
    except tarfile.SpecialFileError:
        return "refused: a device or pipe in the archive"
    except tarfile.FilterError:
        return "refused: a member of the archive that leads out of it"
    return (
        "refused: a member of the archive with an absolute path"
        if member.name.startswith("/")
        else ""
    )
