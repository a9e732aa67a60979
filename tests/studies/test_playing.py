"""Playing in pieces: no seams, and the same phase as without pieces."""

import numpy as np
import pytest
import tensorflow as tf

from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.dsp.harmonic import phase_cycles
from pipeline.resynthesis.render import resynthesize
from pipeline.studies.playing import phase_at_frames, play_in_pieces
from transfer_sounds import curves, model_of


def test_phase_at_frames_is_the_synthesizers(random):
    f0 = curves(random, 700)["f0_hz"]
    within = (f0 / SAMPLE_RATE).astype(float)  # the phase after a frame's first sample
    cycles = phase_cycles(tf.constant(f0[None]))[0, :, 0].numpy() - within
    difference = (cycles - phase_at_frames(f0) + 0.5) % 1 - 0.5
    assert np.abs(difference).max() < 1e-4


@pytest.mark.parametrize("changes", [{"reverb_seconds": 0.1}, {"use_z": True, "noise_bands": 0}])
def test_pieces_join_without_a_seam(random, small_model_values, changes):
    """A model without recurrence in its decoder sounds the same in pieces; the recurrent z encoder
    settles during the lead.
    """
    model = model_of(small_model_values, random, **{"gru_units": 0, "use_z": False} | changes)
    inputs = curves(random, 2504)
    (whole,) = resynthesize(model, [inputs], 1)
    pieces = play_in_pieces(model, inputs, piece=800)
    assert pieces.shape == whole.shape == (2504 * HOP,)
    assert np.abs(pieces - whole).max() < 1e-3 * np.abs(whole).max()
    unaligned = []
    for start in range(0, 2504, 800):
        piece = {}
        for name, values in inputs.items():
            per_frame = len(values) // 2504
            piece[name] = values[start * per_frame : (start + 800) * per_frame]
        unaligned += resynthesize(model, [piece], 1)
    assert np.abs(np.concatenate(unaligned) - whole).max() > 0.1 * np.abs(whole).max()
