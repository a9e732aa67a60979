"""Training (paper, section 4.2 and appendix B.4): Adam on the multi-scale spectral loss, resumable at any moment.

Every few seconds a checkpoint is written. Checkpoints hold the step, weights, optimizer and log rows in one file in a scratch
folder named by experiment, seed and a hash of all that determines the run. Batches and noise are functions of seed and step,
operations are deterministic: a run that was killed ends in the same weights as one that was not.
"""

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path

import filelock
import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from pydantic import PositiveFloat, PositiveInt

from pipeline.command import UserError, progress
from pipeline.config import Params
from pipeline.dataset import split_batches, training_batches
from pipeline.examples import read_statistics
from pipeline.files import atomic, atomic_folder, digest, write_text
from pipeline.loss import multi_scale_spectral_loss
from pipeline.model import Autoencoder, ModelConfig, build_model, save_model
from pipeline.units import FRAME_RATE

VALID_BATCH = 25  # whole notes
VALID_SEED = 2**30  # the noise of validation is not the noise of any step


class TrainConfig(Params):
    """The `train` section of params.yaml, an experiment's override merged over it."""

    steps: PositiveInt
    batch_size: PositiveInt
    crop_seconds: PositiveFloat
    learning_rate: PositiveFloat
    decay_rate: PositiveFloat  # the learning rate is multiplied by this ...
    decay_steps: PositiveInt  # ... every so many steps, continuously
    clip_norm: PositiveFloat  # of all gradients together
    log_every: PositiveInt
    validate_every: PositiveInt
    checkpoint_seconds: float


class Trainer:
    """One model's training: weights, optimizer, step and log, which `save` and `restore` keep together."""

    def __init__(self, model_config: ModelConfig, config: TrainConfig, examples: Path, example_seconds: float, seed: int):
        self.config, self.examples, self.seed = config, examples, seed
        self.example_frames = round(example_seconds * FRAME_RATE)
        if config.crop_seconds > example_seconds:
            raise UserError(f"train.crop_seconds: {config.crop_seconds} is longer than examples.seconds ({example_seconds}); shorten it")
        keras.utils.set_random_seed(seed)
        self.model = build_model(model_config, read_statistics(examples))
        schedule = keras.optimizers.schedules.ExponentialDecay(config.learning_rate, config.decay_steps, config.decay_rate)
        self.optimizer = keras.optimizers.Adam(schedule, global_clipnorm=config.clip_norm)
        self.optimizer.build(self.model.trainable_variables)
        self.step, self.rows, self.losses = 0, [], []

    def run(self, checkpoint: Path) -> None:
        """Train to the last step, from `checkpoint` if it exists."""
        if checkpoint.exists():
            self.restore(checkpoint)
        elif self.model.z_encoder is not None:
            whole_split = split_batches(self.examples, "train", self.example_frames, VALID_BATCH)
            self.model.z_encoder.adapt(batch["audio"] for batch in whole_split)
        saved = time.monotonic()
        batches = self._batches(self.step)
        for _ in progress(range(self.step, self.config.steps), "training", self.config.steps, self.step, "step"):
            self._advance(next(batches))
            if time.monotonic() - saved > self.config.checkpoint_seconds:
                self.save(checkpoint)
                saved = time.monotonic()

    def _advance(self, batch: dict[str, tf.Tensor]) -> None:
        loss = float(train_step(self.model, self.optimizer, batch, tf.constant([self.seed, self.step])))
        self.step += 1
        if not math.isfinite(loss):
            ids = b", ".join(batch["example_id"].numpy()).decode()
            raise UserError(f"training: the loss is {loss} at step {self.step} (examples {ids}); lower train.learning_rate or "
                            "check these examples; the last checkpoint is kept")  # fmt: skip
        self.losses.append(loss)
        last = self.step == self.config.steps
        if self.step % self.config.log_every == 0 or last:
            validate = self.step % self.config.validate_every == 0 or last
            self.rows.append({
                "step": self.step, "loss": float(np.mean(self.losses)),
                "learning_rate": float(self.optimizer.learning_rate),
                "valid_loss": self.valid_loss() if validate else None,
            })  # fmt: skip
            self.losses = []

    def valid_loss(self) -> float:
        """Mean multi-scale spectral loss over the whole validation split, full length."""
        losses = []
        for batch in split_batches(self.examples, "valid", self.example_frames, VALID_BATCH):
            losses.append(example_losses(self.model, batch, tf.constant([self.seed, VALID_SEED])))
        return float(np.mean(np.concatenate(losses)))

    def save(self, path: Path) -> None:
        """Write everything needed to continue, whole or not at all."""
        state = {"step": self.step, "rows": self.rows, "losses": self.losses}
        with atomic(path) as temporary:
            np.savez(temporary, state=json.dumps(state), **{str(n): v.numpy() for n, v in enumerate(self._variables())})

    def restore(self, path: Path) -> None:
        """Continue from what `save` wrote."""
        with np.load(path) as saved:
            state = json.loads(str(saved["state"]))
            self.step, self.rows, self.losses = state["step"], state["rows"], state["losses"]
            for number, variable in enumerate(self._variables()):
                variable.assign(saved[str(number)])

    def _variables(self) -> list[keras.Variable]:
        return [*self.model.variables, *self.optimizer.variables]

    def _batches(self, step: int) -> Iterator[dict[str, tf.Tensor]]:
        crop_frames = round(self.config.crop_seconds * FRAME_RATE)
        return training_batches(
            self.examples, self.example_frames, crop_frames, self.config.batch_size, self.seed, step
        )


@tf.function
def train_step(model: Autoencoder, optimizer: keras.optimizers.Optimizer, batch: dict, noise_seed: tf.Tensor) -> tf.Tensor:
    """One update; returns the loss before it."""
    with tf.GradientTape() as tape:
        resynthesis = model(batch, noise_seed=noise_seed)
        loss = tf.reduce_mean(multi_scale_spectral_loss(batch["audio"], resynthesis.audio))
    optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    return loss


@tf.function(reduce_retracing=True)
def example_losses(model: Autoencoder, batch: dict, noise_seed: tf.Tensor) -> tf.Tensor:
    """The loss of each example of a batch, without an update: [batch]."""
    return multi_scale_spectral_loss(batch["audio"], model(batch, noise_seed=noise_seed).audio)


def run_key(model_config: ModelConfig, config: TrainConfig, examples: Path) -> str:
    """A short hash of settings, examples and this project's code: a checkpoint of anything else is not continued."""
    files = [examples / "statistics.json", *sorted(Path(__file__).parent.glob("*.py"))]  # statistics.json has the shards' hashes
    return digest(model_config.model_dump(), config.model_dump(), *(path.read_bytes() for path in files))[:12]


def train(model_config: ModelConfig, config: TrainConfig, examples: Path, example_seconds: float, seed: int,
          out: Path, log: Path, checkpoint: Path) -> None:  # fmt: skip
    """Train one experiment with one seed: exports the model to `out`, writes `log` (CSV), then drops the checkpoint."""
    tf.config.experimental.enable_op_determinism()
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(f"{checkpoint}.lock", timeout=0):
            trainer = Trainer(model_config, config, examples, example_seconds, seed)
            trainer.run(checkpoint)
            with atomic_folder(out) as folder:
                save_model(trainer.model, folder)
            write_text(log, pd.DataFrame(trainer.rows).to_csv(index=False))
            checkpoint.unlink(missing_ok=True)
    except filelock.Timeout:
        raise UserError(f"{checkpoint}: another process is training this experiment; wait for it or stop it") from None
