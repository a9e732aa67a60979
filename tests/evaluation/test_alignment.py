"""Alignment against known delays and gains."""

import numpy as np
import pytest
from scipy.signal import fftconvolve

from pipeline.evaluation.alignment import (
    advance,
    best_gain,
    common_delay,
    magnitudes,
    onset_envelope,
)
from room_sounds import SAMPLES, notes, room


@pytest.mark.parametrize("late", [-20, -3, 0, 7, 25])
def test_a_delay_is_found_and_taken_away(late, random):
    sound = notes(random)
    moved = advance(sound, -late)
    envelopes = [(onset_envelope(sound), onset_envelope(moved))]
    assert common_delay(envelopes) == late
    np.testing.assert_array_equal(
        advance(moved, late)[64 * 30 : -64 * 30], sound[64 * 30 : -64 * 30]
    )


def test_the_delay_of_a_room_is_that_of_its_direct_sound(random):
    dry = [notes(random, hz) for hz in (220, 330, 495)]
    wet = [fftconvolve(sound, room(0.6, 0.0, random))[:SAMPLES] for sound in dry]
    assert (
        common_delay([(onset_envelope(one), onset_envelope(other)) for one, other in zip(dry, wet)])
        == 0
    )


def test_silence_has_no_delay_and_no_gain():
    silence = np.zeros(SAMPLES, np.float32)
    assert common_delay([(onset_envelope(silence), onset_envelope(silence))]) == 0
    assert best_gain(magnitudes(silence), magnitudes(silence)) == 1
