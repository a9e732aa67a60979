"""Extrapolation (paper, section 5.4): f0 moved by octaves, beyond what a model was trained on."""

from pathlib import Path

import keras
import pandas as pd

from pipeline.clips import Clip
from pipeline.command import UserError
from pipeline.files import write_text
from pipeline.resynthesis import resynthesize
from pipeline.studies.conditions import Condition, write_conditions
from pipeline.studies.config import StudyConfig
from pipeline.tracking import ResynthesizeConfig, write_tracked_set
from pipeline.units import CONFIDENCE_THRESHOLD


class ExtrapolationConfig(StudyConfig):
    """The `extrapolation` section of params.yaml."""

    octaves: list[float]


def make_extrapolation(model: keras.Model, config: ExtrapolationConfig, tracking: ResynthesizeConfig, test: dict[str, dict],
                       originals: dict[str, Clip], groups: dict[str, str], out: Path) -> None:  # fmt: skip
    """Render and track every test example at every shift into `out`: a tracked set (`pipeline.clips`), conditions.npz and plan.csv.

    Args:
        test: the test examples by id.
        originals: their tracks, which say where there is a pitch.
        groups: the examples' clusters.
    """
    if model.f0_encoder is not None:
        raise UserError("extrapolation: a model that encodes its f0 itself cannot be told one; remove it from extrapolation.experiments")
    plan = [(name, groups[name], octaves, f"{name}-{octaves:+g}") for octaves in config.octaves for name in sorted(test)]
    played = {clip: test[name] | {"f0_hz": test[name]["f0_hz"] * 2**octaves} for name, _, octaves, clip in plan}
    audio = resynthesize(model, list(played.values()), tracking.batch_size)
    write_tracked_set(out, tracking, list(played), audio, f"extrapolation: {model.name}")
    pitched = {clip: originals[name].confidence >= CONFIDENCE_THRESHOLD for name, _, _, clip in plan}
    write_conditions(out, {clip: Condition(example["f0_hz"], example["loudness_db"], pitched[clip]) for clip, example in played.items()})
    write_text(out / "plan.csv", pd.DataFrame(plan, columns=["example_id", "group", "octaves", "clip"]).to_csv(index=False))
