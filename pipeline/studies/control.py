"""Independent control: interpolate one of loudness, f0 and z between two notes and keep the
others constant.
"""

import itertools
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pandas as pd
from pydantic import Field, PositiveInt

from pipeline.audio.clips import Clip
from pipeline.common.cli import UserError
from pipeline.resynthesis.tracked_set import ResynthesizeConfig
from pipeline.studies.conditioned_clips import pitched_frames, write_conditioned_clips
from pipeline.studies.held_out import HeldOut, StudyConfig


class ControlConfig(StudyConfig):
    """The `control` section of params.yaml."""

    pairs: PositiveInt
    steps: int = Field(ge=2)  # including both ends
    seed: int  # for drawing the pairs


class Step(NamedTuple):
    """One step from the first note of a pair towards the second."""

    pair: int
    varied: str  # loudness, f0 or z
    step: int  # 0 is the first note

    def clip(self) -> str:
        """Return the clip's id; step 0 is the same clip for every varied feature."""
        if self.step == 0:
            return f"{self.pair:03d}-first"
        return f"{self.pair:03d}-{self.varied}-{self.step}"


def make_control(
    model: keras.Model,
    config: ControlConfig,
    tracking: ResynthesizeConfig,
    split: HeldOut,
    originals: dict[str, Clip],
    out: Path,
) -> None:
    """Render and track every step between the notes of every pair.

    Args:
        model: must take f0 as an input.
        config: pairs and steps.
        tracking: batch size and tracker settings.
        split: the test examples.
        originals: their tracked sounds; a frame counts as pitched if CREPE is confident of both
            notes.
        out: folder to write: clips, conditions.npz and plan.csv.

    Raises:
        UserError: if the model encodes f0 itself, or the test split has no pairs.
    """
    pairs = choose_pairs(split.recordings.instrument.to_dict(), config.pairs, config.seed)
    notes = [with_z(model, [split.examples[name] for name in pair]) for pair in pairs]
    steps = plan_steps(len(pairs), controllable_features(model), config.steps)
    inputs = {}
    pitched = {}
    for step in steps:
        share = step.step / (config.steps - 1)
        inputs[step.clip()] = interpolate(*notes[step.pair], step.varied, share)
        pitched[step.clip()] = pitched_frames(*(originals[name] for name in pairs[step.pair]))
    plan = plan_table(steps, pairs, split)
    write_conditioned_clips(out, model, inputs, pitched, plan, tracking, "control")


def choose_pairs(instruments: dict[str, str], pairs: int, seed: int) -> list[tuple[str, str]]:
    """Draw pairs of examples of different instruments, if there are several instruments.

    Args:
        instruments: the instrument of each example, by example id.
        pairs: how many pairs to draw; fewer if there are fewer examples.
        seed: of the draw.

    Returns:
        Pairs of example ids. Each example comes first in at most one pair.

    Raises:
        UserError: if there is only one example.
    """
    order = [str(name) for name in np.random.default_rng(seed).permutation(sorted(instruments))]
    if len(order) < 2:
        raise UserError(
            "control: a test split of one example has no pairs; make the data set larger"
        )
    chosen = []
    for number, first in enumerate(order[:pairs]):
        others = order[number + 1 :] + order[:number]
        different = [name for name in others if instruments[name] != instruments[first]]
        chosen.append((first, (different or others)[0]))
    return chosen


def plan_steps(pairs: int, varied: tuple[str, ...], steps: int) -> list[Step]:
    """List every step of every pair and varied feature."""
    return [Step(*step) for step in itertools.product(range(pairs), varied, range(steps))]


def plan_table(steps: list[Step], pairs: list[tuple[str, str]], split: HeldOut) -> pd.DataFrame:
    """Return a row per step: example_id (the pair), group (the first note's), varied, step
    and clip.
    """
    rows = []
    for step in steps:
        first, second = pairs[step.pair]
        group = split.recordings.group[first]
        rows.append((f"{first} to {second}", group, step.varied, step.step, step.clip()))
    return pd.DataFrame(rows, columns=["example_id", "group", "varied", "step", "clip"])


def interpolate(first: dict, second: dict, varied: str, share: float) -> dict:
    """Return `first` with one feature moved by `share` of the way towards `second`'s.

    f0 moves in equal musical intervals, loudness linearly in decibels, z linearly.
    """
    if varied == "f0":
        key = "f0_hz"
        values = first[key] ** (1 - share) * second[key] ** share
    else:
        key = {"loudness": "loudness_db", "z": "z"}[varied]
        values = (1 - share) * first[key] + share * second[key]
    return first | {key: values.astype(np.float32)}


def controllable_features(model: keras.Model) -> tuple[str, ...]:
    """Return which of loudness, f0 and z the model takes.

    Raises:
        UserError: if the model encodes f0 itself.
    """
    if model.f0_encoder is not None:
        raise UserError(
            "control: a model that encodes f0 itself cannot be given one; remove it from "
            "control.experiments"
        )
    takes = {
        "loudness": model.conditioning.use_loudness,
        "f0": True,
        "z": model.conditioning.z_encoder is not None,
    }
    return tuple(feature for feature, taken in takes.items() if taken)


def with_z(model: keras.Model, examples: list[dict]) -> list[dict]:
    """Add the encoded z, [frames, dims], to each example if the model has a z encoder."""
    if model.conditioning.z_encoder is None:
        return examples
    return [
        example | {"z": model.conditioning.z_encoder(example["audio"][None])[0].numpy()}
        for example in examples
    ]
