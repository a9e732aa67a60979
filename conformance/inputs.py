"""What the comparisons are given: notes of the packaged SoundFont, and random numbers."""

from functools import cache

import numpy as np

from pipeline.common.units import FRAME_RATE, HOP, SAMPLE_RATE
from pipeline.data.soundfont import Note, packaged_soundfont, render_note

NOTES = "two real notes"
RANDOM = "random"
SECONDS = 4
ODD = 12345  # samples: a multiple of no hop
VIOLIN = (40, 69)  # General MIDI program, MIDI pitch
TRUMPET = (56, 62)
GAIN_DB = 6.0  # as in params.yaml
VIBRATO_HZ = 5.5
VIBRATO_CENTS = 25


def samples(what: str, count: int) -> str:
    """Describe an input and its length."""
    return f"{what}, {count} samples"


def frames(what: str, count: int) -> str:
    """Describe an input and its length in control frames."""
    return f"{what}, {count} frames"


@cache
def notes() -> np.ndarray:
    """Render a violin's and a trumpet's note with vibrato: [2, 64000]."""
    return np.stack([_note(*VIOLIN), _note(*TRUMPET)])


@cache
def notes_f0() -> np.ndarray:
    """Return the f0 with which `notes` are played, in Hz: [2, 1000]."""
    pitches = np.array([VIOLIN[1], TRUMPET[1]])[:, None] + _vibrato()[None] / 100
    return (440 * 2 ** ((pitches - 69) / 12)).astype(np.float32)


def _note(program: int, pitch: int) -> np.ndarray:
    count = SECONDS * FRAME_RATE
    note = Note(pitch, 100, 3 * FRAME_RATE, _vibrato(), np.zeros(count))
    return render_note(packaged_soundfont(), program, note, GAIN_DB)


def _vibrato() -> np.ndarray:
    """Return the deviation from the pitch in cents: [1000]."""
    seconds = np.arange(SECONDS * FRAME_RATE) / FRAME_RATE
    return VIBRATO_CENTS * np.sin(2 * np.pi * VIBRATO_HZ * seconds)


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    """Draw Gaussian numbers, float32."""
    return (scale * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def uniform(low: float, high: float, *shape: int, seed: int = 0) -> np.ndarray:
    """Draw uniform numbers, float32."""
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def vibrato_f0(count: int, lowest: float = 220.0) -> np.ndarray:
    """Return two f0 curves with vibrato, in Hz: [2, frames]."""
    cents = VIBRATO_CENTS * np.sin(2 * np.pi * VIBRATO_HZ * np.arange(count) * HOP / SAMPLE_RATE)
    return (np.array([[lowest], [1.5 * lowest]]) * 2 ** (cents / 1200)).astype(np.float32)


def shares(*shape: int, seed: int = 0) -> np.ndarray:
    """Draw harmonic distributions, which sum to 1 along the last axis."""
    numbers = np.random.default_rng(seed).uniform(0.01, 1, shape)
    return (numbers / numbers.sum(-1, keepdims=True)).astype(np.float32)
