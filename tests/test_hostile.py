"""A user's folder with every kind of bad file in it, through data, features and examples:
nothing but our own lines, all good ones kept.
"""

import os
import shutil

import pytest

from commands import edited_params, error_line, hashes, stage
from hostile import make_good, make_hostile
from pipeline.common.manifest import decode_path, read_manifest

SETTINGS = {
    "source": "folder",
    "seed": 0,
    "instrument": "tone",
    "split": "file",
    "block_seconds": 10.0,
    "shortest_seconds": 1.0,
    "test_share": 0.2,
    "valid_share": 0.1,
    "max_rejected": 0,
}


def prepare(folder, recordings, max_rejected, check=True):
    """The stages data, features and examples; returns what features said."""

    def edit(values):
        values["outside"] = {"mine": str(recordings)}
        values["data"] = {"mine": SETTINGS | {"max_rejected": max_rejected}}
        values["examples"] |= {
            "seconds": 1.0,
            "hop_seconds": 1.0,
            "shards": {"train": 2, "valid": 1, "test": 1},
        }

    folder.mkdir(exist_ok=True)
    params = edited_params(folder / "params.yaml", edit)
    stage("data", "mine", folder / "set", folder / "manifest.csv", params=params, check=True)
    done = stage(
        "features",
        folder / "set",
        folder / "manifest.csv",
        folder / "features",
        "--scratch",
        folder / "scratch",
        params=params,
    )
    if done.returncode == 0:
        stage(
            "examples",
            folder / "features",
            folder / "examples",
            "--scratch",
            folder / "scratch2",
            params=params,
            check=True,
        )
    return done


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    make_good(folder / "recordings")
    make_hostile(folder / "recordings")
    return folder, prepare(folder / "strict", folder / "recordings", 0)


def test_there_are_enough_kinds(tmp_path):
    assert len(make_hostile(tmp_path / "recordings")) >= 25


def test_too_many_rejects_fail_in_one_line_after_writing_everything(hostile):
    folder, done = hostile
    table = read_manifest(folder / "strict" / "features" / "features.csv")
    rejected = table[table.rejected != ""]
    assert done.returncode == 1
    assert error_line(done).startswith(
        f"error: {len(rejected)} of {len(table)} recordings rejected, 0 allowed"
    )
    written = {path.stem for path in (folder / "strict" / "features").glob("*.npy")}
    assert (
        written == set(table[table.rejected == ""].id) and len(written) > 15 and len(rejected) > 20
    )


def test_the_good_ones_are_the_same_bytes_without_the_bad_ones_beside_them(hostile):
    folder, _ = hostile
    table = read_manifest(folder / "strict" / "features" / "features.csv")
    assert prepare(folder / "strict", folder / "recordings", len(table)).returncode == 0
    shutil.copytree(
        folder / "recordings", folder / "cleaned", symlinks=True, copy_function=copy_what_can_be
    )
    bad = [folder / "cleaned" / decode_path(path) for path in table[table.rejected != ""].path]
    for path in bad:
        if path.is_symlink() or not path.is_dir():  # a folder named like a file may hold good ones
            path.unlink(missing_ok=True)
    assert (
        prepare(folder / "clean", folder / "cleaned", sum(path.is_dir() for path in bad)).returncode
        == 0
    )
    for part in ("features", "examples"):
        one, other = hashes(folder / "strict" / part), hashes(folder / "clean" / part)
        assert {name: one[name] for name in one if name != "features.csv"} == {
            name: other[name] for name in other if name != "features.csv"
        }


def copy_what_can_be(source, target):
    """copy2, but pipes stay behind: reading one would wait for ever."""
    return shutil.copy2(source, target) if os.path.isfile(source) else target
