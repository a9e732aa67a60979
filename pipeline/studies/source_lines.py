"""Lines for timbre transfer: what other instruments of the SoundFont play, dry, from scores that
no training split holds.
"""

from typing import NamedTuple

import numpy as np

from pipeline.common.cli import UserError
from pipeline.common.files import digest
from pipeline.common.params import Params
from pipeline.data.performance import (
    Passage,
    PerformanceConfig,
    perform,
    piece_passages,
    play_line,
    true_f0,
)
from pipeline.data.scores import Piece, read_allow_list
from pipeline.data.soundfont import packaged_soundfont, read_recordings


class PlayerConfig(Params):
    """An instrument that plays the lines."""

    program: int  # of the SoundFont, General MIDI
    low: int  # MIDI, as it sounds
    high: int
    octaves: int  # by which the violin's line is moved, so that it lies well


class LinesConfig(PerformanceConfig):
    """What is played: of every piece the first passage that lies within an instrument's range,
    by every instrument.
    """

    seed: int
    pieces: list[str]  # of pipeline/data/violin_scores.yaml, none of split train
    instruments: dict[str, PlayerConfig]


class Line(NamedTuple):
    """A recording whose f0 and loudness are to drive a model."""

    id: str
    instrument: str
    group: str  # the piece
    audio: np.ndarray  # [samples] at 16 kHz
    # [frames] at 250 Hz as it was played, 0 where nothing sounds; None where it is not known
    true_f0_hz: np.ndarray | None


def play_lines(config: LinesConfig) -> list[Line]:
    """Every instrument's lines, in the order of the settings.

    Raises:
        UserError: a piece that does not exist or is trained on, one without a passage for an
            instrument, or a gain that clips.
    """
    pieces = read_allow_list().pieces
    for name in config.pieces:
        if name not in pieces or pieces[name].split == "train":
            known = ", ".join(name for name, piece in pieces.items() if piece.split != "train")
            raise UserError(
                f"timbre_transfer.lines.pieces: '{name}' is no piece outside of the training "
                f"split; known: {known}"
            )
    return [
        _line(config, instrument, player, name, pieces[name])
        for instrument, player in config.instruments.items()
        for name in config.pieces
    ]


def _line(
    config: LinesConfig, instrument: str, player: PlayerConfig, name: str, piece: Piece
) -> Line:
    soundfont = packaged_soundfont()
    passage = _transposed(config, instrument, player, name, piece)
    silent = {note.pitch for note in passage.notes} - set(
        read_recordings(soundfont, player.program)
    )
    if silent:
        raise UserError(
            f"timbre_transfer.lines.instruments.{instrument}: program {player.program} sounds no "
            f"key {min(silent)}; choose another range"
        )
    line = f"{instrument}-{passage.id}"
    played = perform(
        passage, config, np.random.default_rng(int(digest(config.seed, line)[:16], 16))
    )
    start, last = played[-1]
    frames = start + len(last.cents)
    audio = play_line(soundfont, player.program, played, frames, config.gain_db)
    peak = np.abs(audio).max()
    if peak >= 1:
        raise UserError(
            f"timbre_transfer.lines.gain_db: {line} would be clipped; lower it by "
            f"{20 * np.log10(peak) + 0.1:.1f} dB or more"
        )
    return Line(line, instrument, name, audio, true_f0(played, frames))


def _transposed(
    config: LinesConfig, instrument: str, player: PlayerConfig, name: str, piece: Piece
) -> Passage:
    """The piece's first passage for this instrument, as it sounds."""
    up = 12 * player.octaves
    for passage in piece_passages(name, piece, config, player.low - up, player.high - up):
        return passage._replace(
            notes=[note._replace(pitch=note.pitch + up) for note in passage.notes]
        )
    raise UserError(
        f"timbre_transfer.lines.passage_seconds: {name} has no passage of this length within the "
        f"range of {instrument}; choose a wider range, or leave the piece out"
    )
