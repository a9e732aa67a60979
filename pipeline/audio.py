"""Audio files: decoding to mono 16 kHz, writing, content hashes."""

import hashlib
import io
from pathlib import Path

import numpy as np
import soundfile
import soxr

from pipeline.units import SAMPLE_RATE


class BadAudio(Exception):
    """A recording that cannot be used; the message is the reason."""


def read_audio(path: Path) -> np.ndarray:
    """Decode, downmix and resample a file to [samples] float32 at 16 kHz.

    Raises:
        BadAudio: not decodable, empty, not finite, or silent.
    """
    try:
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise BadAudio(f"cannot be decoded: {error}") from None
    if not len(audio):
        raise BadAudio("holds no samples")
    if not np.isfinite(audio).all():
        raise BadAudio("holds NaN or infinite samples")
    mono = audio.mean(axis=1)
    if np.ptp(mono) == 0:
        raise BadAudio("is silent after mixing to mono")
    return soxr.resample(mono, rate, SAMPLE_RATE, quality="VHQ").astype(np.float32) if rate != SAMPLE_RATE else mono


def write_audio(path: Path, audio: np.ndarray) -> str:
    """Write [samples] at 16 kHz by the path's suffix: .wav 16 bit, .flac 24 bit. Returns the samples' sha256."""
    container, subtype = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_24")}[path.suffix]
    encoded = io.BytesIO()  # libsndfile itself does not say that a disk is full
    soundfile.write(encoded, np.clip(audio, -1, 1), SAMPLE_RATE, subtype=subtype, format=container)
    path.write_bytes(encoded.getvalue())
    return audio_sha256(path)


def audio_sha256(path: Path) -> str:
    """sha256 of a file's samples as 32-bit integers, whatever the container."""
    samples, _ = soundfile.read(path, dtype="int32", always_2d=True)
    return hashlib.sha256(samples.tobytes()).hexdigest()
