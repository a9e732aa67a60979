"""Independent control: between two notes, one of loudness, f0 and z is interpolated while the
others stay.
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
from pipeline.common.files import atomic_folder, write_text
from pipeline.common.units import CONFIDENCE_THRESHOLD
from pipeline.resynthesis.render import resynthesize
from pipeline.resynthesis.tracked_set import ResynthesizeConfig, write_tracked_set
from pipeline.studies.conditions import CLIPS, PLAN, Condition, write_conditions
from pipeline.studies.held_out import HeldOut, StudyConfig


class ControlConfig(StudyConfig):
    """The `control` section of params.yaml."""

    pairs: PositiveInt
    steps: int = Field(ge=2)  # both ends counted
    seed: int  # of the pairs


class Step(NamedTuple):
    """One clip on the way from the first note of a pair to the second."""

    pair: int
    varied: str  # loudness, f0 or z
    step: int  # 0: the first note itself

    def clip(self) -> str:
        """Its name; the first note itself is the same clip whatever is varied."""
        return (
            f"{self.pair:03d}-{self.varied}-{self.step}" if self.step else f"{self.pair:03d}-first"
        )


def choose_pairs(instruments: dict[str, str], pairs: int, seed: int) -> list[tuple[str, str]]:
    """Pairs of example ids, of different instruments where there are several; each is the first of
    one pair at most.

    Args:
        instruments: each example's instrument.
    """
    order = [str(name) for name in np.random.default_rng(seed).permutation(sorted(instruments))]
    if len(order) < 2:
        raise UserError(
            "control: a test split of one example has no pairs; make the data set larger"
        )
    found = []
    for number, first in enumerate(order[:pairs]):
        others = order[number + 1 :] + order[:number]
        found.append(
            (
                first,
                next(
                    (name for name in others if instruments[name] != instruments[first]), others[0]
                ),
            )
        )
    return found


def plan_steps(pairs: int, varied: tuple[str, ...], steps: int) -> list[Step]:
    """Every step of every pair."""
    return [Step(*step) for step in itertools.product(range(pairs), varied, range(steps))]


def interpolate(first: dict, second: dict, varied: str, share: float) -> dict:
    """`first` with one feature moved by `share` of the way towards `second`'s; f0 in equal
    intervals, loudness in decibels, z as it is.
    """
    if varied == "f0":
        moved = {"f0_hz": first["f0_hz"] ** (1 - share) * second["f0_hz"] ** share}
    else:
        key = {"loudness": "loudness_db", "z": "z"}[varied]
        moved = {key: (1 - share) * first[key] + share * second[key]}
    return first | {key: value.astype(np.float32) for key, value in moved.items()}


def features_of(model: keras.Model) -> tuple[str, ...]:
    """What a model can be told: loudness, f0, z."""
    if model.f0_encoder is not None:
        raise UserError(
            "control: a model that encodes its f0 itself cannot be told one; remove it from "
            "control.experiments"
        )
    conditioning = model.conditioning
    return (
        ("loudness",) * conditioning.use_loudness
        + ("f0",)
        + ("z",) * (conditioning.z_encoder is not None)
    )


def with_z(model: keras.Model, examples: list[dict]) -> list[dict]:
    """Examples with their encoded z, [frames, dims], where the model has one."""
    if model.conditioning.z_encoder is None:
        return examples
    return [
        example | {"z": model.conditioning.z_encoder(example["audio"][None])[0].numpy()}
        for example in examples
    ]


def make_control(
    model: keras.Model,
    config: ControlConfig,
    tracking: ResynthesizeConfig,
    split: HeldOut,
    originals: dict[str, Clip],
    out: Path,
) -> None:
    """Render and track all steps into `out`: a tracked set (`pipeline.clips`), conditions.npz and
    plan.csv.

    A frame counts as pitched where it is in both notes, by CREPE on the `originals`.
    """
    pairs = choose_pairs(split.recordings.instrument.to_dict(), config.pairs, config.seed)
    ends = [with_z(model, [split.examples[name] for name in pair]) for pair in pairs]
    pitched = [
        np.all([originals[name].confidence >= CONFIDENCE_THRESHOLD for name in pair], axis=0)
        for pair in pairs
    ]
    plan = plan_steps(len(pairs), features_of(model), config.steps)
    played = {
        step.clip(): (
            step.pair,
            interpolate(*ends[step.pair], step.varied, step.step / (config.steps - 1)),
        )
        for step in plan
    }
    with atomic_folder(out) as folder:
        audio = resynthesize(
            model, [example for _, example in played.values()], tracking.batch_size
        )
        write_tracked_set(folder / CLIPS, tracking, list(played), audio, f"control: {model.name}")
        write_conditions(
            folder,
            {
                name: Condition(example["f0_hz"], example["loudness_db"], pitched[pair])
                for name, (pair, example) in played.items()
            },
        )
        lines = [
            (*_identity(pairs[step.pair], split), step.varied, step.step, step.clip())
            for step in plan
        ]
        write_text(
            folder / PLAN,
            pd.DataFrame(lines, columns=["example_id", "group", "varied", "step", "clip"]).to_csv(
                index=False
            ),
        )


def _identity(pair: tuple[str, str], split: HeldOut) -> tuple[str, str]:
    """A pair's name and its cluster, that of the first note."""
    return f"{pair[0]} to {pair[1]}", split.recordings.group[pair[0]]
