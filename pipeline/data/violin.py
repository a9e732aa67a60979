"""The solo violin: lines of free scores, played by a SoundFont with expression, in one room.

It stands in for the paper's violin recordings (section 4.1): 13 minutes in one room. Here the room
is simulated, and the dry signal, the room's response and the f0 are known. All splits share the
SoundFont's few recorded violin notes; only the music is held out.
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
    Passage,
    PerformanceConfig,
    perform,
    piece_passages,
    play_line,
    true_f0,
)
from pipeline.data.room import RoomConfig, room_response
from pipeline.data.scores import AllowList, Piece, read_allow_list
from pipeline.data.soundfont import packaged_soundfont, read_recordings

EXTRA_COLUMNS = ("title", "first_measure", "last_measure", "seconds")


class ViolinConfig(PerformanceConfig):
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

    audio/ID.wav is the violin in the room (16 bit, 16 kHz). These files are for evaluation only:
    truth/ID.dry.wav is the violin without the room (audio = dry convolved with the response),
    truth/ID.f0.npy the f0 ([frames] Hz at 250 Hz; a note has its f0 until its release is faded out,
    and the f0 is 0 where the dry signal is silent), truth/room.wav the room's response (float32).

    Args:
        config: the data set's block of params.yaml.
        outside: a SoundFont (.sf2 or .sf3); None for the packaged one.
        folder: the folder to write to.

    Raises:
        UserError: the SoundFont lacks this program or a key, the room does not hold source and
            microphone, or the gain clips.
    """
    soundfont = outside or packaged_soundfont()
    scores = read_allow_list()
    passages = plan_passages(config, scores)
    _check_range(config, soundfont, passages)
    response = room_response(config.room)
    # not libsndfile, which writes the time of day into a float WAV
    wavfile.write(folder / TRUTH / "room.wav", SAMPLE_RATE, response)
    rows = []
    peaks = {}
    for passage in progress(passages, "violin", unit="passage"):
        wet, peaks[passage.id] = _render(config, soundfont, passage, response, folder / TRUTH)
        sha256 = write_audio(folder / AUDIO / f"{passage.id}.wav", wet)
        seconds = len(wet) / SAMPLE_RATE
        rows.append(_row(passage, scores.pieces[passage.piece], sha256, seconds))
    _check_peaks(peaks)
    return DataSet(make_manifest(rows, EXTRA_COLUMNS), None)


def plan_passages(config: ViolinConfig, scores: AllowList) -> list[Passage]:
    """List the passages of all pieces, in the order of the allow-list."""
    return [
        passage
        for name, piece in scores.pieces.items()
        for passage in piece_passages(name, piece, config, config.low, config.high)
    ]


def _row(passage: Passage, piece: Piece, sha256: str, seconds: float) -> dict:
    return {
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
        "seconds": seconds,
    }


def _render(
    config: ViolinConfig, soundfont: Path, passage: Passage, response: np.ndarray, truth: Path
) -> tuple[np.ndarray, float]:
    """Write a passage's truth and render it in the room.

    Returns:
        wet: [samples], long enough for the room to become silent.
        peak: the highest absolute sample of the dry and the wet signal.
    """
    random = np.random.default_rng(int(digest(config.seed, passage.id)[:16], 16))
    played = perform(passage, config, random)
    start, last = played[-1]
    frames = start + len(last.cents) + round(config.room.seconds * FRAME_RATE)
    np.save(truth / f"{passage.id}.f0.npy", true_f0(played, frames))
    line = play_line(soundfont, config.program, played, frames, config.gain_db)
    write_audio(truth / f"{passage.id}.dry.wav", line)
    dry, _ = soundfile.read(truth / f"{passage.id}.dry.wav")  # as 16 bit, like its readers
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
    pitches = {note.pitch for passage in passages for note in passage.notes}
    silent = pitches - set(read_recordings(soundfont, config.program))
    if silent:
        raise UserError(
            f"data: source 'violin': program {config.program} of {soundfont} sounds no key "
            f"{min(silent)}; choose another program or range"
        )
