"""The solo-violin stand-in: lines of free scores, played by a SoundFont's violin with expression,
in one simulated room. Stands in for the paper's violin recordings (section 4.1), of which there are
13 minutes in one room. Here the dry signal, the room's response and the f0 are known. All splits
share the SoundFont's few recorded violin notes: what is held out is music.
"""

from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
from pydantic import NonNegativeInt
from scipy.io import wavfile
from scipy.signal import fftconvolve

from pipeline.audio.files import write_audio
from pipeline.common.cli import UserError, progress
from pipeline.common.files import digest
from pipeline.common.manifest import AUDIO, TRUTH, DataSet, make_manifest
from pipeline.common.units import FRAME_RATE, SAMPLE_RATE
from pipeline.data.performance import (
    LineConfig,
    Passage,
    perform,
    piece_passages,
    play_line,
    true_f0,
)
from pipeline.data.room import RoomConfig, room_response
from pipeline.data.scores import AllowList, read_allow_list
from pipeline.data.soundfont import packaged_soundfont, read_recordings

OWN_COLUMNS = ("title", "first_measure", "last_measure", "seconds")


class ViolinConfig(LineConfig):
    """A data set of violin lines."""

    source: Literal["violin"]
    seed: int
    program: int  # of the SoundFont, General MIDI
    low: int  # MIDI
    high: int
    room: RoomConfig
    max_rejected: NonNegativeInt


def make_violin(config: ViolinConfig, outside: Path | None, folder: Path) -> DataSet:
    """Render the data set into `folder`.

    audio/ID.wav is the violin in the room (16 bit, 16 kHz). For evaluation only: truth/ID.dry.wav,
    the same without the room (their ratio is the room alone: audio = dry convolved with the
    response), truth/ID.f0.npy ([frames] Hz at 250 Hz, 0 where the dry signal is silent: a note has
    its f0 until its release has been faded out) and truth/room.wav (float32).

    Args:
        outside: a SoundFont, .sf2 or .sf3; None for the packaged one.

    Raises:
        UserError: a SoundFont without this violin, a room that does not hold source and microphone,
            or a gain that clips.
    """
    soundfont = outside or packaged_soundfont()
    scores = read_allow_list()
    passages = plan_passages(config, scores)
    _check_range(config, soundfont, passages)
    response = room_response(config.room)
    # libsndfile would put the time of day into a float WAV
    wavfile.write(folder / TRUTH / "room.wav", SAMPLE_RATE, response)
    rows, peaks = [], {}
    for passage in progress(passages, "violin", unit="passage"):
        wet, peaks[passage.id] = _render(config, soundfont, passage, response, folder / TRUTH)
        sha256 = write_audio(folder / AUDIO / f"{passage.id}.wav", wet)
        piece = scores.pieces[passage.piece]
        rows.append(
            {
                "id": passage.id,
                "instrument": "violin",
                "family": "string",
                "group": passage.piece,
                "split": piece.split,
                "path": f"{passage.id}.wav",
                "sha256": sha256,
                "title": f"{piece.composer}: {piece.title}",
                "first_measure": passage.notes[0].measure,
                "last_measure": passage.notes[-1].measure,
                "seconds": len(wet) / SAMPLE_RATE,
            }
        )
    _check_peaks(peaks)
    return DataSet(make_manifest(rows, OWN_COLUMNS), None)


def plan_passages(config: ViolinConfig, scores: AllowList) -> list[Passage]:
    """The passages of all pieces, in the order of the allow-list."""
    return [
        passage
        for name, piece in scores.pieces.items()
        for passage in piece_passages(name, piece, config, config.low, config.high)
    ]


def _render(
    config: ViolinConfig, soundfont: Path, passage: Passage, response: np.ndarray, truth: Path
) -> tuple[np.ndarray, float]:
    """Write a passage's truth; returns it in the room, [samples], until the room is silent, and
    the highest peak of both.
    """
    played = perform(
        passage, config, np.random.default_rng(int(digest(config.seed, passage.id)[:16], 16))
    )
    start, last = played[-1]
    frames = start + len(last.cents) + round(config.room.seconds * FRAME_RATE)
    np.save(truth / f"{passage.id}.f0.npy", true_f0(played, frames))
    line = play_line(soundfont, config.program, played, frames, config.gain_db)
    write_audio(truth / f"{passage.id}.dry.wav", line)
    dry, _ = soundfile.read(truth / f"{passage.id}.dry.wav")  # as others will read it, 16 bit
    wet = fftconvolve(dry, response.astype(float))[: len(dry)]
    return wet, max(np.abs(line).max(), np.abs(wet).max())


def _check_peaks(peaks: dict[str, float]) -> None:
    loudest = max(peaks, key=peaks.get)
    if peaks[loudest] >= 1:
        raise UserError(
            f"data: source 'violin': gain_db: {loudest} would be clipped; "
            f"lower it by {20 * np.log10(peaks[loudest]) + 0.1:.1f} dB or more"
        )


def _check_range(config: ViolinConfig, soundfont: Path, passages: list[Passage]) -> None:
    if not passages:
        raise UserError(
            "data: source 'violin': passage_seconds: no score has passages of this length; "
            "choose a wider range"
        )
    silent = {note.pitch for passage in passages for note in passage.notes} - set(
        read_recordings(soundfont, config.program)
    )
    if silent:
        raise UserError(
            f"data: source 'violin': program {config.program} of {soundfont} sounds no key "
            f"{min(silent)}; choose another program or range"
        )
