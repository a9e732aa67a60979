"""Audio files: decode to mono at 16 kHz block by block, write, and hash samples."""

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

# samples of all channels per decoded block, 1 MB, so that long surround recordings fit in memory
BLOCK_VALUES = 2**18
SILENCE = 2e-4  # peak to peak; loudness curves end at -80 dB, an amplitude of 1e-4
# Hz; resampled from a header's 1 Hz, a short file would last for hours
RATES = range(1000, 1_000_001)
UNKNOWN_LENGTH = 2**62  # libsndfile's frame count exceeds this if the header gives none
# samples; without a Xing header libsndfile estimates the length to within a frame or two
MP3_SLACK = 2 * 1152
MP3_TAGS = 2**13  # bytes, half a second of sound; tags at the end of an MP3 are not read

# libsndfile reads a file that ends before its header's length without an error, but logs this.
# The size of the whole file (RIFF, FORM) is ignored: many writers get it wrong and the size
# of the samples right.
SHORTER = re.compile(
    r"^ *(?:data|SSND|BODY|Data Size|riff) *: (\d+) \(should be (\d+)\)", re.MULTILINE
)
CUT_OFF = re.compile(
    r"lacks an end-of-stream bit|to be (?:a )?truncated|does not match value from 'ds64'"
)


class BadAudio(Exception):
    """A recording is unusable; the message is the reason, in one line and without the path."""


def read_audio(path: Path) -> np.ndarray:
    """Decode, downmix and resample a file to [samples] float32 at 16 kHz.

    Any complete file that libsndfile reads is accepted; at 16 kHz its samples are not changed. A
    WAV, AIFF, FLAC, Ogg or MP3 must have the length its header states. The length of a FLAC or MP3
    whose header states none is not checked.

    Raises:
        BadAudio: the file is not a regular file, cannot be decoded, or is truncated, empty, not
            finite, silent, or shorter than a control frame.
    """
    samples = bytearray()  # grows in place; arrays would be copied
    low = np.inf
    high = -np.inf
    with _opened(path) as (file, raw):
        stream = soxr.ResampleStream(
            file.samplerate, SAMPLE_RATE, 1, dtype="float32", quality="VHQ"
        )
        for block in _checked_blocks(file, raw):
            low = min(low, block.min())
            high = max(high, block.max())
            if file.samplerate != SAMPLE_RATE:
                block = stream.resample_chunk(block)
            samples += block.tobytes()
        if file.samplerate != SAMPLE_RATE:
            samples += stream.resample_chunk(np.empty(0, np.float32), last=True).tobytes()
    audio = np.frombuffer(samples, np.float32)
    if len(audio) < HOP:
        raise BadAudio(f"is shorter than one control frame of {1000 * HOP // SAMPLE_RATE} ms")
    if high - low < SILENCE:
        raise BadAudio("is silent after mixing to mono")
    return audio


def write_audio(path: Path, audio: np.ndarray) -> str:
    """Write [samples] at 16 kHz as 16-bit .wav or 24-bit .flac; return the samples' SHA-256."""
    container, subtype = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_24")}[path.suffix]
    encoded = io.BytesIO()  # libsndfile does not report a full disk
    soundfile.write(encoded, np.clip(audio, -1, 1), SAMPLE_RATE, subtype=subtype, format=container)
    path.write_bytes(encoded.getvalue())
    return audio_sha256(path)


def audio_sha256(path: Path) -> str:
    """Hash a file's samples as 32-bit integers with SHA-256, independent of the container."""
    samples, _ = soundfile.read(path, dtype="int32", always_2d=True)
    return hashlib.sha256(samples.tobytes()).hexdigest()


class _SequentialFile(soundfile.SoundFile):
    """A file read once from start to end.

    soundfile would seek after every block, but seeking in an MP3 is not exact.
    """

    def seekable(self) -> bool:
        """Return False, so that soundfile does not seek."""
        return False


@contextmanager
def _opened(path: Path) -> Iterator[tuple[_SequentialFile, BinaryIO]]:
    """Open a sound file and its bytes.

    It is opened by descriptor, so that any name works and the suffix does not decide the format.
    """
    try:
        # checked before opening, since opening a pipe would wait for its writer
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise BadAudio("is not a regular file")
        with open(path, "rb") as raw, _SequentialFile(raw.fileno(), closefd=False) as file:
            if file.samplerate not in RATES:
                raise BadAudio(f"has a sample rate of {file.samplerate} Hz")
            yield file, raw
    except OSError as error:
        raise BadAudio(f"cannot be decoded: {error.strerror}") from None
    except soundfile.LibsndfileError as error:
        reason = " ".join(error.error_string.split()).removeprefix("Error : ").rstrip(".")
        raise BadAudio(f"cannot be decoded: {reason}") from None


def _checked_blocks(file: _SequentialFile, raw: BinaryIO) -> Iterator[np.ndarray]:
    """Yield mono blocks of [samples] at the file's rate; check their values and total length."""
    frames = 0
    size = max(1, BLOCK_VALUES // file.channels)
    while len(block := file.read(size, dtype="float32", always_2d=True)):
        if not np.isfinite(block).all():
            raise BadAudio("holds NaN or infinite samples")
        frames += len(block)
        yield block.mean(axis=1)
    if not frames:
        raise BadAudio("holds no samples")
    _check_length(file, frames, raw)


def _check_length(file: _SequentialFile, frames: int, raw: BinaryIO) -> None:
    sizes = SHORTER.search(file.extra_info)
    if sizes and int(sizes[1]) > int(sizes[2]):
        raise BadAudio(f"is truncated: {sizes[2]} of {sizes[1]} bytes of samples came")
    if CUT_OFF.search(file.extra_info):
        raise BadAudio("is truncated: its end is missing")
    mp3 = file.format == "MP3"
    if frames + mp3 * MP3_SLACK < file.frames < UNKNOWN_LENGTH:
        raise BadAudio(f"is truncated: {frames} of {file.frames} samples came")
    # libsndfile then estimates the length from the first frame's bitrate
    estimated = mp3 and "bitrate mode   : constant" in file.extra_info
    unread = os.fstat(raw.fileno()).st_size - os.lseek(raw.fileno(), 0, os.SEEK_CUR)
    if estimated and unread > MP3_TAGS:
        raise BadAudio(
            "is an MP3 without a length in its header, which cannot be read whole; convert it to "
            "FLAC"
        )
