"""Read and unpack untrusted tar archives without writing outside the target folder."""

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
    """Read one regular file of an archive.

    Raises:
        UserError: the archive is unreadable or incomplete, or does not hold the file.
    """
    with _open_archive(path) as archive:
        for member in progress(archive, f"look for {name}", unit="file"):
            if posixpath.normpath(member.name) == name and member.isfile():
                return archive.extractfile(member).read()
    raise UserError(f"outside: {path}: holds no {name}; download it again")


def unpack(path: Path, wanted: set[str], out: Path) -> dict[str, str]:
    """Write the wanted regular files of an archive to out/NAME.

    Members that tarfile's `data` filter refuses and members with absolute paths are refused. Links
    are neither followed nor created, even if wanted.

    Args:
        path: the archive.
        wanted: normalized names of members.
        out: the folder to write to.

    Returns:
        The reason for every refused member, by name.

    Raises:
        UserError: the archive is unreadable or incomplete.
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
            f"outside: {path}: not a complete tar archive ({error}); download it again"
        ) from None


def _refusal(member: tarfile.TarInfo, out: Path) -> str:
    try:
        tarfile.data_filter(member, str(out))
    except tarfile.SpecialFileError:
        return "refused: a device or pipe in the archive"
    except tarfile.FilterError:
        return "refused: a member of the archive that leads out of it"
    if member.name.startswith("/"):
        return "refused: a member of the archive with an absolute path"
    return ""
