"""Any folder of recordings: what is used, what is rejected and why, and splits that bad files
cannot change.
"""

import hashlib
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from hostile import make_good, make_hostile, tone
from pipeline.audio.files import read_audio
from pipeline.common.cli import UserError
from pipeline.common.files import digest
from pipeline.common.manifest import COLUMNS, decode_path, read_manifest
from pipeline.data.folder import make_folder, recording_ids, split_recordings
from recordings import CONFIG


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """The folder of good and hostile files, what is expected of the latter, and the manifest by
    path bytes.
    """
    folder = tmp_path_factory.mktemp("mixed")
    good = make_good(folder)
    expected = make_hostile(folder)
    manifest, root = make_folder(CONFIG, folder, folder)
    assert root == folder
    return (
        folder,
        good,
        expected,
        manifest.set_index(manifest.path.map(lambda path: os.fsencode(decode_path(path)))),
    )


def test_every_kind_of_file_ends_as_expected(mixed):
    _, good, expected, rows = mixed
    assert len(expected) >= 28
    for name, (outcome, reason) in expected.items():
        assert (name in rows.index) == (outcome != "ignored"), name
        if outcome == "processed":
            assert rows.rejected[name] == "" and rows.split[name] in ("train", "valid", "test"), (
                name
            )
        elif outcome == "rejected":
            assert re.search(reason, rows.rejected[name]) and rows.split[name] == "", (
                name,
                rows.rejected[name],
            )
    assert len(rows) == len(good) + sum(outcome != "ignored" for outcome, _ in expected.values())


def test_reasons_are_one_line_without_the_path(mixed):
    folder, _, _, rows = mixed
    for reason in rows.rejected:
        assert "\n" not in reason and str(folder) not in reason and len(reason) < 160


def test_what_is_processed_sounds(mixed):
    folder, _, _, rows = mixed
    for name, row in rows[rows.rejected == ""].iterrows():
        audio = read_audio(folder / os.fsdecode(name))
        assert row.seconds == len(audio) / 16000 and abs(row.seconds - 4) < 0.1
        assert row.sha256 == hashlib.sha256(audio).hexdigest()
        assert row.peak == pytest.approx(abs(audio).max(), abs=1e-6)


def test_ids_are_names_of_files_and_stay(mixed):
    _, _, _, rows = mixed
    assert rows.id.is_unique and rows.id.str.fullmatch("[A-Za-z0-9_-]{1,49}").all()
    assert (rows.group == rows.id).all() and (rows.instrument == "violin").all()
    names = ["Étude no. 1.wav", "長さ.wav", "a/take.wav", "b/take.wav"]
    etude, length, take, other = recording_ids([Path(name) for name in names]).values()
    assert etude == f"Etude-no-1-{digest(names[0].encode())[:8]}"
    assert length.startswith("recording-") and take != other


def test_the_manifest_survives_its_csv(mixed, tmp_path):
    _, _, _, rows = mixed
    rows.to_csv(tmp_path / "manifest.csv", index=False)
    read = read_manifest(tmp_path / "manifest.csv")
    assert list(read.columns) == [*COLUMNS, "seconds", "peak"]
    pd.testing.assert_frame_equal(read, rows.reset_index(drop=True), check_dtype=False)


@pytest.mark.parametrize("split", ["file", "time"])
def test_bad_files_change_nothing_for_the_good_ones(tmp_path, split):
    config = CONFIG.model_copy(update={"split": split})
    good = make_good(tmp_path / "alone")
    make_good(tmp_path / "beside")
    expected = make_hostile(tmp_path / "beside")
    (tmp_path / "beside" / "deep" / "down.wav" / "inside.wav").unlink()
    for name, (outcome, _) in expected.items():
        path = tmp_path / "beside" / os.fsdecode(name)
        if outcome == "processed" and path.exists():
            path.unlink()
    for name in ("zz-copy.wav", "zz-copy.flac"):
        (tmp_path / "beside" / name).write_bytes((tmp_path / "beside" / good[0]).read_bytes())
    alone, _ = make_folder(config, tmp_path / "alone", tmp_path)
    beside, _ = make_folder(config, tmp_path / "beside", tmp_path)
    assert len(beside) > len(alone) + 20
    usable = beside[beside.rejected == ""].reset_index(drop=True)
    pd.testing.assert_frame_equal(usable, alone)
    for name in good:
        np.testing.assert_array_equal(
            read_audio(tmp_path / "alone" / name), read_audio(tmp_path / "beside" / name)
        )


