"""All sound in a file is read, or the file is refused with the true reason: joined streams, lengths
that are placeholders or guesses, samples far above full scale.
"""

import io
import struct

import numpy as np
import pytest
import soundfile

from hostile import tone
from pipeline.audio.files import BadAudio, read_audio
from pipeline.audio.mpeg import count_frames

ONE = tone(60, 2.0)
OTHER = tone(64, 3.0, seed=1)
JOINED = "^is several files joined end to end"
SOUND_BYTES = 2 * len(ONE)


def encoded(audio, container, subtype=None, rate=16000, **options):
    """The bytes of a sound file."""
    file = io.BytesIO()
    soundfile.write(file, audio, rate, format=container, subtype=subtype, **options)
    return file.getvalue()


def read(tmp_path, content):
    (tmp_path / "sound").write_bytes(content)
    return read_audio(tmp_path / "sound")


def picture(size=200_000):
    """An ID3v2 tag with a picture, as music players embed it."""
    content = b"APIC" + struct.pack(">I", size) + bytes(2)
    content += np.random.default_rng(0).bytes(size)
    length = bytes(len(content) >> shift & 127 for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + length + content


def constant_mp3(audio):
    return encoded(audio, "MP3", bitrate_mode="CONSTANT", compression_level=0.5)


def without_length(mp3):
    """An MP3 without its first frame, which holds its length."""
    return mp3[mp3.index(mp3[:2], 4) :]


@pytest.mark.parametrize(
    "container, subtype",
    [
        ("OGG", "VORBIS"),
        ("OGG", "OPUS"),
        ("MP3", None),
        ("FLAC", None),
        ("WAV", "PCM_16"),
        ("AIFF", None),
        ("AU", None),
        ("CAF", None),
        ("W64", None),
    ],
)
def test_joined_files_are_refused_by_that_name(tmp_path, container, subtype):
    one, other = (encoded(audio, container, subtype) for audio in (ONE, OTHER))
    assert len(read(tmp_path, one)) == len(ONE)
    with pytest.raises(BadAudio, match=JOINED):
        read(tmp_path, one + other)


def test_a_joined_mp3_without_a_length_in_its_second_part_is_refused(tmp_path):
    one, other = (constant_mp3(audio) for audio in (ONE, OTHER))
    with pytest.raises(BadAudio, match=JOINED):
        read(tmp_path, one + without_length(other))
    whole = read(tmp_path, without_length(one) + picture(300) + without_length(other))
    assert len(whole) == pytest.approx(len(ONE) + len(OTHER), abs=4 * 1152)


@pytest.mark.parametrize(
    "mp3",
    [constant_mp3(ONE), encoded(ONE, "MP3"), without_length(constant_mp3(ONE))],
    ids=["constant", "variable", "without length"],
)
def test_a_picture_changes_nothing_of_an_mp3(tmp_path, mp3):
    sound = read(tmp_path, mp3)
    np.testing.assert_array_equal(read(tmp_path, picture() + mp3), sound)
    assert len(sound) == pytest.approx(len(ONE), abs=3 * 576)


@pytest.mark.parametrize("mp3", [constant_mp3(ONE), encoded(ONE, "MP3")])
def test_an_mp3_with_a_picture_that_is_cut_short_is_refused(tmp_path, mp3):
    with pytest.raises(BadAudio, match="^is truncated: .* MPEG frames came"):
        read(tmp_path, picture() + mp3[: len(mp3) * 7 // 10])


def test_a_tag_behind_an_mp3_is_no_sound(tmp_path):
    mp3 = constant_mp3(ONE)
    tag = b"APETAGEX" + picture(50_000)[20:]
    np.testing.assert_array_equal(read(tmp_path, mp3 + tag), read(tmp_path, mp3))


@pytest.mark.parametrize("rate, samples", [(44100, 1152), (16000, 576), (8000, 576)])
@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
def test_mpeg_frames_are_those_that_the_header_promises(tmp_path, rate, samples, mode):
    path = tmp_path / "sound.mp3"
    path.write_bytes(encoded(tone(60, 2.0, rate), "MP3", rate=rate, bitrate_mode=mode))
    with open(path, "rb") as file:
        frames = count_frames(file)
    assert frames.found == frames.promised and frames.samples == samples
    assert 0 <= frames.found * samples - 2 * rate < 5 * samples


@pytest.mark.parametrize("container", ["WAV", "AIFF", "W64"])
@pytest.mark.parametrize("seconds", [2.9, 2.94, 2.98, 3.0])
def test_block_codes_fill_their_last_block(tmp_path, container, seconds):
    content = encoded(tone(60, seconds, 8000), container, "GSM610", 8000)
    assert len(read(tmp_path, content)) == pytest.approx(seconds * 16000, abs=1280)
    if container == "WAV":
        with pytest.raises(BadAudio, match="^is truncated: "):
            read(tmp_path, content[: len(content) * 7 // 10])


@pytest.mark.parametrize(
    "size", [0xFFFFFFFF, 0xFFFFFFFF - 36, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0x7FFFFFFF - 44]
)
@pytest.mark.parametrize("container, chunk, order", [("WAV", b"data", "<"), ("AIFF", b"SSND", ">")])
def test_a_placeholder_is_no_length(tmp_path, size, container, chunk, order):
    content = encoded(ONE, container, "PCM_16")
    place = content.index(chunk) + 4
    piped = content[:place] + struct.pack(order + "I", size) + content[place + 4 :]
    np.testing.assert_array_equal(read(tmp_path, piped), read(tmp_path, content))


def test_a_long_file_cut_short_is_no_placeholder(tmp_path):
    content = encoded(ONE, "WAV", "PCM_16")
    with pytest.raises(BadAudio, match=f"^is truncated: {SOUND_BYTES} of 2000000000 bytes"):
        read(tmp_path, content[:40] + struct.pack("<I", 2_000_000_000) + content[44:])


@pytest.mark.parametrize(
    "container, place, form",
    [("WAV", 40, "<I"), ("AU", 8, ">I"), ("AIFF", 42, ">I"), ("RF64", 28, "<Q")],
)
def test_sound_behind_a_length_of_zero_is_named(tmp_path, container, place, form):
    content = encoded(ONE, container, "PCM_16")
    empty = 8 if container == "AIFF" else 0  # its offset and block size
    size = struct.unpack_from(form, content, place)[0]
    assert size == SOUND_BYTES + empty
    stopped = content[:place] + struct.pack(form, empty) + content[place + struct.calcsize(form) :]
    with pytest.raises(BadAudio, match=f"but {SOUND_BYTES} bytes follow, .* with ffmpeg$"):
        read(tmp_path, stopped)


@pytest.mark.parametrize("scale, usable", [(1.3, True), (3.9, True), (127, False), (32767, False)])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_samples_far_above_full_scale_are_refused(tmp_path, scale, usable, subtype):
    content = encoded(scale * ONE / abs(ONE).max(), "WAV", subtype)
    if usable:
        assert abs(read(tmp_path, content)).max() == pytest.approx(scale)
    else:
        with pytest.raises(BadAudio, match=f"^peaks at {scale}, but full scale is 1; divide"):
            read(tmp_path, content)
