"""Rooms of known decay, and struck tones to play in them."""

import numpy as np

from pipeline.studies.room_acoustics import DIRECT

FRAMES = 300
SAMPLES = 64 * FRAMES


def decay(t60, seconds=1.0):
    """Return an exact exponential that loses 60 dB of energy in t60 seconds."""
    return 10 ** (-3 * np.arange(round(seconds * 16000)) / (t60 * 16000))


def ring(t60, seconds=1.0, hz=1000):
    """Return a decaying tone: a response whose energy is nearly all in one octave band."""
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * 16000)) / 16000) * decay(t60, seconds)


def room(t60, ratio_db, random):
    """Return an impulse and decaying noise with this direct-to-reverberant ratio."""
    late = random.normal(size=16000) * decay(t60) * (np.arange(16000) >= DIRECT)
    late *= np.sqrt(10 ** (-ratio_db / 10) / np.square(late).sum())
    late[0] = 1.0
    return late.astype(np.float32)


def notes(random, hz=330.0):
    """Return three noisy struck tones with rests between them."""
    line = np.zeros(SAMPLES, np.float32)
    for start in (20, 110, 200):
        seconds = np.arange(64 * 35) / 16000
        tone = sum(np.sin(2 * np.pi * hz * k * seconds) / k for k in range(1, 12))
        tone = tone + 0.1 * random.normal(size=len(seconds))
        decay_half = np.hanning(2 * len(seconds))[len(seconds) :]
        line[64 * start : 64 * (start + 35)] = 0.1 * tone * decay_half
    return line
