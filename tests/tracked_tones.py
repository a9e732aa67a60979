"""Tones as an ideal tracker hears them, and study folders that hold them."""

import numpy as np
import pandas as pd

from pipeline.audio.clips import Clip, store_audio, write_tracks
from pipeline.studies.conditions import CLIPS, PLAN, Condition, read_conditions, write_conditions

FRAMES, STEP_MS = 256, 128
SAMPLES, COARSE = 64 * FRAMES, 8


def tone(hz, decibels=-20.0):
    """Return a sine: [samples]."""
    return (10 ** (decibels / 20) * np.sin(2 * np.pi * hz * np.arange(SAMPLES) / 16000)).astype(
        np.float32
    )


def tracked_tone(hz, decibels, confidence=1.0, audio=None):
    """Return a tone, or another sound, with the f0 and loudness of a perfectly tracked tone."""
    return Clip(
        tone(hz) if audio is None else audio,
        np.full(FRAMES, decibels),
        np.full(COARSE, float(hz)),
        np.full(COARSE, confidence),
    )


def condition(hz, decibels):
    """Return a constant conditioning, pitched throughout."""
    return Condition(np.full(FRAMES, float(hz)), np.full(FRAMES, decibels), np.ones(COARSE, bool))


def save_tracked(folder, clips, conditions, plan):
    """Write a study's folder as the stages of control and extrapolation do."""
    (folder / CLIPS).mkdir()
    for name, clip in clips.items():
        store_audio(folder / CLIPS, name, clip.audio)
    write_tracks(folder / CLIPS, clips, STEP_MS)
    write_conditions(folder, conditions)
    plan.to_csv(folder / PLAN, index=False)
    assert read_conditions(folder).keys() == conditions.keys()


def write_control(folder):
    """Write a pair whose f0 and loudness follow their conditioning in three equal steps each."""
    values = {"f0": [200, 300, 400], "loudness": [-40, -30, -20]}
    clips = {}
    conditions = {}
    plan = []
    for varied, steps in values.items():
        for step, value in enumerate(steps):
            hz, decibels = (value, -40.0) if varied == "f0" else (200, float(value))
            name = f"{varied}{step}"
            clips[name] = tracked_tone(hz, decibels)
            conditions[name] = condition(hz, decibels)
            plan.append(
                {"example_id": "a to b", "group": "g", "varied": varied, "step": step, "clip": name}
            )
    save_tracked(folder, clips, conditions, pd.DataFrame(plan))


def write_extrapolation(folder):
    """Write an example at -1 and 0 octaves that follows its conditioning."""
    shifts = {f"a@0-{octaves:+d}": octaves for octaves in (-1, 0)}
    clips = {name: tracked_tone(440 * 2.0**octaves, -30.0) for name, octaves in shifts.items()}
    conditions = {name: condition(440 * 2.0**octaves, -30.0) for name, octaves in shifts.items()}
    rows = [("a@0", "g", octaves, name) for name, octaves in shifts.items()]
    plan = pd.DataFrame(rows, columns=["example_id", "group", "octaves", "clip"])
    save_tracked(folder, clips, conditions, plan)
