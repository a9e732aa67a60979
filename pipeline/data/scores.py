"""Monophonic violin passages from scores in music21's corpus.

The allow-list violin_scores.yaml names every score and its licence; no other file of the corpus is
read.
"""

import re
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from music21 import chord, common, converter, expressions, note, spanner, stream
from pydantic import PositiveFloat, PositiveInt, model_validator

from pipeline.common.cli import UserError
from pipeline.common.params import Params, validate
from pipeline.common.yaml_files import read_yaml

ALLOW_LIST = Path(__file__).with_name("violin_scores.yaml")
END = "</score-partwise>"


class Movement(Params):
    """The measures of one file of the corpus that are played."""

    score: str  # path within the corpus
    part: str  # the part's name in the score
    # the first and the last, counted from 1 in the order of the file
    measures: tuple[PositiveInt, PositiveInt]
    quarters_per_minute: PositiveFloat  # our choice: few of the scores state a tempo
    seconds: PositiveFloat  # maximum total length of the passages


class Piece(Params):
    """A work; all its movements are in the same split."""

    title: str
    composer: str
    licence: str
    split: Literal["train", "valid", "test"]
    movements: list[Movement]


class AllowList(Params):
    """The scores that may be used, and under which licence."""

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
        """The end as written."""
        return self.onset + self.duration


def read_allow_list(path: Path = ALLOW_LIST) -> AllowList:
    """Read the allow-list."""
    return validate(read_yaml(path), AllowList, path, "scores")


def read_lines(movement: Movement, low: int, high: int) -> list[list[ScoreNote]]:
    """Read the monophonic lines of a movement's part, in order.

    A chord, a measure with two voices, a plucked note or a pitch outside `low` to `high` (MIDI)
    ends a line. Grace notes are left out, tied notes are joined, and repeats are played once.
    """
    part = _read_part(movement)
    slurred = _slurred(part)
    lines: list[list[ScoreNote]] = [[]]
    for onset, measure, element in _elements(part, movement.measures):
        if element is None or not low <= element.pitch.midi <= high:
            lines.append([])
            continue
        line = lines[-1]
        duration = float(element.quarterLength)
        written = ScoreNote(onset, duration, element.pitch.midi, measure, id(element) in slurred)
        if line and _is_tied(element) and _continues(line[-1], written):
            whole = written.end - line[-1].onset
            line[-1] = line[-1]._replace(duration=whole, slurred=written.slurred)
        else:
            line.append(written)
    return [line for line in lines if line]


def cut_passages(
    lines: list[list[ScoreNote]],
    movement: Movement,
    passage_seconds: tuple[float, float],
    longest_rest_seconds: float,
) -> Iterator[list[ScoreNote]]:
    """Cut lines into passages at long rests and at the ends of measures.

    Args:
        lines: the lines of the movement.
        movement: its tempo and the maximum total length of its passages.
        passage_seconds: minimum and maximum length of a passage.
        longest_rest_seconds: a longer rest ends a passage.
    """
    shortest, longest, rest, left = (
        seconds * movement.quarters_per_minute / 60  # in quarter notes
        for seconds in (*passage_seconds, longest_rest_seconds, movement.seconds)
    )
    for line in lines:
        while line:
            taken = _longest_beginning(line, min(longest, left), rest)
            passage = line[:taken]
            line = line[max(taken, 1) :]
            length = passage[-1].end - passage[0].onset if passage else 0.0
            if length >= shortest:
                left -= length
                yield passage


def _longest_beginning(line: list[ScoreNote], limit: float, rest: float) -> int:
    """Count the notes up to a long rest, or of as many whole measures as fit the limit."""
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
    """Return whether a note is tied to the previous one."""
    return element.tie is not None and element.tie.type in ("stop", "continue")


def _continues(previous: ScoreNote, written: ScoreNote) -> bool:
    """Return whether a note begins at the end of the previous one, at the same pitch."""
    return previous.pitch == written.pitch and abs(previous.end - written.onset) < 1e-6


def _elements(
    part: stream.Part, measures: tuple[int, int]
) -> Iterator[tuple[float, int, note.Note | None]]:
    """Yield (onset in quarter notes, number of the measure, note) of every note.

    The note is None where the line is interrupted.
    """
    plucked = False
    for number, measure in enumerate(part.getElementsByClass(stream.Measure), 1):
        if number >= measures[0] and measure.hasVoices():
            yield measure.offset, number, None
        for element in measure:
            onset = float(measure.offset + element.offset)
            if isinstance(element, expressions.TextExpression):
                text = element.content.lower()
                plucked = "pizz" in text or (plucked and "arco" not in text)
            elif number < measures[0] or not isinstance(element, note.Note | chord.Chord):
                continue
            elif not element.duration.isGrace:
                playable = isinstance(element, note.Note) and not plucked
                yield onset, number, element if playable else None


def _slurred(part: stream.Part) -> set[int]:
    """Return the ids of the notes that are slurred to the next note."""
    notes = [element for element in part.recurse().notes if not element.duration.isGrace]
    numbers = {id(element): number for number, element in enumerate(notes)}
    slurred = set()
    for slur in part.recurse().getElementsByClass(spanner.Slur):
        first = numbers.get(id(slur.getFirst()))
        last = numbers.get(id(slur.getLast()))
        # slurs that begin or end on a grace note are ignored
        if first is not None and last is not None:
            slurred |= {id(element) for element in notes[first:last]}
    return slurred


def _read_part(movement: Movement) -> stream.Part:
    """Read one part of a score up to the movement's last measure.

    music21 is slow, so that everything else is removed before parsing.
    """
    path = common.getCorpusFilePath() / movement.score
    if not path.exists():
        raise UserError(
            f"data: source 'violin': {path} does not exist; install music21 from PyPI, "
            "which includes its corpus"
        )
    if path.suffix == ".mxl":
        text = converter.ArchiveManager(path).getData(dataFormat="musicxml")
    else:
        text = path.read_text("utf-8")
    head = text[: text.index("<part ")]
    entries = ElementTree.fromstring(head + END).iter("score-part")
    part_id = next(
        entry.get("id")
        for entry in entries
        if entry.findtext("part-name", "").strip() == movement.part
    )
    body = re.search(f"<part id=['\"]{part_id}['\"].*?</part>", text, re.DOTALL)[0]
    score = ElementTree.fromstring(head + body + END)
    part_list = score.find("part-list")
    for entry in [entry for entry in part_list if entry.get("id") != part_id]:
        part_list.remove(entry)
    part = score.find("part")
    for measure in part.findall("measure")[movement.measures[1] :]:
        part.remove(measure)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reduced = ElementTree.tostring(score, encoding="unicode")
        return converter.parseData(reduced, format="musicxml").parts[0]
