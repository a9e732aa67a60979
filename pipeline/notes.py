"""The default data set: single notes of a SoundFont, played with expression, split by recorded sample.

Stands in for the NSynth subset of the paper (section 4.1), itself single notes of sampled instruments.
"""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import PositiveFloat, PositiveInt

from pipeline.audio import write_audio
from pipeline.command import UserError, progress
from pipeline.config import Params
from pipeline.expression import Expression, ExpressionConfig, draw_expression, dynamics_curve, pitch_curve
from pipeline.files import atomic_folder, digest, write_text
from pipeline.soundfont import packaged_soundfont, read_zones, render_note
from pipeline.units import FRAME_RATE

MANIFEST_COLUMNS = ["id", "instrument", "family", "program", "pitch", "velocity", "zone", "expression", "split", "sha256"]


class Instrument(Params):
    """One program of the SoundFont, played within its real range."""

    program: int
    family: str
    low: int  # MIDI
    high: int
    sustained: bool = True


class DataConfig(Params):
    """The `data` section of params.yaml."""

    seed: int
    soundfont: str | None  # a path; null for the packaged TimGM6mb.sf2
    instruments: dict[str, Instrument]
    notes_per_zone: PositiveInt
    seconds: PositiveFloat
    held_seconds: PositiveFloat
    velocity: tuple[int, int]
    gain_db: float
    zones_per_test_zone: PositiveInt  # of an instrument's zones, one in this many goes to test, one more to valid
    expression: ExpressionConfig


def make_notes(config: DataConfig, out: Path, manifest: Path) -> pd.DataFrame:
    """Render the data set: out/ID.wav (16-bit, 16 kHz), out/ID.f0.npy (exact f0, [frames] Hz) and the manifest."""
    soundfont = Path(config.soundfont) if config.soundfont else packaged_soundfont()
    planned = plan_notes(config, soundfont)
    rows = []
    with atomic_folder(out) as folder:
        for note in progress(planned, "notes", unit="note"):
            rows.append(note | {"sha256": _render(config, soundfont, note, folder)})
    table = pd.DataFrame(rows)[MANIFEST_COLUMNS]
    write_text(manifest, table.to_csv(index=False))
    return table


def plan_notes(config: DataConfig, soundfont: Path) -> list[dict]:
    """What to play: a manifest row per note, without the hash, from the seed alone."""
    zones = {name: _zones_in_range(soundfont, name, instrument) for name, instrument in config.instruments.items()}
    by_pitch = {name: sorted(keys, key=lambda zone, keys=keys: keys[zone][0]) for name, keys in zones.items()}
    splits = split_zones(by_pitch, config.zones_per_test_zone, config.seed)
    notes = []
    for name, instrument in config.instruments.items():
        for zone, keys in zones[name].items():
            random = np.random.default_rng(int(digest(config.seed, name, zone)[:16], 16))
            pitches = np.concatenate([random.permutation(keys) for _ in range(config.notes_per_zone)])
            for number, pitch in enumerate(pitches[: config.notes_per_zone]):
                velocity = int(random.integers(config.velocity[0], config.velocity[1] + 1))
                expression = draw_expression(config.expression, random, instrument.sustained)
                notes.append({
                    "id": f"{name}-{pitch:03d}-{velocity:03d}-{number}", "instrument": name, "family": instrument.family,
                    "program": instrument.program, "pitch": int(pitch), "velocity": velocity, "zone": zone,
                    "expression": expression.model_dump_json(), "split": splits[zone],
                })  # fmt: skip
    return sorted(notes, key=lambda note: note["id"])


def split_zones(zones: dict[str, list[str]], zones_per_test_zone: int, seed: int) -> dict[str, str]:
    """Each zone's split, from a stable hash; every instrument with enough zones is tested on recordings it never heard.

    An instrument's lowest and highest zones always train: test asks for unseen recordings within the range a model has
    heard, not for pitches beyond it. A zone that several instruments share is decided once, by the first of them.

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
                splits[name] = next((split for split in ("test", "valid") if wanted[split] > 0), "train")
                if splits[name] != "train":
                    wanted[splits[name]] -= 1
    return splits


def true_f0(note: dict, seconds: float) -> np.ndarray:
    """The f0 a note was played with: [frames] Hz at 250 Hz; the sample's own tuning offset is not in it."""
    cents = pitch_curve(Expression.model_validate_json(note["expression"]), round(seconds * FRAME_RATE))
    return (440 * 2 ** ((note["pitch"] - 69 + cents / 100) / 12)).astype(np.float32)


def _zones_in_range(soundfont: Path, name: str, instrument: Instrument) -> dict[str, list[int]]:
    keys: dict[str, list[int]] = defaultdict(list)
    for key, zone in read_zones(soundfont, instrument.program).items():
        if instrument.low <= key <= instrument.high:
            keys[zone].append(key)
    if not keys:
        raise UserError(f"data.instruments.{name}: program {instrument.program} of {soundfont} has no single-sample key "
                        f"from {instrument.low} to {instrument.high}; choose another program or range")  # fmt: skip
    return dict(keys)


def _render(config: DataConfig, soundfont: Path, note: dict, folder: Path) -> str:
    frames = round(config.seconds * FRAME_RATE)
    expression = Expression.model_validate_json(note["expression"])
    audio = render_note(
        soundfont, note["program"], note["pitch"], note["velocity"], config.held_seconds,
        pitch_curve(expression, frames), dynamics_curve(expression, frames, config.held_seconds), config.gain_db,
    )  # fmt: skip
    np.save(folder / f"{note['id']}.f0.npy", true_f0(note, config.seconds))
    return write_audio(folder / f"{note['id']}.wav", audio)
