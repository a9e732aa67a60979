"""NSynth with broken entries and hostile archives: rejected rows, errors that name the file."""

import json
import re
import tarfile
from pathlib import Path

import pandas as pd
import pytest

from hostile_archive import make_hostile_tar
from nsynth_parts import FAMILIES, PAPER, entry, write_part
from pipeline.common.cli import UserError
from pipeline.common.manifest import AUDIO
from pipeline.data.nsynth import make_nsynth


@pytest.fixture
def broken(tmp_path):
    """A copy of the test part alone, and a function that edits the entries of its examples.json."""
    notes = [entry(family, "acoustic", 3, pitch) for family in FAMILIES for pitch in (60, 61)]
    write_part(tmp_path, "test", notes)
    path = tmp_path / "nsynth-test" / "examples.json"
    return tmp_path, lambda change: path.write_text(change(path.read_text()))


@pytest.mark.parametrize(
    "change, reason",
    [
        (
            lambda text: text.replace('"pitch": 60, ', "", 1),
            "in examples.json of nsynth-test: pitch: field required",
        ),
        (
            lambda text: text.replace('"pitch": 60', '"pitch": "60"', 1),
            "pitch: input should be a valid integer",
        ),
        (
            lambda text: text.replace('"pitch": 60', '"pitch": 600', 1),
            "pitch: input should be less than or equal to 127",
        ),
        (
            lambda text: text.replace('"note_str": "brass', '"note_str": "../../brass', 1),
            "note_str: string should match pattern",
        ),
        (
            lambda text: text.replace(
                '"note_str": "brass_acoustic_003-060', '"note_str": "brass_acoustic_003-099', 1
            ),
            "another name",
        ),
        (
            lambda text: text.replace("{", '{"scrap": 3, ', 1),
            "entry: input should be a valid dictionary",
        ),
        (
            lambda text: text.replace(
                "{",
                '{"brass_acoustic_003-060-075": '
                + json.dumps(entry("brass", "acoustic", 3, 60))
                + ", ",
                1,
            ),
            "twice",
        ),
    ],
)
def test_a_broken_entry_is_a_rejected_row(broken, tmp_path, change, reason):
    outside, edit = broken
    before, _ = make_nsynth(PAPER, outside, tmp_path)
    edit(change)
    after, _ = make_nsynth(PAPER, outside, tmp_path)
    rejected = after[after.rejected != ""]
    assert (
        len(rejected) == 1 and reason in rejected.rejected.iloc[0] and rejected.split.iloc[0] == ""
    )
    assert re.fullmatch("[A-Za-z0-9_-]+", rejected.id.iloc[0])
    usable = after[after.rejected == ""].reset_index(drop=True)
    pd.testing.assert_frame_equal(usable, before[before.id.isin(usable.id)].reset_index(drop=True))
    assert len(usable) >= len(before) - 1


def test_a_missing_wav_is_a_rejected_row(broken, tmp_path):
    outside, _ = broken
    (outside / "nsynth-test" / "audio" / "brass_acoustic_003-060-075.wav").unlink()
    manifest, _ = make_nsynth(PAPER, outside, tmp_path)
    row = manifest.set_index("id").loc["brass_acoustic_003-060-075"]
    assert (
        row.rejected == "nsynth-test/audio/brass_acoustic_003-060-075.wav is missing"
        and row.split == ""
    )
    assert (manifest.rejected == "").sum() == 5


@pytest.mark.parametrize("text", ["", "{", "[]", "[1]", "{}", '{"a": 1}', "\xff"])
def test_a_broken_examples_json_is_named(broken, tmp_path, text):
    outside, _ = broken
    (outside / "nsynth-test" / "examples.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=f"{outside}/nsynth-test/examples.json: ") as error:
        make_nsynth(PAPER, outside, tmp_path)
    assert "\n" not in str(error.value)


def test_a_hostile_archive_writes_nothing_outside(broken, tmp_path):
    outside, _ = broken
    (tmp_path / "archive").mkdir()
    (tmp_path / "set" / AUDIO).mkdir(parents=True)
    members = {
        path.relative_to(outside).as_posix(): path.read_bytes()
        for path in (outside / "nsynth-test").rglob("*.*")
    }
    refused = make_hostile_tar(tmp_path / "archive" / "nsynth-test.jsonwav.tar.gz", members)
    before = {path for path in tmp_path.rglob("*") if "set" not in path.parts}
    manifest, root = make_nsynth(PAPER, tmp_path / "archive", tmp_path / "set")
    assert root is None and not Path("/tmp/escaped.wav").exists()
    assert {path for path in tmp_path.rglob("*") if "set" not in path.parts} == before
    unpacked = [
        path for path in (tmp_path / "set").rglob("*") if not path.is_dir() or path.is_symlink()
    ]
    assert all(path.is_file() and not path.is_symlink() for path in unpacked) and len(unpacked) == 6
    pd.testing.assert_frame_equal(
        manifest[manifest.rejected == ""].reset_index(drop=True),
        make_nsynth(PAPER, outside, tmp_path).manifest,
    )
    reasons = sorted(manifest.rejected[manifest.rejected != ""])
    assert len(reasons) == len(refused)
    for expected in refused.values():
        assert any(expected in reason for reason in reasons)


def test_a_link_within_an_archive_is_not_followed(broken, tmp_path):
    outside, _ = broken
    (outside / "nsynth-test" / "audio" / "brass_acoustic_003-060-075.wav").unlink()
    (outside / "nsynth-test" / "audio" / "brass_acoustic_003-060-075.wav").symlink_to(
        "brass_acoustic_003-061-075.wav"
    )
    (tmp_path / "set" / AUDIO).mkdir(parents=True)
    path = tmp_path / "nsynth-test.jsonwav.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        # as `tar c ./nsynth-test` names members
        archive.add(outside / "nsynth-test", "./nsynth-test")
    manifest, _ = make_nsynth(PAPER, path, tmp_path / "set")
    assert list(manifest.id[manifest.rejected.str.contains("is missing")]) == [
        "brass_acoustic_003-060-075"
    ]
    assert (manifest.rejected == "").sum() == 5
