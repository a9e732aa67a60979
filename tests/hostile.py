"""A folder of good recordings beside every kind of bad or odd file we know of.

Usage: `python tests/hostile.py FOLDER`.
"""

import io
import os
import struct
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

RATE = 16000
LONG = "a-name-of-more-than-two-hundred-characters-" * 5


class Expectation(NamedTuple):
    """The expected outcome for a file, and a pattern for the reason if it is rejected."""

    outcome: str  # processed, rejected or ignored
    reason: str = ""


def tone(pitch: float = 60, seconds: float = 4.0, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """Make a harmonic tone with vibrato and little noise: [samples] from -1 to 1; pitch in MIDI."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    phase = (
        2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * (time + 0.0005 * np.sin(2 * np.pi * 5 * time))
    )
    harmonics = sum(random.uniform(0.5, 1) / n * np.sin(n * phase) for n in range(1, 8))
    return 0.2 * harmonics * np.minimum(1, 4 * time) * np.minimum(
        1, 4 * (seconds - time)
    ) + 1e-4 * random.standard_normal(len(time))


def make_good(folder: Path) -> list[str]:
    """Write six good recordings of 4 s; return their names."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"good-{number}.wav" for number in range(6)]
    for number, name in enumerate(names):
        soundfile.write(folder / name, tone(55 + 3 * number, seed=number), RATE, subtype="PCM_16")
    return names


def make_hostile(folder: Path) -> dict[bytes, Expectation]:
    """Write every kind of bad or odd file; return the expectation for each, by the name's bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    return (
        _no_audio(folder)
        | _bad_headers(folder)
        | _cut_off(folder)
        | _bad_samples(folder)
        | _odd_formats(folder)
        | _other_programs(folder)
        | _odd_names(folder)
    )


def _encoded(
    audio: np.ndarray, container: str = "WAV", subtype: str | None = "PCM_16", rate: int = RATE
) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, audio, rate, format=container, subtype=subtype)
    return file.getvalue()


def _patched(content: bytes, offset: int, form: str, value: int) -> bytes:
    return content[:offset] + struct.pack(form, value) + content[offset + struct.calcsize(form) :]


def _write(folder: Path, cases: dict[str, tuple[bytes, Expectation]]) -> dict[bytes, Expectation]:
    for name, (content, _) in cases.items():
        (folder / name).write_bytes(content)
    return {os.fsencode(name): expectation for name, (_, expectation) in cases.items()}


def _no_audio(folder: Path) -> dict[bytes, Expectation]:
    undecodable = Expectation("rejected", "^cannot be decoded: ")
    expected = _write(
        folder,
        {
            "zero-bytes.wav": (b"", undecodable),
            "text.wav": (b"This is no audio at all.\n" * 40, undecodable),
            "text.au": (
                b"libsndfile takes this for sound, going by the suffix.\n" * 40,
                undecodable,
            ),
            "notes.txt": (b"A text beside the recordings.", Expectation("ignored")),
            ".hidden.wav": (b"", Expectation("ignored")),
        },
    )
    (folder / "directory.wav").mkdir()
    (folder / "loop.wav").symlink_to("loop.wav")
    (folder / "dangling.wav").symlink_to("nowhere.wav")
    os.mkfifo(folder / "pipe.wav")
    irregular = Expectation("rejected", "^is not a regular file$")
    return expected | {
        b"directory.wav": irregular,
        b"pipe.wav": irregular,
        b"loop.wav": undecodable,
        b"dangling.wav": undecodable,
    }


def _bad_headers(folder: Path) -> dict[bytes, Expectation]:
    good = _encoded(tone(seed=20))
    return _write(
        folder,
        {
            "header-only.wav": (good[:44], Expectation("rejected", "^holds no samples$")),
            "no-channels.wav": (
                _patched(good, 22, "<H", 0),
                Expectation("rejected", "^cannot be decoded: Channel count is zero; convert it"),
            ),
            "no-rate.wav": (
                _patched(good, 24, "<I", 0),
                Expectation("rejected", "^cannot be decoded: "),
            ),
            "one-hertz.wav": (
                _patched(good, 24, "<I", 1),
                Expectation("rejected", "^has a sample rate of 1 Hz$"),
            ),
            "huge-header.wav": (
                _patched(good, 40, "<I", 0xFFFFFFFF),
                Expectation("processed"),
            ),
            "wrong-riff-size.wav": (
                _patched(_encoded(tone(seed=21)), 4, "<I", 0),
                Expectation("processed"),
            ),
        },
    )


def _cut_off(folder: Path) -> dict[bytes, Expectation]:
    truncated = Expectation("rejected", "^is truncated: ")
    flac = _encoded(tone(seed=30), "FLAC")
    # cut at a frame boundary, the stream is valid except that its end is missing
    whole_frames = flac.rindex(b"\xff\xf8", 0, len(flac) // 2)
    cases = {
        f"cut{suffix}": (_encoded(tone(seed=31), container, subtype), truncated)
        for suffix, container, subtype in (
            (".wav", "WAV", "PCM_16"),
            (".aiff", "AIFF", "PCM_16"),
            (".au", "AU", "PCM_16"),
            (".ogg", "OGG", "VORBIS"),
            (".opus", "OGG", "OPUS"),
            (".mp3", "MP3", None),
        )
    }
    cut = {
        name: (content[: len(content) * 7 // 10], expectation)
        for name, (content, expectation) in cases.items()
    }
    return _write(
        folder,
        cut
        | {
            "cut-within-a-frame.flac": (
                flac[: len(flac) // 2],
                Expectation("rejected", "^cannot be decoded: .*lost sync|^is truncated: "),
            ),
            "cut-between-frames.flac": (flac[:whole_frames], truncated),
        },
    )


def _bad_samples(folder: Path) -> dict[bytes, Expectation]:
    silent = Expectation("rejected", "^is silent after mixing")
    broken = Expectation("rejected", "^holds NaN or infinite samples$")
    sound = tone(seed=40)
    with_nan = sound.copy()
    with_nan[1000] = np.nan
    with_infinity = sound.copy()
    with_infinity[1000] = np.inf
    return _write(
        folder,
        {
            "nan.wav": (_encoded(with_nan, subtype="FLOAT"), broken),
            "infinite.wav": (_encoded(with_infinity, subtype="FLOAT"), broken),
            "dc-only.wav": (_encoded(np.full(RATE, 0.3)), silent),
            "dc-only-48k.wav": (_encoded(np.full(48000, 0.3), rate=48000), silent),
            "silence.wav": (_encoded(np.zeros(RATE)), silent),
            "last-bit.wav": (
                _encoded(np.random.default_rng(0).integers(-1, 2, RATE) / 2**15),
                silent,
            ),
            "phase-inverted.wav": (_encoded(np.stack([sound, -sound], 1)), silent),
            "one-millisecond.wav": (
                _encoded(sound[8000:8016]),
                Expectation("rejected", "^is shorter than one control frame of 4 ms$"),
            ),
            "dc-and-sound.wav": (_encoded(sound + 0.1), Expectation("processed")),
        },
    )


def _odd_formats(folder: Path) -> dict[bytes, Expectation]:
    fine = Expectation("processed")
    six = np.stack([tone(50 + channel, rate=48000, seed=60) for channel in range(6)], 1)
    return _write(
        folder,
        {
            "8-kHz.wav": (_encoded(tone(rate=8000, seed=50), rate=8000), fine),
            "96-kHz.wav": (_encoded(tone(rate=96000, seed=51), rate=96000), fine),
            "24-bit.wav": (_encoded(tone(seed=52), subtype="PCM_24"), fine),
            "8-bit.wav": (_encoded(tone(seed=53), subtype="PCM_U8"), fine),
            "float64.wav": (_encoded(tone(seed=54), subtype="DOUBLE"), fine),
            "six-channels.wav": (_encoded(six, rate=48000), fine),
            "apple.aiff": (_encoded(tone(seed=55), "AIFF"), fine),
            "SHOUTED.AIF": (_encoded(tone(seed=56), "AIFF"), fine),
            "free.flac": (_encoded(tone(seed=57), "FLAC"), fine),
            "xiph.oga": (_encoded(tone(seed=58), "OGG", "VORBIS"), fine),
            "layer-3.mp3": (_encoded(tone(rate=44100, seed=59), "MP3", None, rate=44100), fine),
            "really-flac.wav": (_encoded(tone(seed=61), "FLAC"), fine),
            "no-codec.m4a": (
                b"\0\0\0\x20ftypM4A ",
                Expectation("rejected", "^cannot be decoded: "),
            ),
        },
    )


def _other_programs(folder: Path) -> dict[bytes, Expectation]:
    """Write what players, pipes, phones and joining leave."""
    good = _encoded(tone(seed=90))
    ogg = _encoded(tone(seed=91), "OGG", "VORBIS")
    mp3 = _encoded(tone(seed=92), "MP3", None)
    integers = _encoded(32768 * tone(seed=93), subtype="FLOAT")
    copied, _ = soundfile.read(io.BytesIO(_encoded(tone(seed=70))))
    unreadable = Expectation("rejected", "^cannot be decoded: .* convert it to FLAC with ffmpeg")
    joined = Expectation("rejected", "^is several files joined end to end")
    return _write(
        folder,
        {
            "joined.ogg": (ogg + ogg, joined),
            "joined.mp3": (mp3 + mp3, joined),
            "telephone.wav": (_encoded(tone(seed=94), subtype="GSM610"), Expectation("processed")),
            "no-length.wav": (
                _patched(good, 40, "<I", 0),
                Expectation("rejected", "^holds no samples by its header, but 128000 bytes follow"),
            ),
            "integers.wav": (
                integers,
                Expectation("rejected", "^peaks at [0-9.]+, but full scale"),
            ),
            "zz-copy.flac": (
                _encoded(copied, "FLAC"),
                Expectation("rejected", "^same sound as with spaces.wav$"),
            ),
            "phone.amr": (b"#!AMR\n" + bytes(100), unreadable),
            "phone.3gp": (b"\0\0\0\x18ftyp3gp4", unreadable),
        },
    )


def _odd_names(folder: Path) -> dict[bytes, Expectation]:
    """Write odd names, links and copies, and a file that only root may read."""
    names = [
        b"with spaces.wav",
        b"with\nnewline.wav",
        "größe – 長さ.wav".encode(),
        b"invalid-\xff\xfe.wav",
        f"{LONG}.wav".encode(),
        b"quote'\"$(touch x);.wav",
        b"-rf.wav",
        b"100%41.wav",
    ]
    for number, name in enumerate(names):
        (folder / os.fsdecode(name)).write_bytes(_encoded(tone(seed=70 + number)))
    (folder / "zz-copy.wav").write_bytes(_encoded(tone(seed=70)))
    (folder / "locked.wav").write_bytes(_encoded(tone(seed=80)))
    (folder / "locked.wav").chmod(0)
    (folder / "deep" / "down.wav").mkdir(parents=True)
    (folder / "deep" / "down.wav" / "inside.wav").write_bytes(_encoded(tone(seed=81)))
    (folder / "zz-linked.wav").symlink_to("deep/down.wav/inside.wav")
    (folder / "zz-cycle").symlink_to(".")
    root = os.access(folder / "locked.wav", os.R_OK)
    return dict.fromkeys(names, Expectation("processed")) | {
        b"zz-copy.wav": Expectation("rejected", "^same sound as with spaces.wav$"),
        b"zz-linked.wav": Expectation("rejected", "^same sound as deep/down.wav/inside.wav$"),
        b"locked.wav": Expectation("processed")
        if root
        else Expectation("rejected", "^cannot be decoded: Permission denied$"),
        b"deep/down.wav": Expectation("rejected", "^is not a regular file$"),
        b"deep/down.wav/inside.wav": Expectation("processed"),
        b"zz-cycle": Expectation("ignored"),
    }


if __name__ == "__main__":
    target = Path(sys.argv[1])
    make_good(target)
    for name, expectation in make_hostile(target).items():
        print(name, *expectation)
