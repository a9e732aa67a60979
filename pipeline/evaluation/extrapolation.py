"""Rows of the study of extrapolation, from what its stage wrote: one per clip."""

from pathlib import Path

import pandas as pd

from pipeline.audio.clips import read_clips, read_step_ms
from pipeline.evaluation.following import follow
from pipeline.studies.conditions import CLIPS, PLAN, read_conditions


def extrapolation_rows(folder: Path) -> dict[str, pd.DataFrame]:
    """A row per test example and shift."""
    conditions, clips, step_ms = (
        read_conditions(folder),
        read_clips(folder / CLIPS),
        read_step_ms(folder / CLIPS),
    )
    found = [
        row._asdict() | follow(conditions[row.clip], clips[row.clip], step_ms)
        for row in pd.read_csv(folder / PLAN).itertuples(index=False)
    ]
    return {"extrapolation": pd.DataFrame(found)}
