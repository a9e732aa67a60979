"""Extrapolation: f0 shifted by octaves, beyond the range a model was trained on."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd

from pipeline.audio.clips import Clip
from pipeline.common.cli import UserError
from pipeline.resynthesis.tracked_set import ResynthesizeConfig
from pipeline.studies.conditioned_clips import pitched_frames, write_conditioned_clips
from pipeline.studies.held_out import HeldOut, StudyConfig


class ExtrapolationConfig(StudyConfig):
    """The `extrapolation` section of params.yaml."""

    octaves: list[int]


def make_extrapolation(
    model: keras.Model,
    config: ExtrapolationConfig,
    tracking: ResynthesizeConfig,
    split: HeldOut,
    originals: dict[str, Clip],
    out: Path,
) -> None:
    """Render and track every test example at every octave shift.

    Args:
        model: must take f0 as an input.
        config: the shifts.
        tracking: batch size and tracker settings.
        split: the test examples.
        originals: their tracked sounds; CREPE's confidence on them says which frames are pitched.
        out: folder to write: clips, conditions.npz and plan.csv.

    Raises:
        UserError: if the model encodes f0 itself.
    """
    if model.f0_encoder is not None:
        raise UserError(
            "extrapolation: a model that encodes f0 itself cannot be given one; remove it from "
            "extrapolation.experiments"
        )
    plan = plan_shifts(split, config.octaves)
    inputs = {}
    pitched = {}
    for row in plan.itertuples(index=False):
        inputs[row.clip] = shift_f0(split.examples[row.example_id], row.octaves)
        pitched[row.clip] = pitched_frames(originals[row.example_id])
    write_conditioned_clips(out, model, inputs, pitched, plan, tracking, "extrapolation")


def plan_shifts(split: HeldOut, octaves: list[int]) -> pd.DataFrame:
    """List a clip for every shift and test example: example_id, group, octaves, clip."""
    rows = [
        (name, split.recordings.group[name], shift, f"{name}-{shift:+d}")
        for shift in octaves
        for name in split.examples
    ]
    return pd.DataFrame(rows, columns=["example_id", "group", "octaves", "clip"])


def shift_f0(example: dict, octaves: int) -> dict:
    """Return the example with its f0 shifted by whole octaves."""
    return example | {"f0_hz": example["f0_hz"] * np.float32(2.0**octaves)}
