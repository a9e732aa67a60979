"""Perform a melodic line: tempo, timing, pitch and gain curves, true f0 and dry sound."""

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
SHORTEST = 10  # minimum number of frames between two onsets
BEND_RANGE = 12.0  # semitones each way, since slides span intervals


class PerformanceConfig(Params):
    """How melodic lines are cut from scores and played on any instrument."""

    # the same for all notes: dynamics are in the gain curve only
    velocity: int = Field(ge=1, le=127)
    # shorter passages are left out, longer ones are cut
    passage_seconds: tuple[PositiveFloat, PositiveFloat]
    longest_rest_seconds: PositiveFloat  # a longer rest ends the passage
    release_seconds: PositiveFloat  # duration of the fade after a note's end
    gain_db: float  # one gain for all passages
    expression: LineExpressionConfig


class Passage(NamedTuple):
    """The notes of one recording."""

    id: str
    piece: str
    seconds_per_quarter: float
    notes: list[ScoreNote]


class PlayedNote(NamedTuple):
    """A note and its onset."""

    start: int  # frame at 250 Hz
    note: Note


def piece_passages(
    name: str, piece: Piece, config: PerformanceConfig, low: int, high: int
) -> Iterator[Passage]:
    """Yield the passages of a piece, in order; each score is read when its first one is needed.

    Args:
        name: the piece's name.
        piece: the piece.
        config: how passages are cut.
        low: the lowest MIDI pitch.
        high: the highest MIDI pitch.
    """
    for number, movement in enumerate(piece.movements, 1):
        lines = read_lines(movement, low, high)
        passages = cut_passages(
            lines, movement, config.passage_seconds, config.longest_rest_seconds
        )
        for notes in passages:
            passage_id = f"{name}-{number}-{notes[0].measure:03d}"
            yield Passage(passage_id, name, 60 / movement.quarters_per_minute, notes)


def perform(
    passage: Passage, config: PerformanceConfig, random: np.random.Generator
) -> list[PlayedNote]:
    """Draw a performance: the onset, length, pitch curve and gain curve of every note."""
    expression = config.expression
    notes = passage.notes
    seconds_per_quarter = passage.seconds_per_quarter / random.uniform(*expression.tempo)
    starts = _draw_starts(notes, seconds_per_quarter, expression, random)
    release = round(config.release_seconds * FRAME_RATE)
    gains = phrase_curve(expression, random, starts[-1] + release)
    played = []
    for number, (note, start, following) in enumerate(zip(notes, starts, starts[1:])):
        written = min(int(note.duration * seconds_per_quarter * FRAME_RATE), following - start)
        detached = random.uniform(*expression.detached)
        if _is_slurred(notes, number):
            held = following - start
        else:
            held = max(round(detached * written), SHORTEST - 2)
        interval = 0
        if number and _is_slurred(notes, number - 1):
            interval = note.pitch - notes[number - 1].pitch
        cents = line_pitch_curve(expression, random, held + release, held / FRAME_RATE, interval)
        gain = gains[start : start + held + release] + random.uniform(*expression.accent_db)
        played.append(PlayedNote(int(start), Note(note.pitch, config.velocity, held, cents, gain)))
    return played


def true_f0(played: list[PlayedNote], frames: int) -> np.ndarray:
    """Return the f0 of a performance: [frames] Hz, 0 where no note sounds.

    Where one note decays while the next one sounds, the f0 is that of the next one.
    """
    f0 = np.zeros(frames, np.float32)
    for start, note in played:
        f0[start : start + len(note.cents)] = 440 * 2 ** ((note.pitch - 69 + note.cents / 100) / 12)
    return f0


def play_line(
    soundfont: Path, program: int, played: list[PlayedNote], frames: int, gain_db: float
) -> np.ndarray:
    """Render a performance without reverb: [frames * 64] at 16 kHz.

    Each note is faded out after its end, over its last frames.

    Args:
        soundfont: the SoundFont.
        program: the instrument, General MIDI.
        played: the performance.
        frames: the length at 250 Hz.
        gain_db: the synthesizer's gain.
    """
    line = np.zeros(frames * BLOCK, np.float32)
    for start, note in played:
        audio = play_note(soundfont, program, note, gain_db, BEND_RANGE)
        held = note.held * BLOCK
        fade = np.hanning(2 * (len(audio) - held))
        audio = np.concatenate([audio[:held], audio[held:] * fade[len(fade) // 2 :]])
        line[start * BLOCK : start * BLOCK + len(audio)] += audio
    return to_sample_rate(line)


def _draw_starts(
    notes: list[ScoreNote],
    seconds_per_quarter: float,
    expression: LineExpressionConfig,
    random: np.random.Generator,
) -> np.ndarray:
    """Draw the onsets and the end of a line: [notes + 1] frames at 250 Hz."""
    written = np.array([note.onset for note in notes] + [notes[-1].end]) - notes[0].onset
    late = random.uniform(*expression.timing_seconds, size=len(written))
    starts = LEAD + np.rint((written * seconds_per_quarter + late) * FRAME_RATE).astype(int)
    steps = SHORTEST * np.arange(len(starts))
    # keep onsets at least SHORTEST apart
    return np.maximum.accumulate(np.maximum(starts, LEAD) - steps) + steps


def _is_slurred(notes: list[ScoreNote], number: int) -> bool:
    """Return whether a note is slurred to the next one."""
    return (
        number + 1 < len(notes)
        and notes[number].slurred
        and notes[number + 1].onset - notes[number].end < 1e-3
    )
