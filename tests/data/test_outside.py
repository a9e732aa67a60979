"""Files outside of the repository: any change of name or content is noticed, and what did not
change is not read again.
"""

import json
import os

import pytest

from commands import edited_params, stage
from hostile import make_hostile
from pipeline.common.cli import UserError
from pipeline.data.outside import write_fingerprint


def fingerprint(tmp_path, target):
    write_fingerprint(target, tmp_path / "print.json", tmp_path / "known.json")
    return json.loads((tmp_path / "print.json").read_text())


@pytest.fixture
def folder(tmp_path):
    target = tmp_path / "recordings" / "inner"
    target.mkdir(parents=True)
    (target / "a.wav").write_bytes(b"one")
    (target / "b.wav").write_bytes(b"three")
    return target.parent


def change_content(folder):
    (folder / "inner" / "a.wav").write_bytes(b"two")


def change_content_and_hide_the_time(folder):
    path = folder / "inner" / "a.wav"
    before = path.stat()
    path.unlink()
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


def rename(folder):
    (folder / "inner" / "a.wav").rename(folder / "inner" / "c.wav")


def add(folder):
    (folder / "c.wav").write_bytes(b"")


def swap(folder):
    (folder / "inner" / "a.wav").rename(folder / "x")
    (folder / "inner" / "b.wav").rename(folder / "inner" / "a.wav")
    (folder / "x").rename(folder / "inner" / "b.wav")


@pytest.mark.parametrize(
    "change", [change_content, change_content_and_hide_the_time, rename, add, swap]
)
def test_a_change_is_noticed(tmp_path, folder, change):
    before = fingerprint(tmp_path, folder)
    assert (
        before
        == {"files": 2, "bytes": 8, "sha256": before["sha256"]}
        == fingerprint(tmp_path, folder)
    )
    change(folder)
    assert fingerprint(tmp_path, folder)["sha256"] != before["sha256"]


def test_a_single_file_has_one_too(tmp_path, folder):
    one = fingerprint(tmp_path, folder / "inner" / "a.wav")
    assert one["files"] == 1 and one["bytes"] == 3


def test_unchanged_files_are_not_read_again(tmp_path, folder):
    first = fingerprint(tmp_path, folder)
    known = json.loads((tmp_path / "known.json").read_text())
    known["inner/a.wav"][2] = "as it was known"
    (tmp_path / "known.json").write_text(json.dumps(known))
    assert fingerprint(tmp_path, folder)["sha256"] != first["sha256"]  # the known hash was believed


def test_hostile_folders_have_one(tmp_path):
    make_hostile(tmp_path / "hostile")
    params = edited_params(
        tmp_path / "params.yaml",
        lambda values: values.update(outside={"mine": str(tmp_path / "hostile")}),
    )
    done = stage("outside", "mine", tmp_path / "print.json", "--scratch", tmp_path, params=params)
    assert done.returncode == 0 and "Traceback" not in done.stderr
    assert json.loads((tmp_path / "print.json").read_text())["files"] > 25


def test_a_missing_path_is_named(tmp_path):
    with pytest.raises(UserError, match="/no/such does not exist"):
        fingerprint(tmp_path, tmp_path / "no" / "such")
