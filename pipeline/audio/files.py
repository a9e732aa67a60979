"""Audio files: decoding to mono 16 kHz block by block, writing, content hashes."""

import hashlib
import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from pipeline.common.units import HOP, SAMPLE_RATE

# samples of all channels decoded at once, 1 MB: an hour of surround sound never lies in memory
BLOCK_VALUES = 2**18
SILENCE = 2e-4  # peak to peak; loudness curves end at -80 dB, an amplitude of 1e-4
# Hz; a header that says 1 Hz would make hours of nothing from a short file
RATES = range(1000, 1_000_001)
UNKNOWN_LENGTH = 2**62  # libsndfile's number of frames where a header gives none is above this
# samples; without a Xing header libsndfile guesses the length from the bytes, to a frame or two
MP3_SLACK = 2 * 1152
MP3_TAGS = 2**13  # bytes, half a second of sound: tags behind an MP3's sound stay unread

# How libsndfile's log says that a file ends before its header's promise; it then reads what is
# there without an error. The size of the whole file (RIFF, FORM) does not count: many writers leave
# it wrong beside a right size of the samples.
SHORTER = re.compile(
    r"^ *(?:data|SSND|BODY|Data Size|riff) *: (\d+) \(should be (\d+)\)", re.MULTILINE
)
CUT_OFF = re.compile(
    r"lacks an end-of-stream bit|to be (?:a )?truncated|does not match value from 'ds64'"
)


class BadAudio(Exception):
    """A recording that cannot be used; the message is the reason, in one line and without the
    path.
    """


def read_audio(path: Path) -> np.ndarray:
    """Decode, downmix and resample a file to [samples] float32 at 16 kHz; at 16 kHz the samples are
    the file's own.

    Whatever libsndfile reads, as long as it is whole: the length a WAV, AIFF, FLAC, Ogg or MP3
    header promises must be there. A FLAC or MP3 whose header gives no length is taken as it is.

    Raises:
        BadAudio: no regular file, not decodable, truncated, empty, not finite, silent, or shorter
            than a control frame.
    """
    samples, low, high = bytearray(), np.inf, -np.inf  # bytes grow in place, arrays would be copied
    with _opened(path) as (file, raw):
        stream = soxr.ResampleStream(
            file.samplerate, SAMPLE_RATE, 1, dtype="float32", quality="VHQ"
        )
        for block in _checked_blocks(file, raw):
            low, high = min(low, block.min()), max(high, block.max())
            samples += (
                block if file.samplerate == SAMPLE_RATE else stream.resample_chunk(block)
            ).tobytes()
        if file.samplerate != SAMPLE_RATE:
            samples += stream.resample_chunk(np.empty(0, np.float32), last=True).tobytes()
    audio = np.frombuffer(samples, np.float32)
    if len(audio) < HOP:
        raise BadAudio(f"is shorter than one control frame of {1000 * HOP // SAMPLE_RATE} ms")
    if high - low < SILENCE:
        raise BadAudio("is silent after mixing to mono")
    return audio


def write_audio(path: Path, audio: np.ndarray) -> str:
    """Write [samples] at 16 kHz by the path's suffix: .wav 16 bit, .flac 24 bit. Returns the
    samples' sha256.
    """
    container, subtype = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_24")}[path.suffix]
    encoded = io.BytesIO()  # libsndfile itself does not say that a disk is full
    soundfile.write(encoded, np.clip(audio, -1, 1), SAMPLE_RATE, subtype=subtype, format=container)
    path.write_bytes(encoded.getvalue())
    return audio_sha256(path)


def audio_sha256(path: Path) -> str:
    """sha256 of a file's samples as 32-bit integers, whatever the container."""
    samples, _ = soundfile.read(path, dtype="int32", always_2d=True)
    return hashlib.sha256(samples.tobytes()).hexdigest()


class _Forward(soundfile.SoundFile):
    """A file read once from start to end: soundfile would seek after every block, and an MP3
    does not seek exactly.
    """

    def seekable(self) -> bool:
        """No, whatever the file can do."""
        return False


@contextmanager
def _opened(path: Path) -> Iterator[tuple[_Forward, BinaryIO]]:
    """The sound file and its bytes. Opened by descriptor: so any name works, and a suffix never
    decides the format.
    """
    try:
        # before opening: a pipe would wait for its writer
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise BadAudio("is not a regular file")
        with open(path, "rb") as raw, _Forward(raw.fileno(), closefd=False) as file:
            if file.samplerate not in RATES:
                raise BadAudio(f"has a sample rate of {file.samplerate} Hz")
            yield file, raw
    except OSError as error:
        raise BadAudio(f"cannot be decoded: {error.strerror}") from None
    except soundfile.LibsndfileError as error:
        reason = " ".join(error.error_string.split()).removeprefix("Error : ").rstrip(".")
        raise BadAudio(f"cannot be decoded: {reason}") from None


def _checked_blocks(file: _Forward, raw: BinaryIO) -> Iterator[np.ndarray]:
    """Mono blocks [samples] at the file's own rate, finite, and as many as the header promises."""
    frames = 0
    while len(
        block := file.read(max(1, BLOCK_VALUES // file.channels), dtype="float32", always_2d=True)
    ):
        if not np.isfinite(block).all():
            raise BadAudio("holds NaN or infinite samples")
        frames += len(block)
        yield block.mean(axis=1)
    if not frames:
        raise BadAudio("holds no samples")
    _check_length(file, frames, raw)


def _check_length(file: _Forward, frames: int, raw: BinaryIO) -> None:
    promise = SHORTER.search(file.extra_info)
    if promise and int(promise[1]) > int(promise[2]):
        raise BadAudio(f"is truncated: {promise[2]} of {promise[1]} bytes of samples came")
    if CUT_OFF.search(file.extra_info):
        raise BadAudio("is truncated: its end is missing")
    mp3 = file.format == "MP3"
    if frames + mp3 * MP3_SLACK < file.frames < UNKNOWN_LENGTH:
        raise BadAudio(f"is truncated: {frames} of {file.frames} samples came")
    # a length from the first frame's bitrate
    guessed = mp3 and "bitrate mode   : constant" in file.extra_info
    if (
        guessed
        and os.fstat(raw.fileno()).st_size - os.lseek(raw.fileno(), 0, os.SEEK_CUR) > MP3_TAGS
    ):
        raise BadAudio(
            "is an MP3 without a length in its header, which cannot be read whole; convert it to "
            "FLAC"
        )
