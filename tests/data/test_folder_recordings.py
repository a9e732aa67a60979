"""Which files of a folder are used: every suffix of sound, no copies in other bytes, nothing too
short for an example; each file has a different id.
"""

import mimetypes
import os
import re
from pathlib import Path

import pytest
import soundfile

from hostile import tone
from pipeline.common.cli import UserError
from pipeline.common.files import digest
from pipeline.data.folder import make_folder, recording_ids, split_recordings
from pipeline.data.suffixes import SUFFIXES
from recordings import CONFIG

NO_SOUND = {".ass", ".mid", ".midi"}  # subtitles and scores, whatever their MIME type
UNREADABLE = (
    "amr",
    "3gp",
    "webm",
    "mp4",
    "m4b",
    "mka",
    "ac3",
    "dsf",
    "mov",
    "avi",
    "spx",
    "pcm",
    "M4A",
)


@pytest.fixture
def folder(tmp_path):
    """Three recordings of 2 s."""
    for number in range(3):
        write(tmp_path / f"take-{number}.wav", number)
    return tmp_path


def write(path, seed, seconds=2.0, **options):
    soundfile.write(path, tone(60 + seed, seconds, seed=seed), 16000, **options)


def rejected(folder, config=CONFIG):
    """Make the manifest; return the reasons by path."""
    manifest, _ = make_folder(config, folder, folder)
    assert ((manifest.split == "") == (manifest.rejected != "")).all()
    rows = manifest[manifest.rejected != ""]
    return dict(zip(rows.path, rows.rejected, strict=True))


@pytest.mark.parametrize("suffix", UNREADABLE)
def test_formats_that_libsndfile_cannot_read_are_named(folder, suffix):
    (folder / f"phone.{suffix}").write_bytes(b"no format that libsndfile knows" * 10)
    reasons = rejected(folder)
    assert list(reasons) == [f"phone.{suffix}"]
    assert re.match("cannot be decoded: .* convert it to FLAC with ffmpeg", *reasons.values())


def test_every_media_type_is_looked_at():
    types = mimetypes.MimeTypes().types_map[True]
    media = {name for name, kind in types.items() if kind.startswith(("audio/", "video/"))}
    assert {name[1:] for name in media - NO_SOUND} <= SUFFIXES


def test_what_is_not_looked_at_is_counted(folder, capsys):
    for name in ("score.pdf", "notes.TXT", "more.txt", "README", ".hidden"):
        (folder / name).touch()
    assert rejected(folder) == {}
    lines = [line for line in capsys.readouterr().err.splitlines() if "suffix" in line]
    counts = "1 .pdf, 2 .txt, 1 without one"
    assert lines == [f"{folder}: not taken for recordings, by their suffix: {counts}"]


@pytest.mark.parametrize(
    "name, options",
    [
        ("zz.flac", {}),
        ("zz.aiff", {}),
        ("zz.wav", {"subtype": "PCM_24"}),
        ("zz.caf", {"subtype": "PCM_16"}),
    ],
)
def test_copies_in_other_bytes_are_found(folder, name, options):
    samples, rate = soundfile.read(folder / "take-0.wav")
    soundfile.write(folder / name, samples, rate, **options)
    assert rejected(folder) == {name: "same sound as take-0.wav"}


def test_a_copy_with_a_tag_or_two_equal_channels_is_found(folder):
    content = (folder / "take-1.wav").read_bytes()
    (folder / "zz-tagged.wav").write_bytes(content + b"LIST\4\0\0\0INFO")
    samples, rate = soundfile.read(folder / "take-2.wav", always_2d=True)
    soundfile.write(folder / "zz-stereo.wav", samples.repeat(2, axis=1), rate)
    assert rejected(folder) == {
        "zz-tagged.wav": "same sound as take-1.wav",
        "zz-stereo.wav": "same sound as take-2.wav",
    }


def at_least(seconds, **changes):
    return CONFIG.model_copy(update={"shortest_seconds": seconds} | changes)


def test_recordings_shorter_than_an_example_are_in_no_split(folder):
    for number in range(3, 6):
        write(folder / f"short-{number}.wav", number, 1.99)
    manifest, _ = make_folder(at_least(2.0), folder, folder)
    usable = manifest[manifest.rejected == ""]
    assert sorted(usable.path) == [f"take-{number}.wav" for number in range(3)]
    assert sorted(usable.split) == ["test", "train", "valid"]
    reasons = set(manifest.rejected) - {""}
    assert reasons == {
        "has 1.990 s, less than shortest_seconds (2.0); lower both this and examples.seconds"
    }


def test_a_folder_of_short_recordings_says_so(folder):
    with pytest.raises(UserError, match="the first of 3 rejected: take-0.wav has 2.000 s, less"):
        make_folder(at_least(4.0, block_seconds=4.0), folder, folder)


@pytest.mark.parametrize(
    "seconds, blocks", [(20.0, 2), (14.9, 1), (15.0, 2), (17.0, 2), (4.0, 1), (9.0, 1)]
)
def test_a_block_holds_an_example(seconds, blocks):
    lengths = {"take": seconds, "long": 100.0}
    splits = split_recordings(at_least(4.0, split="time", block_seconds=10.0), lengths)
    assert len(splits["take"].split(" ")) == blocks
    longer = split_recordings(at_least(6.0, split="time", block_seconds=10.0), lengths)
    assert len(longer["take"].split(" ")) == blocks - (seconds == 15.0)


def test_blocks_shorter_than_an_example_are_named():
    config = at_least(4.0, split="time", block_seconds=3.0)
    message = re.escape("block_seconds: 3.0 is less than shortest_seconds (4.0); lengthen it")
    with pytest.raises(UserError, match=message):
        split_recordings(config, {"take": 100.0})


COLLISIONS = [(43040, 70475), (76741, 136864), (110982, 144759)]  # in their paths' first 32 bits


@pytest.mark.parametrize("numbers", COLLISIONS)
def test_paths_whose_hashes_begin_alike_have_ids_of_their_own(tmp_path, numbers):
    paths = [Path(f"{number}/take.wav") for number in (*numbers, 0)]
    assert len({digest(os.fsencode(path))[:8] for path in paths}) == 2
    for seed, path in enumerate(paths):
        (tmp_path / path).parent.mkdir()
        write(tmp_path / path, seed)
    manifest, _ = make_folder(CONFIG, tmp_path, tmp_path)
    ids = recording_ids(paths)
    assert set(manifest.id) == set(ids.values()) and len(set(ids.values())) == 3
    assert recording_ids(paths[::-1]) == ids
    assert ids[paths[2]] == recording_ids(paths[2:])[paths[2]]
