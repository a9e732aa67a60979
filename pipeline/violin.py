"""The solo-violin stand-in: lines of free scores, played by a SoundFont's violin with expression, in one simulated room.

Stands in for the paper's violin recordings (section 4.1), of which there are 13 minutes in one room. Here the dry signal,
the room's response and the f0 are known. All splits share the SoundFont's few recorded violin notes: what is held out is music.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import soundfile
from pydantic import Field, NonNegativeInt, PositiveFloat
from scipy.io import wavfile
from scipy.signal import fftconvolve

from pipeline.audio import write_audio
from pipeline.command import UserError, progress
from pipeline.common.params import Params
from pipeline.expression import LineExpressionConfig, line_pitch_curve, phrase_curve
from pipeline.files import digest
from pipeline.manifest import AUDIO, TRUTH, DataSet, make_manifest
from pipeline.room import RoomConfig, room_response
from pipeline.scores import AllowList, Piece, ScoreNote, cut_passages, read_allow_list, read_lines
from pipeline.soundfont import BLOCK, Note, packaged_soundfont, play_note, read_recordings, to_sample_rate
from pipeline.units import FRAME_RATE, SAMPLE_RATE

OWN_COLUMNS = ("title", "first_measure", "last_measure", "seconds")
LEAD = 25  # frames of silence before the first note
SHORTEST = 10  # frames from one onset to the next, at least
BEND_RANGE = 12.0  # semitones each way: slides span intervals


class LineConfig(Params):
    """How lines are cut from scores and played, on whatever instrument."""

    velocity: int = Field(ge=1, le=127)  # one for all notes: their dynamics are all in the gain curve
    passage_seconds: tuple[PositiveFloat, PositiveFloat]  # shorter ones are left out, longer ones cut
    longest_rest_seconds: PositiveFloat  # a longer one ends the passage
    release_seconds: PositiveFloat  # a note's sound is faded out over this time after its end
    gain_db: float  # one gain for all passages
    expression: LineExpressionConfig


class ViolinConfig(LineConfig):
    """A data set of violin lines."""

    source: Literal["violin"]
    seed: int
    program: int  # of the SoundFont, General MIDI
    low: int  # MIDI
    high: int
    room: RoomConfig
    max_rejected: NonNegativeInt


class Passage(NamedTuple):
    """What is played in one recording."""

    id: str
    piece: str
    seconds_per_quarter: float
    notes: list[ScoreNote]


class PlayedNote(NamedTuple):
    """A note in its place."""

    start: int  # frame at 250 Hz
    note: Note


def make_violin(config: ViolinConfig, outside: Path | None, folder: Path) -> DataSet:
    """Render the data set into `folder`.

    audio/ID.wav is the violin in the room (16 bit, 16 kHz). For evaluation only: truth/ID.dry.wav, the same without the room
    (their ratio is the room alone: audio = dry convolved with the response), truth/ID.f0.npy ([frames] Hz at 250 Hz, 0 where
    the dry signal is silent: a note has its f0 until its release has been faded out) and truth/room.wav (float32).

    Args:
        outside: a SoundFont, .sf2 or .sf3; None for the packaged one.

    Raises:
        UserError: a SoundFont without this violin, a room that does not hold source and microphone, or a gain that clips.
    """
    soundfont = outside or packaged_soundfont()
    scores = read_allow_list()
    passages = plan_passages(config, scores)
    _check_range(config, soundfont, passages)
    response = room_response(config.room)
    wavfile.write(folder / TRUTH / "room.wav", SAMPLE_RATE, response)  # libsndfile would put the time of day into a float WAV
    rows, peaks = [], {}
    for passage in progress(passages, "violin", unit="passage"):
        wet, peaks[passage.id] = _render(config, soundfont, passage, response, folder / TRUTH)
        sha256 = write_audio(folder / AUDIO / f"{passage.id}.wav", wet)
        piece = scores.pieces[passage.piece]
        rows.append({
            "id": passage.id, "instrument": "violin", "family": "string", "group": passage.piece, "split": piece.split,
            "path": f"{passage.id}.wav", "sha256": sha256, "title": f"{piece.composer}: {piece.title}",
            "first_measure": passage.notes[0].measure, "last_measure": passage.notes[-1].measure,
            "seconds": len(wet) / SAMPLE_RATE,
        })  # fmt: skip
    _check_peaks(peaks)
    return DataSet(make_manifest(rows, OWN_COLUMNS), None)


def plan_passages(config: ViolinConfig, scores: AllowList) -> list[Passage]:
    """The passages of all pieces, in the order of the allow-list."""
    return [passage for name, piece in scores.pieces.items() for passage in piece_passages(name, piece, config, config.low, config.high)]


def piece_passages(name: str, piece: Piece, config: LineConfig, low: int, high: int) -> Iterator[Passage]:
    """The passages of one piece between two MIDI pitches, in order; a score is read when its first passage is asked for."""
    for number, movement in enumerate(piece.movements, 1):
        for notes in cut_passages(read_lines(movement, low, high), movement, config.passage_seconds, config.longest_rest_seconds):
            yield Passage(f"{name}-{number}-{notes[0].measure:03d}", name, 60 / movement.quarters_per_minute, notes)


def perform(passage: Passage, config: LineConfig, random: np.random.Generator) -> list[PlayedNote]:
    """How a passage is played: every note with its place, length, pitch curve and gain curve."""
    expression, notes = config.expression, passage.notes
    seconds_per_quarter = passage.seconds_per_quarter / random.uniform(*expression.tempo)
    begins = np.array([note.onset for note in notes] + [notes[-1].end]) - notes[0].onset
    late = random.uniform(*expression.timing_seconds, size=len(begins))
    starts = LEAD + np.rint((begins * seconds_per_quarter + late) * FRAME_RATE).astype(int)
    steps = SHORTEST * np.arange(len(starts))
    starts = np.maximum.accumulate(np.maximum(starts, LEAD) - steps) + steps  # at least SHORTEST apart
    release = round(config.release_seconds * FRAME_RATE)
    gains = phrase_curve(expression, random, starts[-1] + release)
    played = []
    for number, (note, start, following) in enumerate(zip(notes, starts, starts[1:])):
        written = min(int(note.duration * seconds_per_quarter * FRAME_RATE), following - start)
        detached = random.uniform(*expression.detached)
        held = following - start if _joined(notes, number) else max(round(detached * written), SHORTEST - 2)
        interval = note.pitch - notes[number - 1].pitch if number and _joined(notes, number - 1) else 0
        cents = line_pitch_curve(expression, random, held + release, held / FRAME_RATE, interval)
        gain = gains[start : start + held + release] + random.uniform(*expression.accent_db)
        played.append(PlayedNote(int(start), Note(note.pitch, config.velocity, held, cents, gain)))
    return played


def true_f0(played: list[PlayedNote], frames: int) -> np.ndarray:
    """The f0 of a performance: [frames] Hz; 0 where no note sounds, and the new note's where an old one still dies away."""
    f0 = np.zeros(frames, np.float32)
    for start, note in played:
        f0[start : start + len(note.cents)] = 440 * 2 ** ((note.pitch - 69 + note.cents / 100) / 12)
    return f0


