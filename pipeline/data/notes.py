"""The default data set: single SoundFont notes played with expression, split by recorded sample.

It stands in for the paper's subset of NSynth (section 4.1), which also consists of single notes of
sampled instruments.
"""

from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from pipeline.audio.files import write_audio
from pipeline.common.cli import UserError, progress
from pipeline.common.files import digest
from pipeline.common.manifest import AUDIO, TRUTH, DataSet, make_manifest
from pipeline.common.params import Params
from pipeline.common.units import FRAME_RATE
from pipeline.data.expression import (
    Expression,
    ExpressionConfig,
    draw_expression,
    dynamics_curve,
    pitch_curve,
)
from pipeline.data.soundfont import (
    InstrumentName,
    Note,
    connect_zones,
    packaged_soundfont,
    read_recordings,
    render_note,
)

EXTRA_COLUMNS = ("program", "expression")


class Instrument(Params):
    """A program of the SoundFont, played within the range of the real instrument."""

    program: int
    family: str
    low: int  # MIDI
    high: int
    sustained: bool = True


class NotesConfig(Params):
    """A data set of single notes."""

    source: Literal["notes"]
    seed: int
    instruments: dict[InstrumentName, Instrument]
    notes_per_zone: PositiveInt
    seconds: PositiveFloat
    held_seconds: PositiveFloat
    velocity: tuple[int, int]
    gain_db: float
    # one in this many of an instrument's zones goes to test, and as many to valid
    zones_per_test_zone: PositiveInt
    expression: ExpressionConfig
    max_rejected: NonNegativeInt


def make_notes(config: NotesConfig, outside: Path | None, folder: Path) -> DataSet:
    """Render the data set: audio/ID.wav (16 bit, 16 kHz), truth/ID.f0.npy ([frames] Hz at 250 Hz).

    Args:
        config: the data set's block of params.yaml.
        outside: a SoundFont (.sf2 or .sf3); None for the packaged one.
        folder: the folder to write to.
    """
    soundfont = outside or packaged_soundfont()
    rows = []
    for note in progress(plan_notes(config, soundfont), "notes", unit="note"):
        audio, f0 = play(config, soundfont, note)
        np.save(folder / TRUTH / f"{note['id']}.f0.npy", f0)
        rows.append(note | {"sha256": write_audio(folder / AUDIO / note["path"], audio)})
    return DataSet(make_manifest(rows, EXTRA_COLUMNS), None)


def plan_notes(config: NotesConfig, soundfont: Path) -> list[dict]:
    """Draw the notes to play: one row of the manifest per note, without the audio's hash."""
    zones = _zones(config, soundfont)
    by_pitch = {
        name: sorted(keys, key=lambda zone, keys=keys: keys[zone][0])
        for name, keys in zones.items()
    }
    splits = split_zones(by_pitch, config.zones_per_test_zone, config.seed)
    notes = []
    for name, instrument in config.instruments.items():
        for zone, keys in zones[name].items():
            random = np.random.default_rng(int(digest(config.seed, name, zone)[:16], 16))
            pitches = np.concatenate(
                [random.permutation(keys) for _ in range(config.notes_per_zone)]
            )
            for number, pitch in enumerate(pitches[: config.notes_per_zone]):
                velocity = int(random.integers(config.velocity[0], config.velocity[1] + 1))
                expression = draw_expression(config.expression, random, instrument.sustained)
                identity = f"{name}-{pitch:03d}-{velocity:03d}-{number}"
                notes.append(
                    {
                        "id": identity,
                        "instrument": name,
                        "family": instrument.family,
                        "pitch": int(pitch),
                        "velocity": velocity,
                        "group": zone,
                        "split": splits[zone],
                        "path": f"{identity}.wav",
                        "program": instrument.program,
                        "expression": expression.model_dump_json(),
                    }
                )
    return sorted(notes, key=lambda note: note["id"])


def split_zones(zones: dict[str, list[str]], zones_per_test_zone: int, seed: int) -> dict[str, str]:
    """Assign each zone a split by a stable hash; test zones hold recordings unseen in training.

    An instrument's lowest and highest zones always go to train, because test asks for unseen
    recordings within the range a model was trained on and not for pitches beyond it. A zone that
    several instruments share is assigned once, with the first of them.

    Args:
        zones: each instrument's zones, sorted by pitch.
        zones_per_test_zone: one in this many zones goes to test, and as many to valid.
        seed: of the hash.
    """
    splits = {zone: "train" for names in zones.values() for zone in (names[0], names[-1])}
    for names in zones.values():
        held_out = len(names) // zones_per_test_zone
        wanted = {"test": held_out, "valid": held_out}
        for name in names:  # an earlier instrument's choices count
            if splits.get(name) in wanted:
                wanted[splits[name]] -= 1
        for name in sorted(names, key=lambda zone: digest(seed, zone)):
            if name not in splits:
                splits[name] = next(
                    (split for split in ("test", "valid") if wanted[split] > 0), "train"
                )
                if splits[name] != "train":
                    wanted[splits[name]] -= 1
    return splits


def play(config: NotesConfig, soundfont: Path, note: dict) -> tuple[np.ndarray, np.ndarray]:
    """Render a planned note.

    Returns:
        audio: [samples] at 16 kHz.
        f0: [frames] Hz at 250 Hz, including the release, without the sample's tuning offset.
    """
    frames = round(config.seconds * FRAME_RATE)
    expression = Expression.model_validate_json(note["expression"])
    cents = pitch_curve(expression, frames)
    dynamics = dynamics_curve(expression, frames, config.held_seconds)
    held = round(config.held_seconds * FRAME_RATE)
    played = Note(note["pitch"], note["velocity"], held, cents, dynamics)
    f0 = 440 * 2 ** ((note["pitch"] - 69 + cents / 100) / 12)
    return render_note(soundfont, note["program"], played, config.gain_db), f0.astype(np.float32)


def _zones(config: NotesConfig, soundfont: Path) -> dict[str, dict[str, list[int]]]:
    """Map {instrument: {zone: keys}}; zones are formed over all instruments together."""
    recordings = {
        name: _recordings_in_range(soundfont, name, instrument)
        for name, instrument in config.instruments.items()
    }
    names = connect_zones(key for keys in recordings.values() for key in keys.values())
    zones: dict[str, dict[str, list[int]]] = {name: {} for name in recordings}
    for name, keys in recordings.items():
        for key, sounding in keys.items():
            zones[name].setdefault(names[sounding], []).append(key)
    return zones


def _recordings_in_range(
    soundfont: Path, name: str, instrument: Instrument
) -> dict[int, frozenset[str]]:
    keys = read_recordings(soundfont, instrument.program)
    keys = {key: names for key, names in keys.items() if instrument.low <= key <= instrument.high}
    if not keys:
        raise UserError(
            f"data: source 'notes': instruments.{name}: program {instrument.program} of "
            f"{soundfont} sounds no key from {instrument.low} to {instrument.high}; choose "
            "another program or range"
        )
    return keys
