"""Train one experiment with one seed (paper, section 4.2 and appendix B.4): build the model,
pretrain it, train it on random crops, save and export it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from pipeline.common.cli import UserError
from pipeline.common.files import atomic_folder, code_digest, digest, write_json, write_text
from pipeline.common.units import FRAME_RATE, SAMPLE_RATE
from pipeline.examples.dataset import split_batches, training_batches
from pipeline.examples.schema import Statistics, check_shards, read_statistics
from pipeline.models.determinism import fix_order_of_sums
from pipeline.models.objective import LossConfig, Objective, term_shares
from pipeline.models.perceptual import random_pair_distance, read_layers
from pipeline.models.recipe import (
    OBJECTIVES,
    Recipe,
    build_model,
    count_parameters,
    save_model,
)
from pipeline.training.config import TrainConfig, check_combination
from pipeline.training.devices import device_strategy
from pipeline.training.export import export_model
from pipeline.training.pretraining import pretraining
from pipeline.training.trainer import Batch, Pace, Task, Trainer

CODE = (  # what decides the weights, besides examples and settings
    "common/units.py",
    "crepe",
    "dsp",
    "examples",
    "models",
    "training",
)
VALID_BATCH = 25  # whole notes
VALID_SEED = 2**19  # gives validation noise that no training step uses


class TrainingRun:
    """A model and its examples: everything that a `Trainer` needs.

    Args:
        recipe: the network.
        loss: the objective.
        config: the `train` section.
        examples: folder of the examples.
        example_seconds: length of an example.
        seed: determines initial weights, order of the examples, crops and noise.
    """

    def __init__(
        self,
        recipe: Recipe,
        loss: LossConfig,
        config: TrainConfig,
        examples: Path,
        example_seconds: float,
        seed: int,
    ):
        check_shards(examples, "train", "valid")
        self.recipe = recipe
        self.loss = Objective(loss)
        self.config = config
        self.examples = examples
        self.seed = seed
        self.example_frames = round(example_seconds * FRAME_RATE)
        self.statistics: Statistics = read_statistics(examples)
        keras.utils.set_random_seed(seed)
        self.model = build_model(recipe, self.statistics)
        self.parameters = count_parameters(self.model)

    def prepare(self, strategy: tf.distribute.Strategy, checkpoint: Path) -> float:
        """Fit input statistics and the unit of the perceptual loss, and pretrain the f0 encoder;
        return the seconds that pretraining took.

        Pretraining resumes from `checkpoint` if it exists.
        """
        self.model.conditioning.adapt(
            split_batches(self.examples, "train", self.example_frames, VALID_BATCH)
        )
        if self.loss.config.perceptual_weight:
            self.loss = self._with_perceptual_scale()
        seconds = 0.0
        encoder = getattr(self.model, "f0_encoder", None)
        if self.config.pretrain_steps:
            trainer = pretraining(
                encoder,
                self.config.pretrain_steps,
                self.seed,
                strategy,
                self.config.checkpoint_seconds,
            )
            trainer.run(checkpoint)
            seconds = trainer.seconds
        if self.config.freeze_f0_encoder:
            encoder.trainable = False
        return seconds

    def _with_perceptual_scale(self) -> Objective:
        """Measure the unit of the perceptual loss in the training split."""
        read_layers()
        whole = split_batches(self.examples, "train", self.example_frames, VALID_BATCH)
        frames = self.loss.config.perceptual_frames
        try:
            scale = random_pair_distance((batch["audio"] for batch in whole), frames)
        except ValueError as error:
            raise UserError(f"{self.examples}: {error}; set loss.perceptual_weight to 0") from None
        return self.loss._replace(perceptual_scale=scale)

    def task(self) -> Task:
        """Define the training of the model on random crops and its validation on whole examples."""
        skip = round(self.config.warmup_seconds * SAMPLE_RATE)

        def losses(batch: Batch) -> tf.Tensor:
            """Return the objective. The warm-up is meant for training crops; validation ignores the
            same few samples of a whole example.
            """
            return self.model.losses(batch, self.loss, skip)

        def shares(batch: Batch) -> dict[str, float]:
            """Return what each term contributes; nothing for an objective of one term."""
            if self.recipe.baseline in OBJECTIVES:
                return {}
            audio = self.model(batch)["audio"]
            return term_shares(self.loss, batch["audio"][:, skip:], audio[:, skip:])

        return Task(
            self.model.variables,
            self.model.trainable_variables,
            losses,
            self._crops,
            self._valid,
            shares,
        )

    def _crops(self, step: int) -> Iterator[Batch]:
        """Yield batches of random training crops without end, from a step on."""
        crop_frames = round(self.config.crop_seconds * FRAME_RATE)
        return training_batches(
            self.examples,
            self.example_frames,
            crop_frames,
            self.config.batch_size,
            self.seed,
            step,
            self.model.conditioning.whole_example,
        )

    def _valid(self) -> tf.data.Dataset:
        """Return batches of whole validation examples."""
        return split_batches(self.examples, "valid", self.example_frames, VALID_BATCH, VALID_SEED)

    def pace(self) -> Pace:
        """Read the pace of training from the `train` section."""
        config = self.config
        return Pace(
            steps=config.steps,
            learning_rate=keras.optimizers.schedules.ExponentialDecay(
                config.learning_rate, config.decay_steps, config.decay_rate
            ),
            clip_norm=config.clip_norm,
            log_every=config.log_every,
            validate_every=config.validate_every,
            checkpoint_seconds=config.checkpoint_seconds,
        )

    def summary(self, seconds: dict[str, float]) -> dict:
        """Summarize the run for tables and audits: objective, budget, epochs, parameters, settings
        and library versions. `seconds` holds the duration of pretraining and training.
        """
        whole = split_batches(self.examples, "train", self.example_frames, VALID_BATCH)
        total = sum(len(batch["audio"]) for batch in whole) * self.example_frames / FRAME_RATE
        seen = self.config.steps * self.config.batch_size * self.config.crop_seconds
        settings = self.recipe.parts() | {
            "loss": self.loss.config.model_dump(),
            "train": self.config.model_dump(),
        }
        return {
            "objective": self.recipe.objective()
            + (" + CREPE" if self.loss.config.perceptual_weight else ""),
            "perceptual_scale": self.loss.perceptual_scale,
            "epochs": seen / total,
            "seconds": seconds,
            "steps": self.config.steps,
            "parameters": self.parameters,
            "seed": self.seed,
            "settings": settings,
            "versions": {package.__name__: package.__version__ for package in (tf, keras, np)},
        }


def run_key(recipe: Recipe, loss: LossConfig, config: TrainConfig, examples: Path) -> str:
    """Hash settings, examples and code, so that training never resumes from a checkpoint of
    different ones.
    """
    settings = (recipe.parts(), loss.model_dump(), config.model_dump())
    statistics = (examples / "statistics.json").read_bytes()  # has the shards' hashes
    return digest(*settings, statistics, code_digest(*CODE))[:12]


def train(
    recipe: Recipe,
    loss: LossConfig,
    config: TrainConfig,
    examples: Path,
    example_seconds: float,
    seed: int,
    out: Path,
    exported: Path,
    log: Path,
    checkpoint: Path,
) -> None:
    """Train one experiment with one seed; delete its checkpoints at the end.

    Args:
        recipe: the network.
        loss: the objective.
        config: the `train` section.
        examples: folder of the examples.
        example_seconds: length of an example.
        seed: determines initial weights, order of the examples, crops and noise.
        out: folder to write the model to (config and weights).
        exported: folder to write the SavedModel to.
        log: CSV file of the training curve; a JSON file beside it gets the summary.
        checkpoint: file to resume from if it exists.

    Raises:
        UserError: bad settings or examples, a loss that is not finite, or a second process.
    """
    check_combination(recipe, config, example_seconds)
    strategy = _set_up(config)
    pretrained = checkpoint.with_stem(f"{checkpoint.stem}-pretrained")
    with _lock(checkpoint):
        with strategy.scope():
            run = TrainingRun(recipe, loss, config, examples, example_seconds, seed)
        pretraining_seconds = run.prepare(strategy, pretrained)
        trainer = Trainer(run.task(), run.pace(), strategy)
        trainer.run(checkpoint)
        with atomic_folder(out) as folder:
            save_model(run.model, recipe, run.statistics, folder)
        export_model(out, exported)
        _write_log(run, trainer, pretraining_seconds, log)
        for path in (checkpoint, pretrained):
            path.unlink(missing_ok=True)


def _set_up(config: TrainConfig) -> tf.distribute.Strategy:
    """Set the precision and the order of sums; return the strategy for the devices."""
    keras.config.set_dtype_policy(config.precision)
    fix_order_of_sums()
    return device_strategy(config.devices)


@contextmanager
def _lock(checkpoint: Path) -> Iterator[None]:
    """Keep other processes from training into the same checkpoint."""
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(f"{checkpoint}.lock", timeout=0):
            yield
    except filelock.Timeout:
        raise UserError(
            f"{checkpoint}: another process is training this experiment; wait for it or stop it"
        ) from None


def _write_log(run: TrainingRun, trainer: Trainer, pretraining_seconds: float, log: Path) -> None:
    """Write the training curve (CSV) and the summary beside it (JSON)."""
    seconds = {"pretraining": pretraining_seconds, "training": trainer.seconds}
    write_text(log, pd.DataFrame(trainer.rows).to_csv(index=False))
    write_json(log.with_suffix(".json"), run.summary(seconds))
