"""Violin lines from scores in music21's corpus: an allow-list, and the monophonic passages of one
part. The allow-list, violin_scores.yaml, names every score with its licence; nothing else of the
corpus is read.
"""

import re
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import yaml
from music21 import chord, common, converter, expressions, note, spanner, stream
from pydantic import PositiveFloat, PositiveInt, model_validator

from pipeline.common.cli import UserError
from pipeline.common.params import Params, validate

ALLOW_LIST = Path(__file__).with_name("violin_scores.yaml")
END = "</score-partwise>"


class Movement(Params):
    """What is played of one file of the corpus."""

    score: str  # path in the corpus
    part: str  # its name in the score
    # the first and last that are read, counted from 1 in the order of the file
    measures: tuple[PositiveInt, PositiveInt]
    quarters_per_minute: PositiveFloat  # ours: few of the scores state a tempo
    seconds: PositiveFloat  # of passages, at most


class Piece(Params):
    """One work; the unit that is in one split."""

    title: str
    composer: str
    licence: str
    split: Literal["train", "valid", "test"]
    movements: list[Movement]


class AllowList(Params):
    """Which scores may be used, and why."""

    licences: dict[str, str]
    pieces: dict[str, Piece]

    @model_validator(mode="after")
    def _licences_are_explained(self):
        unknown = {piece.licence for piece in self.pieces.values()} - set(self.licences)
        if unknown:
            raise ValueError(f"licence {min(unknown)} is not explained under licences")
        return self


class ScoreNote(NamedTuple):
    """A note as written; times are in quarter notes from the start of the file."""

    onset: float
    duration: float
    pitch: int  # MIDI
    measure: int  # counted from 1 in the order of the file
    slurred: bool  # to the next note

    @property
    def end(self) -> float:
        """The written end."""
        return self.onset + self.duration


def read_allow_list(path: Path = ALLOW_LIST) -> AllowList:
    """The pieces that may be played, by name."""
    return validate(yaml.safe_load(path.read_text()), AllowList, path, "scores")


def read_lines(movement: Movement, low: int, high: int) -> list[list[ScoreNote]]:
    """The stretches of a movement's part that can be played as one line, in order.

    A chord, a measure in two voices, plucked notes and notes outside `low` to `high` (MIDI) end a
    line. Grace notes are left out, tied notes are joined, repeats are played once.
    """
    part = _read_part(movement)
    slurred = _slurred(part)
    lines: list[list[ScoreNote]] = [[]]
    for onset, measure, element in _elements(part, movement.measures):
        if element is None or not low <= element.pitch.midi <= high:
            lines.append([])
            continue
        line = lines[-1]
        written = ScoreNote(
            onset, float(element.quarterLength), element.pitch.midi, measure, id(element) in slurred
        )
        if (
            line
            and _is_tied(element)
            and line[-1].pitch == written.pitch
            and abs(line[-1].end - onset) < 1e-6
        ):
            line[-1] = line[-1]._replace(
                duration=written.end - line[-1].onset, slurred=written.slurred
            )
        else:
            line.append(written)
    return [line for line in lines if line]


def cut_passages(
    lines: list[list[ScoreNote]],
    movement: Movement,
    passage_seconds: tuple[float, float],
    longest_rest_seconds: float,
) -> Iterator[list[ScoreNote]]:
    """Passages between the two lengths, `movement.seconds` of them at most; cut at long rests,
    and where a measure ends.
    """
    shortest, longest, rest, left = (
        seconds * movement.quarters_per_minute / 60
        for seconds in (*passage_seconds, longest_rest_seconds, movement.seconds)
    )
    for line in lines:
        while line:
            taken = _longest_beginning(line, min(longest, left), rest)
            passage, line = line[:taken], line[max(taken, 1) :]
            length = passage[-1].end - passage[0].onset if passage else 0.0
            if length >= shortest:
                left -= length
                yield passage


def _longest_beginning(line: list[ScoreNote], limit: float, rest: float) -> int:
    """How many notes of a line to take: all up to a long rest, or as many whole measures as fit
    into the limit.
    """
    taken = 0
    for number, current in enumerate(line, 1):
        if current.end - line[0].onset > limit:
            break
        last = number == len(line) or line[number].onset - current.end > rest
        if last or line[number].measure != current.measure:
            taken = number
        if last:
            break
    return taken


def _is_tied(element: note.Note) -> bool:
    """Whether a note goes on from the one before."""
    return element.tie is not None and element.tie.type in ("stop", "continue")


def _elements(
    part: stream.Part, measures: tuple[int, int]
) -> Iterator[tuple[float, int, note.Note | None]]:
    """Every note with its onset in quarter notes and its measure's place; None for a note where
    the line is interrupted.
    """
    plucked = False
    for place, measure in enumerate(part.getElementsByClass(stream.Measure), 1):
        if place >= measures[0] and measure.hasVoices():
            yield measure.offset, place, None
        for element in measure:
            onset = float(measure.offset + element.offset)
            if isinstance(element, expressions.TextExpression):
                word = element.content.lower()
                plucked = "pizz" in word or (plucked and "arco" not in word)
            elif (
                place >= measures[0]
                and isinstance(element, note.Note)
                and not element.duration.isGrace
            ):
                yield onset, place, None if plucked else element
            elif (
                place >= measures[0]
                and isinstance(element, chord.Chord)
                and not element.duration.isGrace
            ):
                yield onset, place, None


def _slurred(part: stream.Part) -> set[int]:
    """The ids of notes that a slur ties to their next note."""
    notes = [element for element in part.recurse().notes if not element.duration.isGrace]
    place = {id(element): number for number, element in enumerate(notes)}
    slurred = set()
    for slur in part.recurse().getElementsByClass(spanner.Slur):
        first, last = (place.get(id(end)) for end in (slur.getFirst(), slur.getLast()))
        # a slur that begins or ends on a grace note is none for us
        if first is not None and last is not None:
            slurred |= {id(element) for element in notes[first:last]}
    return slurred


def _read_part(movement: Movement) -> stream.Part:
    """One part of a score up to the last measure wanted; music21, which is slow, does not see
    the rest.
    """
    path = common.getCorpusFilePath() / movement.score
    if not path.exists():
        raise UserError(
            f"data: source 'violin': {path} does not exist; install music21 with its corpus, as "
            "PyPI has it"
        )
    text = (
        converter.ArchiveManager(path).getData(dataFormat="musicxml")
        if path.suffix == ".mxl"
        else path.read_text("utf-8")
    )
    head = text[: text.index("<part ")]
    entries = ElementTree.fromstring(head + END).iter("score-part")
    wanted = next(
        entry.get("id")
        for entry in entries
        if entry.findtext("part-name", "").strip() == movement.part
    )
    score = ElementTree.fromstring(
        head + re.search(f"<part id=['\"]{wanted}['\"].*?</part>", text, re.DOTALL)[0] + END
    )
    part_list, part = score.find("part-list"), score.find("part")
    for entry in [entry for entry in part_list if entry.get("id") != wanted]:
        part_list.remove(entry)
    for measure in part.findall("measure")[movement.measures[1] :]:
        part.remove(measure)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return converter.parseData(
            ElementTree.tostring(score, encoding="unicode"), format="musicxml"
        ).parts[0]
