"""SoundFonts: find the recorded samples behind each key, and render notes with expression.

sf2utils reads key ranges and tinysoundfont renders sound; both read .sf2 and compressed .sf3. A
"zone" is a set of recordings that a split must not separate: all recordings that may sound on a
key, and those of every key that shares one of them. Recordings are identified by the hash of their
data, so that instruments or names of one font that share a recording also share its zone.
"""

import io
import re
import struct
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import pretty_midi
import soxr
import tinysoundfont
from pydantic import AfterValidator
from scipy.cluster.hierarchy import DisjointSet
from sf2utils.sf2parse import Sf2File

from pipeline.common.cli import UserError
from pipeline.common.files import digest
from pipeline.common.units import FRAME_RATE, SAMPLE_RATE

# Hz; above the target rate, so that the synthesizer's interpolation does not alias
RENDER_RATE = 48000
BLOCK = RENDER_RATE // FRAME_RATE  # samples between two expression updates: one control frame
FLUSH = RENDER_RATE // 20  # samples; tinysoundfont takes 10 ms to end notes that are switched off
BEND_RANGE = 2.0  # semitones each way
EXPRESSION_DB = 60.0  # tinysoundfont's gain is the cube of the expression value: 60 dB per decade
MIDI_14_BIT = 16383
VORBIS = 0x10  # flag of an .sf3 sample, whose start and end count bytes of an Ogg stream
# names by which sf2utils recognizes the last record of a list
SENTINELS = {"Phdr": b"EOP", "Inst": b"EOI", "Shdr": b"EOS"}


def check_instrument(name: str) -> str:
    """Return an instrument's name if files may be named after it; a ValueError says what may be."""
    if not re.fullmatch(r"[\w -]+", name):
        raise ValueError("files are named after it: use letters, digits, spaces, '-' and '_' only")
    return name


InstrumentName = Annotated[str, AfterValidator(check_instrument)]


class Note(NamedTuple):
    """A note to be rendered."""

    pitch: int  # MIDI
    velocity: int
    held: int  # frames at 250 Hz from key press to release
    cents: np.ndarray  # [frames] deviation from the key's pitch at 250 Hz
    dynamics_db: np.ndarray  # [frames] at 250 Hz, 0 dB or less


def packaged_soundfont() -> Path:
    """Return the path of TimGM6mb.sf2, which the pretty_midi package includes."""
    return Path(pretty_midi.__file__).with_name("TimGM6mb.sf2")


def read_recordings(soundfont: Path, program: int) -> dict[int, frozenset[str]]:
    """Map each MIDI key of a bank-0 program to the recordings that may sound at any velocity.

    A recording is named by its sample's name and the hash of its data (compressed in an .sf3 font).
    """
    font, names = _read_font(soundfont)
    preset = next(
        (
            candidate
            for candidate in font.presets
            if getattr(candidate, "bank", None) == 0 and candidate.preset == program
        ),
        None,
    )
    if preset is None:
        raise UserError(
            f"data: program {program} is not in {soundfont}; choose one from its bank 0"
        )
    keys: dict[int, set[str]] = {}
    for instrument, outer in _key_ranges(preset.bags, "instrument"):
        for sample, inner in _key_ranges(instrument.bags, "sample"):
            for key in range(max(outer[0], inner[0]), min(outer[1], inner[1]) + 1):
                keys.setdefault(key, set()).add(names[sample.name, sample.start])
    return {key: frozenset(recordings) for key, recordings in sorted(keys.items())}


def connect_zones(keys: Iterable[frozenset[str]]) -> dict[frozenset[str], str]:
    """Name the zone of each set of recordings.

    Keys that share a recording, directly or through other keys, share a zone. A zone of one
    recording is named after it; the name of a larger zone holds the first recording, the number of
    the others and a hash of all.

    Args:
        keys: the recordings of every key.
    """
    keys = set(keys)
    recordings = DisjointSet(sorted(frozenset.union(frozenset(), *keys)))
    for key in keys:
        for recording in key:
            recordings.merge(min(key), recording)
    zones = {recording: sorted(zone) for zone in recordings.subsets() for recording in zone}
    return {key: _zone_name(zones[min(key)]) for key in keys}


def _zone_name(recordings: list[str]) -> str:
    first, *others = recordings
    return f"{first}+{len(others)}-{digest(recordings)[:8]}" if others else first


