"""NSynth in its published form, at a small size: folders, archives, the filter and the splits."""

import os
import re
import tarfile
from pathlib import Path

import pandas as pd
import pytest

from nsynth_parts import CONFIG, FAMILIES, INSTRUMENTS, PAPER, SOURCES, entry, write_part
from pipeline.audio.files import read_audio
from pipeline.common.cli import UserError
from pipeline.common.files import digest, file_sha256
from pipeline.common.manifest import AUDIO, COLUMNS
from pipeline.data.nsynth import make_nsynth, paper_split


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nsynth")
    for name, numbers in INSTRUMENTS.items():
        notes = [
            entry(family, source, number, pitch)
            for family in FAMILIES
            for source in SOURCES
            for number in numbers
            for pitch in (23, 24, 60, 84, 85)
        ]
        write_part(folder, name, notes)
    return folder


@pytest.fixture(scope="module")
def archives(folders, tmp_path_factory):
    folder = tmp_path_factory.mktemp("archives")
    for name in INSTRUMENTS:
        with tarfile.open(folder / f"nsynth-{name}.jsonwav.tar.gz", "w:gz") as archive:
            archive.add(folders / f"nsynth-{name}", f"nsynth-{name}")
    return folder


def test_folders_give_the_filtered_notes(folders, tmp_path):
    manifest, root = make_nsynth(CONFIG, folders, tmp_path)
    assert (
        root == folders
        and list(manifest.columns) == [*COLUMNS, "qualities"]
        and (manifest.rejected == "").all()
    )
    assert len(manifest) == 4 * len(FAMILIES) * 3 and set(manifest.pitch) == {24, 60, 84}
    assert (
        manifest.instrument.str.contains("_acoustic_").all()
        and (manifest.group == manifest.instrument).all()
    )
    note = manifest.set_index("id").loc["flute_acoustic_003-060-075"]
    assert (note.instrument, note.family, note.pitch, note.velocity) == (
        "flute_acoustic_003",
        "flute",
        60,
        75,
    )
    assert (note.split, note.qualities, note.path) == (
        "test",
        "dark reverb",
        "nsynth-test/audio/flute_acoustic_003-060-075.wav",
    )
    assert (
        note.sha256 == file_sha256(root / note.path) and len(read_audio(root / note.path)) == 1600
    )


def test_the_published_split_shares_no_instrument(folders, tmp_path):
    manifest, _ = make_nsynth(CONFIG, folders, tmp_path)
    assert (manifest.groupby("group").split.nunique() == 1).all() and set(manifest.split) == set(
        INSTRUMENTS
    )


def test_all_sources_pass_without_the_filter(folders, tmp_path):
    every = CONFIG.model_copy(update={"acoustic": False, "pitch": (0, 127)})
    assert len(make_nsynth(every, folders, tmp_path).manifest) == 4 * 3 * 3 * 5


def test_archives_give_the_same_manifest(folders, archives, tmp_path):
    for config in (CONFIG, PAPER):
        unpacked = tmp_path / config.split
        (unpacked / AUDIO).mkdir(parents=True)
        manifest, root = make_nsynth(config, archives, unpacked)
        assert root is None
        pd.testing.assert_frame_equal(manifest, make_nsynth(config, folders, tmp_path).manifest)
        found = {
            path.relative_to(unpacked / AUDIO).as_posix()
            for path in (unpacked / AUDIO).rglob("*")
            if path.is_file()
        }
        assert found == set(manifest.path)  # what does not pass the filter is not unpacked


def test_one_archive_suffices_for_the_papers_split(archives, tmp_path):
    outside = archives / "nsynth-test.jsonwav.tar.gz"
    assert len(make_nsynth(PAPER, outside, tmp_path).manifest) == 9
    with pytest.raises(
        UserError, match="holds no archive nsynth-train, which split 'published' needs"
    ):
        make_nsynth(CONFIG, outside, tmp_path)


