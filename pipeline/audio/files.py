"""Audio files: decode to mono at 16 kHz block by block, write, and hash samples."""

import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from pipeline.audio.lengths import BadAudio, check_length, check_single
from pipeline.audio.mpeg import MpegFrames, count_frames
from pipeline.common.units import HOP, SAMPLE_RATE

# samples of all channels per decoded block, 1 MB, so that long surround recordings fit in memory
BLOCK_VALUES = 2**18
SILENCE = 2e-4  # peak to peak; loudness curves end at -80 dB, an amplitude of 1e-4
# Hz; resampled from a header's 1 Hz, a short file would last for hours
RATES = range(1000, 1_000_001)
# full scale is 1; decoders and mixes in floating point exceed it by less than these 12 dB
HIGHEST_PEAK = 4.0
# what `write_audio` writes by suffix: libsndfile's container and sample format
WRITTEN = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_24")}


def read_audio(path: Path) -> np.ndarray:
    """Decode, downmix and resample a file to [samples] float32 at 16 kHz.

    Any complete file that libsndfile reads is accepted; at 16 kHz its samples are not changed. A
    WAV, AIFF, FLAC, Ogg or MP3 must have the length its header states, and hold one stream. The
    length of a file whose header states none, such as a WAV written to a pipe, is not checked.

    Raises:
        BadAudio: the file is not a regular file, cannot be decoded, or is truncated, joined from
            several, empty, not finite, far above full scale, silent, or shorter than a control
            frame.
    """
    samples = bytearray()  # grows in place; arrays would be copied
    low = np.inf
    high = -np.inf
    with _opened(path) as (file, raw, mpeg):
        stream = soxr.ResampleStream(
            file.samplerate, SAMPLE_RATE, 1, dtype="float32", quality="VHQ"
        )
        for block in _checked_blocks(file, raw, mpeg):
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
    container, subtype = WRITTEN[path.suffix]
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
def _opened(path: Path) -> Iterator[tuple[_SequentialFile, BinaryIO, MpegFrames | None]]:
    """Open a sound file and its bytes, and count its MPEG frames.

    It is opened by descriptor, so that any name works and the suffix does not decide the format.
    """
    remedy = "; convert it to FLAC with ffmpeg, or replace it"
    try:
        # checked before opening, since opening a pipe would wait for its writer
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise BadAudio("is not a regular file")
        # without a buffer, since libsndfile begins at the descriptor's position
        with open(path, "rb", buffering=0) as raw:
            mpeg = count_frames(raw)
            check_single(raw, mpeg)
            with _SequentialFile(raw.fileno(), closefd=False) as file:
                remedy = "; replace it"
                if file.samplerate not in RATES:
                    raise BadAudio(f"has a sample rate of {file.samplerate} Hz")
                yield file, raw, mpeg
    except OSError as error:
        raise BadAudio(f"cannot be decoded: {error.strerror}") from None
    except soundfile.LibsndfileError as error:
        reason = " ".join(error.error_string.split()).removeprefix("Error : ").rstrip(".")
        raise BadAudio(f"cannot be decoded: {reason}{remedy}") from None


def _checked_blocks(
    file: _SequentialFile, raw: BinaryIO, mpeg: MpegFrames | None
) -> Iterator[np.ndarray]:
    """Yield mono blocks of [samples] at the file's rate; check their values and total length."""
    frames = 0
    peak = 0.0
    size = max(1, BLOCK_VALUES // file.channels)
    while len(block := file.read(size, dtype="float32", always_2d=True)):
        if not np.isfinite(block).all():
            raise BadAudio("holds NaN or infinite samples")
        frames += len(block)
        peak = max(peak, block.max(), -block.min())
        yield block.mean(axis=1)
    check_length(file, frames, raw, mpeg)
    if peak > HIGHEST_PEAK:
        raise BadAudio(
            f"peaks at {peak:.6g}, but full scale is 1; divide its samples (those of 16-bit "
            "integers by 32768)"
        )
