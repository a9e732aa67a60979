"""Seeded expression for single notes: dynamics, vibrato and slides, known exactly.

A small SoundFont is one looped recording per key zone; without expression a note would be a static tone and
resynthesis a trivial task (see the reports' remarks on what this data can show).
"""

import numpy as np
from scipy.interpolate import PchipInterpolator

from pipeline.config import Params
from pipeline.units import FRAME_RATE


class ExpressionConfig(Params):
    """Ranges from which each note's expression is drawn, uniformly."""

    dynamics_db: tuple[float, float]  # gain at four knots over the held note
    vibrato_probability: float
    vibrato_rate_hz: tuple[float, float]
    vibrato_depth_cents: tuple[float, float]
    vibrato_delay_seconds: tuple[float, float]
    slide_probability: float
    slide_cents: tuple[float, float]  # size of the slide into the note; from below or above
    slide_seconds: tuple[float, float]


class Expression(Params):
    """How one note is played; goes to the manifest as it is."""

    dynamics_db: tuple[float, float, float, float]
    vibrato_rate_hz: float
    vibrato_depth_cents: float  # 0: no vibrato
    vibrato_delay_seconds: float
    slide_cents: float  # 0: no slide
    slide_seconds: float


def draw_expression(config: ExpressionConfig, random: np.random.Generator, sustained: bool) -> Expression:
    """Draw a note's expression; plucked and struck instruments (not `sustained`) get dynamics only."""
    def uniform(low_high: tuple[float, float]) -> float:
        return round(float(random.uniform(*low_high)), 3)

    dynamics = tuple(uniform(config.dynamics_db) for _ in range(4))
    vibrato = random.random() < config.vibrato_probability and sustained
    slide = random.random() < config.slide_probability and sustained
    sign = 1 if random.random() < 0.5 else -1
    return Expression(
        dynamics_db=dynamics,
        vibrato_rate_hz=uniform(config.vibrato_rate_hz) if vibrato else 0.0,
        vibrato_depth_cents=uniform(config.vibrato_depth_cents) if vibrato else 0.0,
        vibrato_delay_seconds=uniform(config.vibrato_delay_seconds) if vibrato else 0.0,
        slide_cents=sign * uniform(config.slide_cents) if slide else 0.0,
        slide_seconds=uniform(config.slide_seconds) if slide else 0.0,
    )


def pitch_curve(expression: Expression, frames: int) -> np.ndarray:
    """Deviation from the nominal pitch: [frames] cents at 250 Hz."""
    seconds = np.arange(frames) / FRAME_RATE
    cents = np.zeros(frames)
    if expression.slide_seconds > 0:
        cents += expression.slide_cents * 0.5 * (1 + np.cos(np.pi * np.clip(seconds / expression.slide_seconds, 0, 1)))
    if expression.vibrato_depth_cents > 0:
        since = seconds - expression.vibrato_delay_seconds
        onset = np.clip(since / 0.4, 0, 1)  # the vibrato swells over 0.4 s
        cents += expression.vibrato_depth_cents * onset * np.sin(2 * np.pi * expression.vibrato_rate_hz * since)
    return cents


def dynamics_curve(expression: Expression, frames: int, held_seconds: float) -> np.ndarray:
    """Gain: [frames] dB at 250 Hz, a monotone cubic through four knots over the held note, then constant."""
    knots = np.linspace(0, held_seconds, len(expression.dynamics_db))
    seconds = np.minimum(np.arange(frames) / FRAME_RATE, held_seconds)
    return PchipInterpolator(knots, expression.dynamics_db)(seconds)