def test_folders_win_over_archives(folders, archives, tmp_path):
    (tmp_path / "nsynth-valid").symlink_to(folders / "nsynth-valid")
    (tmp_path / "nsynth-test.jsonwav.tar.gz").symlink_to(archives / "nsynth-test.jsonwav.tar.gz")
    manifest, root = make_nsynth(PAPER, tmp_path, tmp_path)
    assert (
        root == tmp_path
        and len(manifest) == 9
        and manifest.path.str.startswith("nsynth-valid/").all()
    )


def test_the_papers_split_has_its_shares():
    names = [
        entry("brass", "acoustic", number, pitch)["note_str"]
        for number in range(200)
        for pitch in range(24, 85)
    ]
    splits = pd.Series([paper_split(PAPER, name) for name in names]).value_counts(normalize=True)
    assert splits["test"] == pytest.approx(0.8, abs=0.01)
    assert splits["valid"] == pytest.approx(0.02, abs=0.005) and splits["train"] == pytest.approx(
        0.18, abs=0.01
    )
    place = int(digest(0, names[0])[:12], 16) / 16**12  # the definition, spelt out
    assert paper_split(PAPER, names[0]) == (
        "test" if place < 0.8 else "valid" if place < 0.82 else "train"
    )


def test_the_authors_lists_are_followed(folders, tmp_path):
    gansynth = CONFIG.model_copy(update={"split": "gansynth"})
    for name in INSTRUMENTS:
        (tmp_path / f"nsynth-{name}").symlink_to(folders / f"nsynth-{name}")
    path = tmp_path / "nsynth-gansynth_splits.csv"
    with pytest.raises(UserError, match=f"{path}: cannot be read .*download it"):
        make_nsynth(gansynth, tmp_path, tmp_path)
    lists = {
        "brass_acoustic_000-060-075": "test",
        "flute_acoustic_003-024-075": "train",
        "string_acoustic_002-084-075": "valid",
    }
    path.write_text(
        "id,split\n"
        + "".join(f"{name},{split}\n" for name, split in lists.items())
        + "not_here-060-075,train\n"
    )
    manifest, _ = make_nsynth(gansynth, tmp_path, tmp_path)
    assert (
        dict(zip(manifest.id, manifest.split, strict=True)) == lists
        and (manifest.rejected == "").all()
    )
    for wrong in ("name,split\na,train\n", "id,split\na,elsewhere\n", ""):
        path.write_text(wrong)
        with pytest.raises(UserError, match=str(path)):
            make_nsynth(gansynth, tmp_path, tmp_path)


def test_a_half_downloaded_archive_is_named(archives, tmp_path):
    content = (archives / "nsynth-test.jsonwav.tar.gz").read_bytes()
    for name, part in (
        ("half", content[: len(content) // 2]),
        ("text", b"no archive" * 100),
        ("empty", b""),
    ):
        path = tmp_path / name / "nsynth-test.jsonwav.tar.gz"
        path.parent.mkdir()
        path.write_bytes(part)
        with pytest.raises(UserError, match=f"{path}: .*download it again"):
            make_nsynth(PAPER, path, tmp_path)


def test_missing_data_is_named(tmp_path):
    with pytest.raises(UserError, match="section outside of params.yaml"):
        make_nsynth(CONFIG, None, tmp_path)
    with pytest.raises(
        UserError,
        match="holds neither nsynth-train, nsynth-valid, nsynth-test as folders nor such archives",
    ):
        make_nsynth(CONFIG, tmp_path, tmp_path)


def test_no_note_within_the_filter_is_named(folders, tmp_path):
    with pytest.raises(UserError, match=re.escape("holds no usable note of pitch (100, 110)")):
        make_nsynth(CONFIG.model_copy(update={"pitch": (100, 110)}), folders, tmp_path)


def test_names_do_not_depend_on_the_working_directory(folders, tmp_path, monkeypatch):
    monkeypatch.chdir(folders.parent)
    assert make_nsynth(CONFIG, Path(folders.name), tmp_path).root == folders and os.path.isabs(
        folders
    )
