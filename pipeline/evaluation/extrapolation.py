"""Rows of the study of extrapolation, one per clip."""

from pathlib import Path

import pandas as pd

from pipeline.audio.clips import read_clips, read_step_ms
from pipeline.evaluation.following import follow
from pipeline.studies.conditions import CLIPS, PLAN, read_conditions


def rows(folder: Path) -> dict[str, pd.DataFrame]:
    """Score a study's folder: {"extrapolation": a row per test example and shift}."""
    conditions = read_conditions(folder)
    clips = read_clips(folder / CLIPS)
    step_ms = read_step_ms(folder / CLIPS)
    scored = [
        clip._asdict() | follow(conditions[clip.clip], clips[clip.clip], step_ms)
        for clip in pd.read_csv(folder / PLAN).itertuples(index=False)
    ]
    return {"extrapolation": pd.DataFrame(scored)}
