"""Render clips from modified inputs, track them and store them with their conditioning."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd

from pipeline.audio.clips import Clip
from pipeline.common.files import atomic_folder, write_text
from pipeline.common.units import CONFIDENCE_THRESHOLD
from pipeline.resynthesis.render import resynthesize
from pipeline.resynthesis.tracked_set import ResynthesizeConfig, write_tracked_set
from pipeline.studies.conditions import CLIPS, PLAN, Condition, write_conditions


def pitched_frames(*originals: Clip) -> np.ndarray:
    """Return where CREPE is confident of a pitch in every original: [coarse frames] bool."""
    return np.all([clip.confidence >= CONFIDENCE_THRESHOLD for clip in originals], axis=0)


def write_conditioned_clips(
    out: Path,
    model: keras.Model,
    inputs: dict[str, dict],
    pitched: dict[str, np.ndarray],
    plan: pd.DataFrame,
    tracking: ResynthesizeConfig,
    study: str,
) -> None:
    """Render, track and store one clip for each of a study's inputs.

    Args:
        out: folder to write: clips (a tracked set, see `pipeline.audio.clips`), conditions.npz and
            plan.csv.
        model: plays the inputs.
        inputs: model inputs by clip id.
        pitched: [coarse frames] bool by clip id: frames that count as pitched.
        plan: one line per row of the study; its column `clip` names the clip.
        tracking: batch size and tracker settings.
        study: name of the study, shown on the progress bar.
    """
    conditions = {
        clip: Condition(example["f0_hz"], example["loudness_db"], pitched[clip])
        for clip, example in inputs.items()
    }
    with atomic_folder(out) as folder:
        audio = resynthesize(model, list(inputs.values()), tracking.batch_size)
        label = f"{study}: {model.name}"
        write_tracked_set(folder / CLIPS, tracking, list(inputs), audio, label)
        write_conditions(folder, conditions)
        write_text(folder / PLAN, plan.to_csv(index=False))
