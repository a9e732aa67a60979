"""Decoding: block by block equals all at once, sound keeps level and pitch, memory stays
bounded.
"""

import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import soxr

from conftest import ROOT
from hostile import tone
from pipeline.audio.files import BLOCK_VALUES, BadAudio, read_audio, write_audio

LONG = """
import resource, sys
from pathlib import Path
from pipeline.audio.files import read_audio
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
samples = len(read_audio(Path(sys.argv[1])))
print(samples, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize(
    "suffix, subtype, rate, channels",
    [
        (".wav", "PCM_16", 44100, 2),
        (".flac", "PCM_24", 96000, 6),
        (".wav", "DOUBLE", 8000, 1),
        (".ogg", "VORBIS", 22050, 2),
        (".mp3", "MPEG_LAYER_III", 44100, 2),
        (".aiff", "PCM_24", 48000, 3),
    ],
)
def test_blocks_give_what_one_piece_gives(tmp_path, suffix, subtype, rate, channels):
    path = tmp_path / f"sound{suffix}"
    sound = np.stack(
        [
            tone(50 + 5 * channel, 3 * BLOCK_VALUES / rate / channels + 0.7, rate)
            for channel in range(channels)
        ],
        1,
    )
    soundfile.write(path, sound, rate, subtype=subtype)
    whole, _ = soundfile.read(path, dtype="float32", always_2d=True)
    assert len(whole) > 3 * BLOCK_VALUES // channels
    expected = soxr.resample(whole.mean(axis=1), rate, 16000, quality="VHQ")
    audio = read_audio(path)
    assert audio.dtype == np.float32 and audio.flags.writeable
    # an MP3 decoder rounds by position, 1e-7
    np.testing.assert_allclose(audio, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("suffix", [".mp3", ".ogg", ".flac"])
def test_the_size_of_blocks_does_not_matter(tmp_path, monkeypatch, suffix):
    soundfile.write(tmp_path / f"sound{suffix}", tone(rate=22050), 22050)
    expected = read_audio(tmp_path / f"sound{suffix}")
    monkeypatch.setattr("pipeline.audio.files.BLOCK_VALUES", 5000)
    np.testing.assert_allclose(read_audio(tmp_path / f"sound{suffix}"), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "PCM_U8"])
def test_samples_at_16_khz_are_the_files_own(tmp_path, subtype):
    soundfile.write(tmp_path / "sound.wav", tone(seconds=20), 16000, subtype=subtype)
    whole, _ = soundfile.read(tmp_path / "sound.wav", dtype="float32")
    np.testing.assert_array_equal(read_audio(tmp_path / "sound.wav"), whole)


@pytest.mark.parametrize("rate", [44100, 8000])
def test_resampling_keeps_level_and_frequency(tmp_path, rate):
    time = np.arange(4 * rate) / rate
    soundfile.write(
        tmp_path / "sine.wav", 0.5 * np.sin(2 * np.pi * 440 * time), rate, subtype="FLOAT"
    )
    audio = read_audio(tmp_path / "sine.wav")
    assert len(audio) == 64000
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(64000) / 16000)
    inner = slice(1600, -1600)  # the filter rings where the sine starts and stops
    # level, frequency and delay at once
    np.testing.assert_allclose(audio[inner], expected[inner], atol=2e-5)


def test_an_offset_stays_beside_the_sound(tmp_path):
    soundfile.write(tmp_path / "offset.wav", 0.1 + tone(), 16000, subtype="FLOAT")
    assert read_audio(tmp_path / "offset.wav").mean() == pytest.approx(0.1, abs=1e-3)


def test_a_quiet_sound_is_no_silence(tmp_path):
    for amplitude, usable in ((2e-4, True), (0.9e-4, False)):
        soundfile.write(
            tmp_path / "quiet.wav", amplitude * np.sin(np.arange(16000)), 16000, subtype="FLOAT"
        )
        if usable:
            assert len(read_audio(tmp_path / "quiet.wav")) == 16000
        else:
            with pytest.raises(BadAudio, match="silent"):
                read_audio(tmp_path / "quiet.wav")


def test_an_mp3_that_cannot_be_read_whole_is_refused(tmp_path):
    quiet_then_loud = np.concatenate(
        [
            0.3 * np.sin(np.arange(176400) / 16),
            0.3 * np.random.default_rng(0).standard_normal(176400),
        ]
    )
    soundfile.write(
        tmp_path / "whole.mp3",
        quiet_then_loud,
        44100,
        bitrate_mode="VARIABLE",
        compression_level=0.05,
    )
    assert len(read_audio(tmp_path / "whole.mp3")) == 128000
    content = (tmp_path / "whole.mp3").read_bytes()
    # without the frame that holds the length
    (tmp_path / "headless.mp3").write_bytes(content[content.index(b"\xff\xfb", 4) :])
    with pytest.raises(BadAudio, match="MP3 without a length"):
        read_audio(tmp_path / "headless.mp3")


def test_a_flac_of_unknown_length_is_taken_as_it_is(tmp_path):
    soundfile.write(tmp_path / "known.flac", tone(), 16000)
    content = bytearray((tmp_path / "known.flac").read_bytes())
    content[21] &= 0xF0  # STREAMINFO's number of samples: 36 bits
    content[22:26] = bytes(4)
    (tmp_path / "streamed.flac").write_bytes(content)
    np.testing.assert_array_equal(
        read_audio(tmp_path / "streamed.flac"), read_audio(tmp_path / "known.flac")
    )


def test_an_hour_does_not_lie_in_memory_whole(tmp_path):
    path = tmp_path / "hour.wav"
    soundfile.write(path, np.stack([tone(rate=44100)] * 2, 1), 44100, subtype="PCM_16")
    content, size = bytearray(path.read_bytes()), 3600 * 44100 * 2 * 2
    content[4:8], content[40:44] = (size + 36).to_bytes(4, "little"), size.to_bytes(4, "little")
    path.write_bytes(content)
    os.truncate(path, 44 + size)  # four seconds of sound, then a hole that reads as silence
    done = subprocess.run(
        [sys.executable, "-c", LONG, path], cwd=ROOT, capture_output=True, text=True, check=True
    )
    samples, kilobytes = map(int, done.stdout.split())
    assert samples == 3600 * 16000
    # the result itself, 230 MB, and blocks; decoded whole it is 1.3 GB
    assert kilobytes * 1024 < 4 * samples + 150e6


def test_written_audio_is_read_back(tmp_path):
    sound = tone().astype(np.float32)
    for suffix, step in ((".wav", 2**-15), (".flac", 2**-23)):
        write_audio(tmp_path / f"sound{suffix}", sound)
        np.testing.assert_allclose(read_audio(tmp_path / f"sound{suffix}"), sound, atol=step)
