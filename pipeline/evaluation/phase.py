"""Rows of the study of phase invariance, one per example and version."""

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.audio.clips import load_audio
from pipeline.evaluation.metrics import spectral_loss
from pipeline.studies.conditions import PLAN

VERSIONS = ("first", "other_phases", "other_noise")


def rows(folder: Path) -> dict[str, pd.DataFrame]:
    """Score a study's folder: {"phase": a row per version and test example}.

    A row holds the version's distances to the first version and to the original.
    """
    scored = []
    for version in VERSIONS:
        for example in pd.read_csv(folder / PLAN).itertuples(index=False):
            original, first, other = (
                load_audio(folder / name, example.example_id)
                for name in ("original", "first", version)
            )
            scores = {
                "version": version,
                "waveform_distance": waveform_distance(first, other),
                "spectral_loss": spectral_loss(first, other),
                "spectral_loss_to_original": spectral_loss(original, other),
            }
            scored.append(example._asdict() | scores)
    return {"phase": pd.DataFrame(scored)}


def waveform_distance(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Return the norm of the difference over the norm of the reference; NaN if that is silent."""
    energy = float(np.square(reference).sum())
    if not energy:
        return np.nan
    return float(np.sqrt(np.square(reference - estimate).sum() / energy))
