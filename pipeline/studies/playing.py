"""Play control curves of any length in pieces: memory stays bounded, and no seam is audible."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import keras
import numpy as np

from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.resynthesis.render import INPUTS, resynthesize

Z_FRAME = 8  # control frames per frame of the z encoder; every piece starts on a multiple of it
PIECE = 7504  # frames, 30 s
# Frames played before a piece, in which the recurrent network settles; the length of the reverb is
# added to it.
LEAD = 504
AFTER = 8  # frames played after a piece, so that its last frame has a successor


class Span(NamedTuple):
    """One piece with its surroundings, in frames."""

    begin: int  # of the lead
    start: int  # of the piece
    stop: int  # of the piece
    end: int  # of the frames after it


def play_in_pieces(
    model: keras.Model, inputs: dict[str, np.ndarray], piece: int = PIECE
) -> np.ndarray:
    """Play inputs of any length.

    Oscillators restart with every piece. To bring their phase to what it would be without the
    restart, f0 is shifted by up to a quarter of a hertz at the start of the lead, which is cut off
    afterwards.

    Args:
        model: a DDSP autoencoder that takes f0 as an input.
        inputs: audio and noise [frames * 64], f0_hz and loudness_db [frames].
        piece: frames per piece, a multiple of 8.

    Returns:
        [frames * 64] samples.
    """
    frames = len(inputs["f0_hz"])
    cycles = phase_at_frames(inputs["f0_hz"])
    spans = list(_spans(frames, piece, LEAD + _reverb_frames(model)))
    examples = [_cut_example(inputs, cycles, span.begin, span.end) for span in spans]
    sounds = resynthesize(model, examples, 1)
    return np.concatenate(
        [
            sound[(span.start - span.begin) * HOP : (span.stop - span.begin) * HOP]
            for span, sound in zip(spans, sounds)
        ]
    )


def phase_at_frames(f0_hz: np.ndarray) -> np.ndarray:
    """Count the cycles of the fundamental completed at the start of each frame: [frames].

    The count agrees with `pipeline.dsp.harmonic.phase_cycles`.
    """
    f0 = f0_hz.astype(float)
    following = np.append(f0[1:], f0[-1])
    per_frame = (f0 + (following - f0) * (HOP - 1) / (2 * HOP)) * HOP / SAMPLE_RATE
    return np.concatenate([[0.0], np.cumsum(per_frame)[:-1]])


def _reverb_frames(model: keras.Model) -> int:
    """Return the length of the model's reverb in frames, rounded up to a multiple of Z_FRAME."""
    if model.reverb is None:
        return 0
    frames = math.ceil(model.reverb.taps / HOP)
    return math.ceil(frames / Z_FRAME) * Z_FRAME


def _spans(frames: int, piece: int, lead: int) -> Iterator[Span]:
    """Divide `frames` into pieces, each with its lead and the frames after it."""
    for start in range(0, frames, piece):
        stop = min(start + piece, frames)
        yield Span(max(0, start - lead), start, stop, min(stop + AFTER, frames))


def _cut_example(
    inputs: dict[str, np.ndarray], cycles: np.ndarray, begin: int, end: int
) -> dict[str, np.ndarray]:
    """Cut frames from `begin` to `end` out of all inputs, with f0 in phase with `cycles`."""
    example = {}
    for name in INPUTS:
        scale = 1 if len(inputs[name]) == len(cycles) else HOP
        example[name] = inputs[name][begin * scale : end * scale]
    if begin:
        example["f0_hz"] = _shift_into_phase(example["f0_hz"], cycles[begin + LEAD], LEAD)
    return example


def _shift_into_phase(f0_hz: np.ndarray, cycles: float, count: int) -> np.ndarray:
    """Shift the first `count` frames of f0 so that frame `count` starts at the phase of `cycles`.

    [frames] Hz -> [frames] Hz.
    """
    shifted_hz = f0_hz.copy()
    # First shift all of these frames, then the first one alone by the rounding error that remains.
    for shifted in (count, 1):
        missing = cycles - phase_at_frames(shifted_hz)[count]
        # Interpolation spreads a frame halfway into its neighbours.
        frames = shifted - 0.5 + 0.5 / HOP
        shifted_hz[:shifted] += (missing - np.rint(missing)) * SAMPLE_RATE / HOP / frames
    return shifted_hz
