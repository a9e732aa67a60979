"""Lines of scores as a performance: tempo, timing, pitch and gain curves of every note; its true
f0 and its dry sound.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import Field, PositiveFloat

from pipeline.common.params import Params
from pipeline.common.units import FRAME_RATE
from pipeline.data.expression import LineExpressionConfig, line_pitch_curve, phrase_curve
from pipeline.data.scores import Piece, ScoreNote, cut_passages, read_lines
from pipeline.data.soundfont import BLOCK, Note, play_note, to_sample_rate

LEAD = 25  # frames of silence before the first note
SHORTEST = 10  # frames from one onset to the next, at least
BEND_RANGE = 12.0  # semitones each way: slides span intervals


class LineConfig(Params):
    """How lines are cut from scores and played, on whatever instrument."""

    # one for all notes: their dynamics are all in the gain curve
    velocity: int = Field(ge=1, le=127)
    # shorter ones are left out, longer ones cut
    passage_seconds: tuple[PositiveFloat, PositiveFloat]
    longest_rest_seconds: PositiveFloat  # a longer one ends the passage
    release_seconds: PositiveFloat  # a note's sound is faded out over this time after its end
    gain_db: float  # one gain for all passages
    expression: LineExpressionConfig


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


def piece_passages(
    name: str, piece: Piece, config: LineConfig, low: int, high: int
) -> Iterator[Passage]:
    """The passages of one piece between two MIDI pitches, in order; a score is read when its
    first passage is asked for.
    """
    for number, movement in enumerate(piece.movements, 1):
        for notes in cut_passages(
            read_lines(movement, low, high),
            movement,
            config.passage_seconds,
            config.longest_rest_seconds,
        ):
            yield Passage(
                f"{name}-{number}-{notes[0].measure:03d}",
                name,
                60 / movement.quarters_per_minute,
                notes,
            )


def perform(passage: Passage, config: LineConfig, random: np.random.Generator) -> list[PlayedNote]:
    """How a passage is played: every note with its place, length, pitch curve and gain curve."""
    expression, notes = config.expression, passage.notes
    seconds_per_quarter = passage.seconds_per_quarter / random.uniform(*expression.tempo)
    begins = np.array([note.onset for note in notes] + [notes[-1].end]) - notes[0].onset
    late = random.uniform(*expression.timing_seconds, size=len(begins))
    starts = LEAD + np.rint((begins * seconds_per_quarter + late) * FRAME_RATE).astype(int)
    steps = SHORTEST * np.arange(len(starts))
    # at least SHORTEST apart
    starts = np.maximum.accumulate(np.maximum(starts, LEAD) - steps) + steps
    release = round(config.release_seconds * FRAME_RATE)
    gains = phrase_curve(expression, random, starts[-1] + release)
    played = []
    for number, (note, start, following) in enumerate(zip(notes, starts, starts[1:])):
        written = min(int(note.duration * seconds_per_quarter * FRAME_RATE), following - start)
        detached = random.uniform(*expression.detached)
        held = (
            following - start
            if _joined(notes, number)
            else max(round(detached * written), SHORTEST - 2)
        )
        interval = (
            note.pitch - notes[number - 1].pitch if number and _joined(notes, number - 1) else 0
        )
        cents = line_pitch_curve(expression, random, held + release, held / FRAME_RATE, interval)
        gain = gains[start : start + held + release] + random.uniform(*expression.accent_db)
        played.append(PlayedNote(int(start), Note(note.pitch, config.velocity, held, cents, gain)))
    return played


def true_f0(played: list[PlayedNote], frames: int) -> np.ndarray:
    """The f0 of a performance: [frames] Hz; 0 where no note sounds, and the new note's where an
    old one still dies away.
    """
    f0 = np.zeros(frames, np.float32)
    for start, note in played:
        f0[start : start + len(note.cents)] = 440 * 2 ** ((note.pitch - 69 + note.cents / 100) / 12)
    return f0


def play_line(
    soundfont: Path, program: int, played: list[PlayedNote], frames: int, gain_db: float
) -> np.ndarray:
    """The dry sound of a performance: [frames * 64] at 16 kHz; after its end each note is faded
    out over its last frames.
    """
    line = np.zeros(frames * BLOCK, np.float32)
    for start, note in played:
        audio = play_note(soundfont, program, note, gain_db, BEND_RANGE)
        fade = np.hanning(2 * (len(audio) - note.held * BLOCK))
        audio = np.concatenate(
            [audio[: note.held * BLOCK], audio[note.held * BLOCK :] * fade[len(fade) // 2 :]]
        )
        line[start * BLOCK : start * BLOCK + len(audio)] += audio
    return to_sample_rate(line)


def _joined(notes: list[ScoreNote], number: int) -> bool:
    """Whether a note is slurred to the next one."""
    return (
        number + 1 < len(notes)
        and notes[number].slurred
        and notes[number + 1].onset - notes[number].end < 1e-3
    )
