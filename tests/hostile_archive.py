"""A tar archive with members that no archive should have."""

import io
import tarfile
from pathlib import Path


def make_hostile_tar(path: Path, members: dict[str, bytes]) -> dict[str, str]:
    """Write a .tar.gz with `members` and hostile ones; return the reason expected for those."""
    with tarfile.open(path, "w:gz") as archive:
        _add(archive, "../../escaped.wav", b"x")
        _add(archive, "/tmp/escaped.wav", b"x")
        for name, content in members.items():
            _add(archive, name, content)
        _add_special(archive, "nsynth-test/audio/link.wav", tarfile.SYMTYPE, "/etc/passwd")
        _add_special(archive, "nsynth-test/audio/hard.wav", tarfile.LNKTYPE, "../../../etc/passwd")
        _add_special(archive, "nsynth-test/audio/device.wav", tarfile.CHRTYPE, "")
        _add_special(archive, "nsynth-test/audio/pipe.wav", tarfile.FIFOTYPE, "")
    return {
        "../../escaped.wav": "leads out",
        "/tmp/escaped.wav": "absolute path",
        "nsynth-test/audio/link.wav": "leads out",
        "nsynth-test/audio/hard.wav": "leads out",
        "nsynth-test/audio/device.wav": "device or pipe",
        "nsynth-test/audio/pipe.wav": "device or pipe",
    }


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _add_special(archive: tarfile.TarFile, name: str, kind: bytes, target: str) -> None:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = target
    archive.addfile(member)
