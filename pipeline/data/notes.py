"""The default data set: single notes of a SoundFont, played with expression, split by recorded
sample. Stands in for the NSynth subset of the paper (section 4.1), itself single notes of sampled
instruments.
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
    Note,
    connect_zones,
    packaged_soundfont,
    read_recordings,
    render_note,
)

OWN_COLUMNS = ("program", "expression")


class Instrument(Params):
    """One program of the SoundFont, played within its real range."""

    program: int
    family: str
    low: int  # MIDI
    high: int
    sustained: bool = True


class NotesConfig(Params):
    """A data set of single notes."""

    source: Literal["notes"]
    seed: int
    instruments: dict[str, Instrument]
    notes_per_zone: PositiveInt
    seconds: PositiveFloat
    held_seconds: PositiveFloat
    velocity: tuple[int, int]
    gain_db: float
    # of an instrument's zones, one in this many goes to test, one more to valid
    zones_per_test_zone: PositiveInt
    expression: ExpressionConfig
    max_rejected: NonNegativeInt


def make_notes(config: NotesConfig, outside: Path | None, folder: Path) -> DataSet:
    """Render the data set into `folder`: audio/ID.wav (16 bit, 16 kHz) and truth/ID.f0.npy (exact
    f0, [frames] Hz at 250 Hz).

    Args:
        outside: a SoundFont, .sf2 or .sf3; None for the packaged one.
    """
    soundfont = outside or packaged_soundfont()
    rows = []
    for note in progress(plan_notes(config, soundfont), "notes", unit="note"):
        audio, f0 = play(config, soundfont, note)
        np.save(folder / TRUTH / f"{note['id']}.f0.npy", f0)
        rows.append(note | {"sha256": write_audio(folder / AUDIO / note["path"], audio)})
    return DataSet(make_manifest(rows, OWN_COLUMNS), None)


def plan_notes(config: NotesConfig, soundfont: Path) -> list[dict]:
    """What to play: a manifest row per note, without the hash, from the seed alone."""
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
    """Each zone's split, from a stable hash; every instrument with enough zones is tested on
    recordings it never heard.

    An instrument's lowest and highest zones always train: test asks for unseen recordings within
    the range a model has heard, not for pitches beyond it. A zone that several instruments share is
    decided once, by the first of them.

    Args:
        zones: each instrument's zones, sorted by pitch.
    """
    splits = {zone: "train" for names in zones.values() for zone in (names[0], names[-1])}
    for names in zones.values():
        held_out = len(names) // zones_per_test_zone
        wanted = {"test": held_out, "valid": held_out}
        for name in names:  # zones decided by an earlier instrument count towards this one's share
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
    """A planned note: [samples] at 16 kHz, and the f0 it was played with, [frames] Hz at 250 Hz.

    The f0 goes on through the release; the sample's own tuning offset is not in it.
    """
    frames = round(config.seconds * FRAME_RATE)
    expression = Expression.model_validate_json(note["expression"])
    cents, dynamics = (
        pitch_curve(expression, frames),
        dynamics_curve(expression, frames, config.held_seconds),
    )
    played = Note(
        note["pitch"], note["velocity"], round(config.held_seconds * FRAME_RATE), cents, dynamics
    )
    f0 = 440 * 2 ** ((note["pitch"] - 69 + cents / 100) / 12)
    return render_note(soundfont, note["program"], played, config.gain_db), f0.astype(np.float32)


def _zones(config: NotesConfig, soundfont: Path) -> dict[str, dict[str, list[int]]]:
    """Each instrument's zones with their keys, {instrument: {zone: keys}}; zones are those of
    all instruments together.
    """
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
