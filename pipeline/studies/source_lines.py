"""Source lines for timbre transfer: melodies that other instruments of the SoundFont play, without
a room, from scores that are in no training split.
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
from pipeline.data.soundfont import InstrumentName, packaged_soundfont, read_recordings


class PlayerConfig(Params):
    """An instrument that plays the lines."""

    program: int  # of the SoundFont, General MIDI
    low: int  # MIDI, as it sounds
    high: int
    octaves: int  # transposition of the violin's line into a comfortable range


class LinesConfig(PerformanceConfig):
    """What is played: for every instrument, the first passage of each piece within its range."""

    seed: int
    pieces: list[str]  # in pipeline/data/violin_scores.yaml, none in split train
    instruments: dict[InstrumentName, PlayerConfig]


class SourceLine(NamedTuple):
    """A recording whose f0 and loudness drive a model."""

    id: str
    instrument: str
    group: str  # the piece
    audio: np.ndarray  # [samples] at 16 kHz
    # [frames] at 250 Hz as played, 0 where nothing sounds; None if unknown
    true_f0_hz: np.ndarray | None


def check_pieces(config: LinesConfig) -> None:
    """Raise a UserError if a piece does not exist or is in the training split."""
    pieces = read_allow_list().pieces
    held_out = [name for name, piece in pieces.items() if piece.split != "train"]
    for name in config.pieces:
        if name not in held_out:
            raise UserError(
                f"timbre_transfer.lines.pieces: '{name}' is not a piece outside the training "
                f"split; choose from {', '.join(held_out)}"
            )


def play_lines(config: LinesConfig) -> list[SourceLine]:
    """Play every instrument's lines, in the order of the settings.

    Raises:
        UserError: if a piece does not exist, is in the training split or has no passage for an
            instrument; if the instrument has no sound for a note; if the gain makes a line clip.
    """
    check_pieces(config)
    pieces = read_allow_list().pieces
    return [
        _play_line(config, instrument, player, name, pieces[name])
        for instrument, player in config.instruments.items()
        for name in config.pieces
    ]


def _play_line(
    config: LinesConfig, instrument: str, player: PlayerConfig, name: str, piece: Piece
) -> SourceLine:
    """Play one piece's passage on one instrument."""
    soundfont = packaged_soundfont()
    passage = _transposed_passage(config, instrument, player, name, piece)
    missing_keys = {note.pitch for note in passage.notes} - set(
        read_recordings(soundfont, player.program)
    )
    if missing_keys:
        raise UserError(
            f"timbre_transfer.lines.instruments.{instrument}: program {player.program} has no "
            f"sound for key {min(missing_keys)}; choose another range"
        )
    line = f"{instrument}-{passage.id}"
    random = np.random.default_rng(int(digest(config.seed, line)[:16], 16))
    played = perform(passage, config, random)
    last_start, last_note = played[-1]
    frames = last_start + len(last_note.cents)
    audio = play_line(soundfont, player.program, played, frames, config.gain_db)
    peak = np.abs(audio).max()
    if peak >= 1:
        raise UserError(
            f"timbre_transfer.lines.gain_db: {line} would clip; lower it by "
            f"{20 * np.log10(peak) + 0.1:.1f} dB or more"
        )
    return SourceLine(line, instrument, name, audio, true_f0(played, frames))


def _transposed_passage(
    config: LinesConfig, instrument: str, player: PlayerConfig, name: str, piece: Piece
) -> Passage:
    """Return the piece's first passage in the instrument's range, transposed to sounding pitch."""
    transposition = 12 * player.octaves
    low = player.low - transposition
    high = player.high - transposition
    passage = next(iter(piece_passages(name, piece, config, low, high)), None)
    if passage is None:
        raise UserError(
            f"timbre_transfer.lines.passage_seconds: {name} has no passage of this length within "
            f"the range of {instrument}; choose a wider range, or leave the piece out"
        )
    notes = [note._replace(pitch=note.pitch + transposition) for note in passage.notes]
    return passage._replace(notes=notes)
