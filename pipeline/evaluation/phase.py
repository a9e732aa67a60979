"""Rows of the study of phase invariance, from what its stage wrote: one per example and version."""

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.audio.clips import load_audio
from pipeline.evaluation.metrics import spectral_loss
from pipeline.studies.conditions import PLAN

PHASE_VERSIONS = ("first", "other_phases", "other_noise")


def phase_rows(folder: Path) -> dict[str, pd.DataFrame]:
    """A row per version and test example: how far it is from the first one, and from the
    original.
    """
    found = []
    for version in PHASE_VERSIONS:
        for example in pd.read_csv(folder / PLAN).itertuples(index=False):
            original, first, other = (
                load_audio(folder / name, example.example_id)
                for name in ("original", "first", version)
            )
            energy = float(np.square(first).sum())
            found.append(
                example._asdict()
                | {
                    "version": version,
                    "waveform_distance": float(np.sqrt(np.square(first - other).sum() / energy))
                    if energy
                    else np.nan,
                    "spectral_loss": spectral_loss(first, other),
                    "spectral_loss_to_original": spectral_loss(original, other),
                }
            )
    return {"phase": pd.DataFrame(found)}