def test_split_by_file_has_the_shares_and_follows_the_hash():
    seconds = {f"take-{number}": 10.0 for number in range(40)}
    splits = split_recordings(CONFIG, seconds)
    ordered = sorted(seconds, key=lambda name: digest(0, name))
    assert [splits[name] for name in ordered] == ["test"] * 8 + ["valid"] * 8 + ["train"] * 24
    assert split_recordings(CONFIG, dict(reversed(seconds.items()))) == splits
    assert split_recordings(CONFIG.model_copy(update={"seed": 1}), seconds) != splits
    assert sorted(split_recordings(CONFIG, {"a": 1.0, "b": 1.0, "c": 1.0}).values()) == [
        "test",
        "train",
        "valid",
    ]


def test_split_by_time_names_every_block():
    config = CONFIG.model_copy(update={"split": "time", "block_seconds": 10.0})
    splits = split_recordings(config, {"long": 184.0, "tail": 26.0, "short": 3.0})
    blocks = {name: split.split(" ") for name, split in splits.items()}
    assert {name: len(names) for name, names in blocks.items()} == {
        "long": 18,
        "tail": 3,
        "short": 1,
    }
    counted = pd.Series([split for names in blocks.values() for split in names]).value_counts()
    assert dict(counted) == {"train": 14, "test": 4, "valid": 4}


def test_few_files_are_split_by_time(tmp_path):
    for number in range(2):
        soundfile.write(tmp_path / f"long-{number}.flac", tone(60 + number, 11, seed=number), 16000)
    manifest, _ = make_folder(CONFIG, tmp_path, tmp_path)
    assert [len(split.split(" ")) for split in manifest.split] == [6, 6] and (
        manifest.block_seconds == 2.0
    ).all()
    assert set(" ".join(manifest.split).split(" ")) == {"train", "valid", "test"}


@pytest.mark.parametrize(
    "update, files, message",
    [
        (
            {"split": "file"},
            2,
            "3 needed for train, valid and test, but 2 usable recordings; add some, or set "
            "split to 'time'",
        ),
        (
            {"split": "time", "block_seconds": 60.0},
            2,
            "but 2 time blocks of 60.0 s; shorten block_seconds or add recordings",
        ),
        (
            {"test_share": 0.5, "valid_share": 0.5},
            4,
            "test_share 0.5 and valid_share 0.5 of 4 leave nothing to train on",
        ),
        ({}, 0, "holds no usable audio file"),
    ],
)
def test_what_cannot_be_split_is_named(tmp_path, update, files, message):
    for number in range(files):
        soundfile.write(tmp_path / f"{number}.wav", tone(seconds=1, seed=number), 16000)
    with pytest.raises(UserError, match=re.escape(message)):
        make_folder(CONFIG.model_copy(update=update), tmp_path, tmp_path)


def test_a_folder_of_rubbish_names_the_first(tmp_path):
    (tmp_path / "text.wav").write_text("no audio")
    with pytest.raises(
        UserError,
        match="the first of 1 rejected: text.wav cannot be decoded: Format not recognised",
    ):
        make_folder(CONFIG, tmp_path, tmp_path)


def test_a_missing_path_is_named(tmp_path):
    with pytest.raises(UserError, match="section outside of params.yaml"):
        make_folder(CONFIG, None, tmp_path)
    with pytest.raises(UserError, match="gone: No such file or directory"):
        make_folder(CONFIG, tmp_path / "gone", tmp_path)
