"""Tracked clips on disk: audio with the f0 and loudness measured on it.
A tracked set is a folder with audio/ID.flac and tracks.npz (ids, step_ms, f0_hz and confidence
[clips, coarse frames], loudness_db [clips, frames]).
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from pipeline.audio.files import write_audio


class Clip(NamedTuple):
    """What is measured of one clip, original or resynthesis."""

    audio: np.ndarray  # [samples]
    loudness_db: np.ndarray  # [frames] at 250 Hz
    f0_hz: np.ndarray  # [coarse frames] on the evaluation grid
    confidence: np.ndarray  # [coarse frames]


def audio_path(folder: Path, example_id: str) -> Path:
    """Where a tracked set keeps an example's audio; ids are recording@first frame."""
    return folder / "audio" / f"{example_id.replace('@', '-at-')}.flac"


def store_audio(folder: Path, example_id: str, audio: np.ndarray) -> np.ndarray:
    """Write [samples] as 24-bit FLAC and return them as a reader finds them."""
    path = audio_path(folder, example_id)
    path.parent.mkdir(exist_ok=True)
    write_audio(path, audio)
    return load_audio(folder, example_id)


def load_audio(folder: Path, example_id: str) -> np.ndarray:
    """An example's audio from a tracked set: [samples]."""
    return soundfile.read(audio_path(folder, example_id), dtype="float32")[0]


def write_tracks(folder: Path, clips: dict[str, Clip], step_ms: int) -> None:
    """Write the curves of all clips; `step_ms` is the grid of f0 and confidence."""
    curves = {
        name: np.stack([getattr(clip, name) for clip in clips.values()])
        for name in Clip._fields
        if name != "audio"
    }
    np.savez(folder / "tracks.npz", ids=np.array(list(clips)), step_ms=step_ms, **curves)


def read_clips(folder: Path) -> dict[str, Clip]:
    """The clips of a tracked set by example id."""
    with np.load(folder / "tracks.npz") as tracks:
        ids = [str(name) for name in tracks["ids"]]
        curves = zip(tracks["loudness_db"], tracks["f0_hz"], tracks["confidence"])
        return {name: Clip(load_audio(folder, name), *c) for name, c in zip(ids, curves)}


def read_step_ms(folder: Path) -> int:
    """The grid, in milliseconds, on which a tracked set's f0 was tracked."""
    with np.load(folder / "tracks.npz") as tracks:
        return int(tracks["step_ms"])