def play_line(soundfont: Path, program: int, played: list[PlayedNote], frames: int, gain_db: float) -> np.ndarray:
    """The dry sound of a performance: [frames * 64] at 16 kHz; after its end each note is faded out over its last frames."""
    line = np.zeros(frames * BLOCK, np.float32)
    for start, note in played:
        audio = play_note(soundfont, program, note, gain_db, BEND_RANGE)
        fade = np.hanning(2 * (len(audio) - note.held * BLOCK))
        audio = np.concatenate([audio[: note.held * BLOCK], audio[note.held * BLOCK :] * fade[len(fade) // 2 :]])
        line[start * BLOCK : start * BLOCK + len(audio)] += audio
    return to_sample_rate(line)


def _joined(notes: list[ScoreNote], number: int) -> bool:
    """Whether a note is slurred to the next one."""
    return number + 1 < len(notes) and notes[number].slurred and notes[number + 1].onset - notes[number].end < 1e-3


def _render(config: ViolinConfig, soundfont: Path, passage: Passage, response: np.ndarray, truth: Path) -> tuple[np.ndarray, float]:
    """Write a passage's truth; returns it in the room, [samples], until the room is silent, and the highest peak of both."""
    played = perform(passage, config, np.random.default_rng(int(digest(config.seed, passage.id)[:16], 16)))
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
        raise UserError(f"data: source 'violin': gain_db: {loudest} would be clipped; "
                        f"lower it by {20 * np.log10(peaks[loudest]) + 0.1:.1f} dB or more")  # fmt: skip


def _check_range(config: ViolinConfig, soundfont: Path, passages: list[Passage]) -> None:
    if not passages:
        raise UserError("data: source 'violin': passage_seconds: no score has passages of this length; choose a wider range")
    silent = {note.pitch for passage in passages for note in passage.notes} - set(read_recordings(soundfont, config.program))
    if silent:
        raise UserError(f"data: source 'violin': program {config.program} of {soundfont} sounds no key {min(silent)}; "
                        "choose another program or range")  # fmt: skip
