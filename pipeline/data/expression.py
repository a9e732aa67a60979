"""Random but seeded expression of single notes and melodic lines: dynamics, vibrato and slides.

A small SoundFont has one looped recording per key zone. Without expression a note would be a static
tone and resynthesis a trivial task (see the reports' remarks on what this data can show).
"""

import numpy as np
from pydantic import Field, PositiveFloat
from scipy.interpolate import PchipInterpolator

from pipeline.common.params import Params
from pipeline.common.units import FRAME_RATE


class ExpressionConfig(Params):
    """Ranges from which the expression of a single note is drawn uniformly."""

    dynamics_db: tuple[float, float]  # gain at four knots over the time the note is held
    vibrato_probability: float
    vibrato_rate_hz: tuple[float, float]
    vibrato_depth_cents: tuple[float, float]
    vibrato_delay_seconds: tuple[float, float]
    slide_probability: float
    slide_cents: tuple[float, float]  # size of the slide into the note, from below or above
    slide_seconds: tuple[float, float]


class LineExpressionConfig(Params):
    """Ranges from which the expression of a melodic line is drawn uniformly."""

    tempo: tuple[PositiveFloat, PositiveFloat]  # factor, one per passage
    timing_seconds: tuple[float, float]  # delay of a note's onset against the score
    dynamics_db: tuple[float, float]  # gain at the knots of a phrase
    knot_seconds: tuple[PositiveFloat, PositiveFloat]  # distance of neighbouring knots
    accent_db: tuple[float, float]  # additional gain, one per note
    # fraction of its written length for which a note that is not slurred is held
    detached: tuple[float, float]
    vibrato_from_seconds: float  # shorter notes have no vibrato
    vibrato_probability: float
    vibrato_rate_hz: tuple[float, float]
    vibrato_depth_cents: tuple[float, float]
    vibrato_delay_seconds: tuple[float, float]
    slide_probability: float  # of a note slurred to the previous one
    slide_semitones: int = Field(ge=0, le=11)  # larger intervals have no slide
    slide_seconds: tuple[PositiveFloat, PositiveFloat]


class Expression(Params):
    """The expression of one note, as stored in the manifest."""

    dynamics_db: tuple[float, float, float, float]
    vibrato_rate_hz: float
    vibrato_depth_cents: float  # 0: no vibrato
    vibrato_delay_seconds: float
    slide_cents: float  # 0: no slide
    slide_seconds: float


def draw_expression(
    config: ExpressionConfig, random: np.random.Generator, sustained: bool
) -> Expression:
    """Draw the expression of a note.

    Args:
        config: the ranges to draw from.
        random: the source of randomness.
        sustained: false for plucked and struck instruments, which get dynamics only.
    """

    def uniform(low_high: tuple[float, float]) -> float:
        """Draw a number from the range and round it to three decimals."""
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
    """Return the deviation from the nominal pitch: [frames] cents at 250 Hz."""
    cents = np.zeros(frames)
    if expression.slide_seconds > 0:
        cents += slide_curve(expression.slide_cents, expression.slide_seconds, frames)
    if expression.vibrato_depth_cents > 0:
        cents += vibrato_curve(
            expression.vibrato_depth_cents,
            expression.vibrato_rate_hz,
            expression.vibrato_delay_seconds,
            frames,
        )
    return cents


def slide_curve(cents: float, seconds: float, frames: int) -> np.ndarray:
    """Return a half-cosine slide that starts `cents` off the pitch: [frames] cents at 250 Hz."""
    progress = np.clip(np.arange(frames) / FRAME_RATE / seconds, 0, 1)
    return cents * 0.5 * (1 + np.cos(np.pi * progress))


def vibrato_curve(
    depth_cents: float, rate_hz: float, delay_seconds: float, frames: int
) -> np.ndarray:
    """Return a vibrato that starts after a delay and swells for 0.4 s: [frames] cents at 250 Hz."""
    since = np.arange(frames) / FRAME_RATE - delay_seconds
    return depth_cents * np.clip(since / 0.4, 0, 1) * np.sin(2 * np.pi * rate_hz * since)


def dynamics_curve(expression: Expression, frames: int, held_seconds: float) -> np.ndarray:
    """Return the gain of a note: [frames] dB at 250 Hz.

    The curve is a monotone cubic through four knots while the note is held, then constant.
    """
    knots = np.linspace(0, held_seconds, len(expression.dynamics_db))
    seconds = np.minimum(np.arange(frames) / FRAME_RATE, held_seconds)
    return PchipInterpolator(knots, expression.dynamics_db)(seconds)


def phrase_curve(
    config: LineExpressionConfig, random: np.random.Generator, frames: int
) -> np.ndarray:
    """Draw the gain of a whole line: [frames] dB at 250 Hz, a monotone cubic through knots."""
    seconds = frames / FRAME_RATE
    step_count = int(np.ceil(seconds / config.knot_seconds[0])) + 1
    steps = random.uniform(*config.knot_seconds, size=step_count)
    knots = np.concatenate([[0.0], np.cumsum(steps)])
    gains = random.uniform(*config.dynamics_db, size=len(knots))
    return PchipInterpolator(knots, gains)(np.arange(frames) / FRAME_RATE)


def line_pitch_curve(
    config: LineExpressionConfig,
    random: np.random.Generator,
    frames: int,
    held_seconds: float,
    slurred_interval: int,
) -> np.ndarray:
    """Draw the deviation of one note of a line from its pitch: [frames] cents at 250 Hz.

    Args:
        config: the ranges to draw from.
        random: the source of randomness.
        frames: the length of the curve.
        held_seconds: how long the note is held.
        slurred_interval: semitones up from the note slurred to this one; 0 if there is none.
    """
    cents = np.zeros(frames)
    slide_seconds = float(random.uniform(*config.slide_seconds))
    slides = random.random() < config.slide_probability and 2 * slide_seconds < held_seconds
    if slides and 0 < abs(slurred_interval) <= config.slide_semitones:
        cents += slide_curve(-100.0 * slurred_interval, slide_seconds, frames)
    rate = float(random.uniform(*config.vibrato_rate_hz))
    depth = float(random.uniform(*config.vibrato_depth_cents))
    delay = float(random.uniform(*config.vibrato_delay_seconds))
    if random.random() < config.vibrato_probability and held_seconds > config.vibrato_from_seconds:
        cents += vibrato_curve(depth, rate, delay, frames)
    return cents
