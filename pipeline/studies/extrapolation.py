"""Extrapolation: f0 moved by octaves, beyond what a model was trained on."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd

from pipeline.audio.clips import Clip
from pipeline.common.cli import UserError
from pipeline.common.files import atomic_folder, write_text
from pipeline.common.units import CONFIDENCE_THRESHOLD
from pipeline.resynthesis.render import resynthesize
from pipeline.resynthesis.tracked_set import ResynthesizeConfig, write_tracked_set
from pipeline.studies.conditions import CLIPS, PLAN, Condition, write_conditions
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
    """Render and track every test example at every shift into `out`: a tracked set
    (`pipeline.clips`), conditions.npz and plan.csv.

    Where there is a pitch, CREPE on the `originals` says.
    """
    if model.f0_encoder is not None:
        raise UserError(
            "extrapolation: a model that encodes its f0 itself cannot be told one; remove it "
            "from extrapolation.experiments"
        )
    plan = [
        (name, split.recordings.group[name], octaves, f"{name}-{octaves:+d}")
        for octaves in config.octaves
        for name in split.examples
    ]
    played = {
        clip: split.examples[name]
        | {"f0_hz": split.examples[name]["f0_hz"] * np.float32(2.0**octaves)}
        for name, _, octaves, clip in plan
    }
    pitched = {
        clip: originals[name].confidence >= CONFIDENCE_THRESHOLD for name, _, _, clip in plan
    }
    with atomic_folder(out) as folder:
        audio = resynthesize(model, list(played.values()), tracking.batch_size)
        write_tracked_set(
            folder / CLIPS, tracking, list(played), audio, f"extrapolation: {model.name}"
        )
        write_conditions(
            folder,
            {
                clip: Condition(example["f0_hz"], example["loudness_db"], pitched[clip])
                for clip, example in played.items()
            },
        )
        write_text(
            folder / PLAN,
            pd.DataFrame(plan, columns=["example_id", "group", "octaves", "clip"]).to_csv(
                index=False
            ),
        )
