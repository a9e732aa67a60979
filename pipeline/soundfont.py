"""Notes from a SoundFont: which recorded sample each key sounds, and rendering with expression.

Key zones are read with sf2utils, sound is rendered by tinysoundfont. A "zone" here is one recorded sample, named by its
name and the hash of its PCM data: two instruments that share a recording share the zone, so that a split by zone
never puts one recording on both sides.
"""

import io
import struct
from functools import lru_cache
from pathlib import Path

import numpy as np
import pretty_midi
import soxr
import tinysoundfont
from sf2utils.sf2parse import Sf2File

from pipeline.command import UserError
from pipeline.files import digest
from pipeline.units import FRAME_RATE, SAMPLE_RATE

RENDER_RATE = 48000  # Hz; rendered above the target rate so that the synthesizer's interpolation does not alias
BLOCK = RENDER_RATE // FRAME_RATE  # samples between two expression updates: one control frame
BEND_RANGE = 2.0  # semitones each way
EXPRESSION_DB = 60.0  # tinysoundfont's gain is the cube of the expression value: 60 dB per decade
MIDI_14_BIT = 16383


def packaged_soundfont() -> Path:
    """TimGM6mb.sf2 as it comes inside the pretty_midi package."""
    return Path(pretty_midi.__file__).with_name("TimGM6mb.sf2")


def read_zones(soundfont: Path, program: int) -> dict[int, str]:
    """The zone that each MIDI key of a bank-0 program sounds: {key: zone}.

    Keys on which more than one sample sounds at once are left out: their zone would not be one recording.
    """
    zones: dict[int, set[str]] = {}
    for low, high, zone in _key_ranges(soundfont, program):
        for key in range(low, high + 1):
            zones.setdefault(key, set()).add(zone)
    return {key: names.pop() for key, names in sorted(zones.items()) if len(names) == 1}


def _key_ranges(soundfont: Path, program: int) -> list[tuple[int, int, str]]:
    preset = _presets(soundfont).get(program)
    if preset is None:
        raise UserError(f"data.instruments: program {program} is not in {soundfont}; choose one of its bank 0")
    ranges = []
    for preset_bag in preset.bags:
        for bag in preset_bag.instrument.bags if preset_bag.instrument else ():
            if bag.sample is not None:
                outer, inner = preset_bag.key_range or (0, 127), bag.key_range or (0, 127)
                name = f"{bag.sample.name.strip()}-{digest(bag.sample.raw_sample_data)[:8]}"
                ranges.append((max(outer[0], inner[0]), min(outer[1], inner[1]), name))
    return ranges


@lru_cache(maxsize=2)
def _presets(soundfont: Path) -> dict:
    try:
        presets = Sf2File(io.BytesIO(soundfont.read_bytes())).presets
        return {preset.preset: preset for preset in presets if getattr(preset, "bank", None) == 0}
    except OSError as error:
        raise UserError(f"data.soundfont: {soundfont}: {error.strerror}; give a .sf2 file, or null for the packaged one") from None
    except (ValueError, EOFError, KeyError, IndexError, AttributeError, TypeError, struct.error) as error:
        raise UserError(f"data.soundfont: {soundfont}: not a readable SoundFont 2 file ({error})") from None


def render_note(soundfont: Path, program: int, pitch: int, velocity: int, held_seconds: float,
                cents: np.ndarray, dynamics_db: np.ndarray, gain_db: float) -> np.ndarray:  # fmt: skip
    """One note played with expression, mono at 16 kHz.

    Args:
        held_seconds: from the key's press to its release.
        cents: [frames] deviation from the key's pitch at 250 Hz, within 200 cents.
        dynamics_db: [frames] at 250 Hz, 0 dB or less.
        gain_db: one gain for the whole data set, so that instruments keep their balance.

    Returns:
        audio: [frames * 64] float32; exactly silent from where the release has died away.
    """
    synth = _synth(soundfont, gain_db)
    synth.sounds_off(0)
    synth.program_select(0, 0, 0, program)
    synth.pitchbend_range(0, BEND_RANGE)
    bends = np.rint(8192 + np.clip(cents / 100 / BEND_RANGE, -1, 1) * 8191).astype(int)
    expressions = np.rint(10 ** (np.minimum(dynamics_db, 0) / EXPRESSION_DB) * MIDI_14_BIT).astype(int)
    release = round(held_seconds * FRAME_RATE)
    blocks = []
    for frame, (bend, expression) in enumerate(zip(bends, expressions)):
        synth.pitchbend(0, int(bend))
        synth.control_change(0, 43, int(expression) & 127)
        synth.control_change(0, 11, int(expression) >> 7)
        if frame == 0:
            synth.noteon(0, pitch, velocity)
        if frame == release:
            synth.noteoff(0, pitch)
        blocks.append(np.frombuffer(synth.generate(BLOCK), np.float32).reshape(-1, 2).mean(axis=1))
    return soxr.resample(np.concatenate(blocks), RENDER_RATE, SAMPLE_RATE, quality="VHQ").astype(np.float32)


@lru_cache(maxsize=2)
def _synth(soundfont: Path, gain_db: float) -> tinysoundfont.Synth:
    synth = tinysoundfont.Synth(gain=gain_db, samplerate=RENDER_RATE)
    synth.sfload(str(soundfont))
    return synth
