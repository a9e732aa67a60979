"""A model playing curves of any length, piece by piece: memory stays bounded, and no seam is
heard.
"""

from collections.abc import Iterator

import keras
import numpy as np

from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.resynthesis.render import INPUTS, resynthesize

PIECE = 7504  # frames, 30 s; pieces begin on multiples of 8, as the frames of the z encoder do
# frames before a piece in which the recurrent network finds its state, and the reverb's length on
# top
LEAD = 504
AFTER = 8  # frames after it, so that its last one has a successor


def play(model: keras.Model, inputs: dict[str, np.ndarray], piece: int = PIECE) -> np.ndarray:
    """What the model makes of audio and noise [frames * 64], f0_hz and loudness_db [frames]:
    [frames * 64].

    Oscillators start anew with each piece. So that their phase is the one they would have come to,
    f0 is moved by up to a quarter of a hertz at the beginning of the lead, which is then cut off.
    """
    lead = LEAD + (-(-model.reverb.taps // HOP) + 7) // 8 * 8 if model.reverb is not None else LEAD
    frames, cycles = len(inputs["f0_hz"]), phase_at_frames(inputs["f0_hz"])
    spans = list(_spans(frames, piece, lead))
    examples = [_example(inputs, cycles, begin, end) for begin, _, _, end in spans]
    sounds = resynthesize(model, examples, 1)
    return np.concatenate(
        [
            sound[(start - begin) * HOP : (stop - begin) * HOP]
            for (begin, start, stop, _), sound in zip(spans, sounds)
        ]
    )


def phase_at_frames(f0_hz: np.ndarray) -> np.ndarray:
    """Cycles of the fundamental that have gone by when each frame begins: [frames], as in
    `pipeline.harmonic.phase_cycles`.
    """
    f0 = f0_hz.astype(float)
    following = np.append(f0[1:], f0[-1])
    per_frame = (f0 + (following - f0) * (HOP - 1) / (2 * HOP)) * HOP / SAMPLE_RATE
    return np.concatenate([[0.0], np.cumsum(per_frame)[:-1]])


def _spans(frames: int, piece: int, lead: int) -> Iterator[tuple[int, int, int, int]]:
    """Where each piece's lead, the piece, and what follows it begin, and where that ends."""
    for start in range(0, frames, piece):
        stop = min(start + piece, frames)
        yield max(0, start - lead), start, stop, min(stop + AFTER, frames)


def _example(
    inputs: dict[str, np.ndarray], cycles: np.ndarray, begin: int, end: int
) -> dict[str, np.ndarray]:
    example = {
        name: inputs[name][begin:end]
        if len(inputs[name]) == len(cycles)
        else inputs[name][begin * HOP : end * HOP]
        for name in INPUTS
    }
    return (
        example | {"f0_hz": in_phase(example["f0_hz"], cycles[begin + LEAD], LEAD)}
        if begin
        else example
    )


def in_phase(f0_hz: np.ndarray, cycles: float, count: int) -> np.ndarray:
    """f0 with its first `count` frames moved so that from there on the phase is as after
    `cycles`: [frames] -> [frames].
    """
    moved = f0_hz.copy()
    for part in (count, 1):  # first all of them; then the first alone by what rounding has left
        missing = cycles - phase_at_frames(moved)[count]
        # a frame reaches halfway into its neighbours
        moved[:part] += (missing - np.rint(missing)) * SAMPLE_RATE / HOP / (part - 0.5 + 0.5 / HOP)
    return moved