def _key_ranges(bags: list, kind: str) -> list[tuple]:
    """List (instrument or sample, key range) of the bags of a preset or instrument.

    A first bag without an instrument or sample sets the default key range.
    """
    default = bags[0].key_range if bags and getattr(bags[0], kind) is None else None
    return [
        (getattr(bag, kind), bag.key_range or default or (0, 127))
        for bag in bags
        if getattr(bag, kind) is not None
    ]


@lru_cache(maxsize=2)
def _read_font(soundfont: Path) -> tuple[Sf2File, dict[tuple[str, int], str]]:
    """Read a font, and name each sample's recording by the sample's name and start."""
    try:
        font = Sf2File(io.BytesIO(soundfont.read_bytes()))
        for records, name in SENTINELS.items():
            last = font.raw.pdta[records][-1]
            font.raw.pdta[records][-1] = last._replace(**{last._fields[0]: name})
        recordings = {}
        names = {}
        for sample, header in zip(font.samples[:-1], font.raw.pdta["Shdr"]):
            recording = digest(_recorded_bytes(font, sample, header.sample_type))[:8]
            recordings.setdefault(recording, f"{sample.name.strip()}-{recording}")
            names[sample.name, sample.start] = recordings[recording]
        return font, names if font.presets else {}
    except OSError as error:
        raise UserError(
            f"outside: {soundfont}: {error.strerror}; give a .sf2 or .sf3 file, or remove "
            "the path to use the packaged one"
        ) from None
    except (
        ValueError,
        EOFError,
        KeyError,
        IndexError,
        AttributeError,
        TypeError,
        struct.error,
    ) as error:
        raise UserError(
            f"outside: {soundfont}: not a readable SoundFont 2 or 3 file ({error})"
        ) from None


def _recorded_bytes(font: Sf2File, sample, sample_type: int) -> bytes:
    # the upper 16 bits of 24-bit samples are enough to identify a recording
    width = 1 if sample_type & VORBIS else 2
    return font.read(
        width * (sample.end - sample.start), pos=sample.smpl_offset + width * sample.start
    )


def render_note(soundfont: Path, program: int, note: Note, gain_db: float) -> np.ndarray:
    """Render a note with expression, mono at 16 kHz.

    Args:
        soundfont: the SoundFont.
        program: the instrument, General MIDI.
        note: the note; its pitch may deviate by 200 cents.
        gain_db: the same for the whole data set, so that instruments keep their balance.

    Returns:
        audio: [frames * 64] float32; exactly silent once the release has died away.
    """
    return to_sample_rate(play_note(soundfont, program, note, gain_db))


def to_sample_rate(audio: np.ndarray) -> np.ndarray:
    """Resample [samples] at 48 kHz to [samples / 3] float32 at 16 kHz."""
    return soxr.resample(audio, RENDER_RATE, SAMPLE_RATE, quality="VHQ").astype(np.float32)


def play_note(
    soundfont: Path, program: int, note: Note, gain_db: float, bend_range: float = BEND_RANGE
) -> np.ndarray:
    """Render a note at the synthesizer's rate: [frames * 192] float32, mono at 48 kHz.

    Args:
        soundfont: the SoundFont.
        program: the instrument, General MIDI.
        note: the note.
        gain_db: the synthesizer's gain.
        bend_range: how far the pitch may deviate, in semitones each way.
    """
    synth = _synth(soundfont, gain_db)
    synth.sounds_off(0)
    synth.generate(FLUSH)  # so that the tail of an earlier note is not in this one
    synth.program_select(0, 0, 0, program)
    synth.pitchbend_range(0, bend_range)
    bends = np.rint(8192 + np.clip(note.cents / 100 / bend_range, -1, 1) * 8191).astype(int)
    expressions = np.rint(
        10 ** (np.minimum(note.dynamics_db, 0) / EXPRESSION_DB) * MIDI_14_BIT
    ).astype(int)
    blocks = []
    for frame, (bend, expression) in enumerate(zip(bends, expressions)):
        synth.pitchbend(0, int(bend))
        synth.control_change(0, 43, int(expression) & 127)
        synth.control_change(0, 11, int(expression) >> 7)
        if frame == 0:
            synth.noteon(0, note.pitch, note.velocity)
        if frame == note.held:
            synth.noteoff(0, note.pitch)
        blocks.append(np.frombuffer(synth.generate(BLOCK), np.float32).reshape(-1, 2).mean(axis=1))
    return np.concatenate(blocks)


@lru_cache(maxsize=2)
def _synth(soundfont: Path, gain_db: float) -> tinysoundfont.Synth:
    synth = tinysoundfont.Synth(gain=gain_db, samplerate=RENDER_RATE)
    synth.sfload(str(soundfont))
    return synth
