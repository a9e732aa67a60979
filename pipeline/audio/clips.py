"""Tracked clips on disk: audio with its measured f0 and loudness.

A tracked set is a folder with audio/ID.flac and tracks.npz (ids, step_ms, f0_hz and confidence
[clips, coarse frames], loudness_db [clips, frames]).
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from pipeline.audio.files import write_audio


class Clip(NamedTuple):
    """The audio of an original or a resynthesis, and the curves measured on it."""

    audio: np.ndarray  # [samples]
    loudness_db: np.ndarray  # [frames] at 250 Hz
    f0_hz: np.ndarray  # [coarse frames] on the evaluation grid
    confidence: np.ndarray  # [coarse frames]


def audio_path(folder: Path, example_id: str) -> Path:
    """Return the path of an example's audio in a tracked set; ids are RECORDING@FIRST_FRAME."""
    return folder / "audio" / f"{example_id.replace('@', '-at-')}.flac"


def store_audio(folder: Path, example_id: str, audio: np.ndarray) -> np.ndarray:
    """Write [samples] as 24-bit FLAC; return them as they will be read."""
    path = audio_path(folder, example_id)
    path.parent.mkdir(exist_ok=True)
    write_audio(path, audio)
    return load_audio(folder, example_id)


def load_audio(folder: Path, example_id: str) -> np.ndarray:
    """Read an example's audio from a tracked set: [samples] float32."""
    return soundfile.read(audio_path(folder, example_id), dtype="float32")[0]


def write_tracks(folder: Path, clips: dict[str, Clip], step_ms: int) -> None:
    """Write the curves of all clips; `step_ms` is the spacing of f0 and confidence."""
    curves = {
        name: np.stack([getattr(clip, name) for clip in clips.values()])
        for name in Clip._fields
        if name != "audio"
    }
    np.savez(folder / "tracks.npz", ids=np.array(list(clips)), step_ms=step_ms, **curves)


def read_clips(folder: Path) -> dict[str, Clip]:
    """Read the clips of a tracked set, by example id."""
    with np.load(folder / "tracks.npz") as tracks:
        ids = [str(name) for name in tracks["ids"]]
        loudness_db, f0_hz, confidence = (
            tracks[name] for name in ("loudness_db", "f0_hz", "confidence")
        )
        return {
            name: Clip(load_audio(folder, name), loudness_db[row], f0_hz[row], confidence[row])
            for row, name in enumerate(ids)
        }


def read_step_ms(folder: Path) -> int:
    """Read the spacing of a tracked set's f0 and confidence, in milliseconds."""
    with np.load(folder / "tracks.npz") as tracks:
        return int(tracks["step_ms"])
