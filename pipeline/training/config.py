"""The `train` section of params.yaml, and what it must agree with."""

from typing import Literal

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from pipeline.common.cli import UserError
from pipeline.common.params import Params
from pipeline.models.recipe import Recipe


class TrainConfig(Params):
    """The `train` section of params.yaml, with an experiment's overrides merged in."""

    steps: PositiveInt
    batch_size: PositiveInt
    crop_seconds: PositiveFloat
    warmup_seconds: NonNegativeFloat  # start of each crop that the loss ignores
    learning_rate: PositiveFloat
    decay_rate: PositiveFloat  # the learning rate is multiplied by this ...
    decay_steps: PositiveInt  # ... every so many steps, continuously
    clip_norm: PositiveFloat  # largest norm of all gradients together
    pretrain_steps: NonNegativeInt  # steps of the f0 encoder on synthetic tones
    freeze_f0_encoder: bool  # after pretraining
    precision: Literal["float32", "mixed_bfloat16"]
    devices: PositiveInt
    intra_op_threads: NonNegativeInt  # threads per operation; 0: one per core
    log_every: PositiveInt
    validate_every: PositiveInt
    checkpoint_seconds: NonNegativeFloat


def check_combination(recipe: Recipe, config: TrainConfig, example_seconds: float) -> None:
    """Raise a UserError for settings that are valid one by one but contradict each other."""
    crop = config.crop_seconds
    warmup = config.warmup_seconds
    if crop > example_seconds:
        raise UserError(
            f"train.crop_seconds: {crop} is longer than examples.seconds ({example_seconds}); "
            "shorten it"
        )
    if warmup >= crop:
        raise UserError(
            f"train.warmup_seconds: {warmup} leaves nothing of train.crop_seconds ({crop}); "
            "shorten it"
        )
    if config.batch_size % config.devices:
        raise UserError(
            f"train.devices: {config.devices} devices cannot share a batch of {config.batch_size} "
            "evenly; change train.batch_size"
        )
    for key in ("pretrain_steps", "freeze_f0_encoder"):
        if getattr(config, key) and (recipe.baseline or recipe.model.f0 != "frames"):
            raise UserError(
                f"train.{key}: model.f0 is '{recipe.model.f0}', and only the f0 encoder 'frames' "
                "can be pretrained; set model.f0 to 'frames' or remove this setting"
            )
