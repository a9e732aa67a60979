"""The training loop: Adam with clipped gradients, resumable at any moment, on one device or
several. Every few seconds it writes a checkpoint of step, weights, optimizer state and log rows to
one file. Batches and their noise are functions of seed and step, and operations are deterministic,
so a run that was killed and resumed ends with the same weights as an uninterrupted one. Weights
that are ruined are never saved.
"""

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from pipeline.common.cli import UserError, progress
from pipeline.common.files import atomic

Batch = dict[str, tf.Tensor]
# magnitude above which a weight is ruined: weights are about 1, input statistics up to some hundred
LARGEST_WEIGHT = 1e6


class Diverged(Exception):
    """A loss is not finite or weights are ruined; the message says which."""


class Task(NamedTuple):
    """The variables to train, the objective and the data."""

    variables: list[keras.Variable]  # the whole state of the model
    trainable: list[keras.Variable]
    losses: Callable[[Batch], tf.Tensor]  # objective of each example: [batch]
    batches: Callable[[int], Iterator[Batch]]  # without end, from a step on
    valid: Callable[[], Iterable[Batch]]  # all batches of validation
    # what each term of the objective contributes to a batch's loss and gradient; {} for one term
    shares: Callable[[Batch], dict[str, float]] = lambda batch: {}


class Pace(NamedTuple):
    """Number of steps, learning rate, and how often to log, validate and write a checkpoint."""

    steps: int
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule
    clip_norm: float  # largest norm of all gradients together
    log_every: int  # steps
    validate_every: int  # steps; takes effect only at steps that are logged
    checkpoint_seconds: float


class Trainer:
    """Trains one task: holds its variables, optimizer, step and log, and saves and restores them
    together.
    """

    def __init__(
        self,
        task: Task,
        pace: Pace,
        strategy: tf.distribute.Strategy,
        label: str = "training",
        remedy: str = "lower train.learning_rate or check the examples",
    ):
        self.task = task
        self.pace = pace
        self.strategy = strategy
        self.label = label
        self.remedy = remedy
        with strategy.scope():
            self.optimizer = keras.optimizers.Adam(pace.learning_rate)
            self.optimizer.build(task.trainable)
        self.step = 0
        self.rows = []
        self.losses = []
        self.seconds = 0.0
        # autograph would read the source of every function called
        self.update = tf.function(self._train_step, autograph=False)
        self._evaluate = tf.function(task.losses, autograph=False, reduce_retracing=True)

    def run(self, checkpoint: Path) -> None:
        """Train to the last step and save it; resume from `checkpoint` if it exists.

        Raises:
            UserError: a loss is not finite, or weights are ruined. The checkpoint then holds the
                last state that was good.
        """
        if checkpoint.exists():
            self.restore(checkpoint)
        started = time.monotonic()
        saved = started
        earlier_seconds = self.seconds
        batches = self.task.batches(self.step)
        for _ in progress(
            range(self.step, self.pace.steps), self.label, self.pace.steps, self.step, "step"
        ):
            try:
                self._advance(next(batches))
                self.seconds = earlier_seconds + time.monotonic() - started
                if (
                    time.monotonic() - saved > self.pace.checkpoint_seconds
                    or self.step == self.pace.steps
                ):
                    self.save(checkpoint)
                    saved = time.monotonic()
            except Diverged as error:
                good = checkpoint if checkpoint.exists() else "none was saved"
                raise UserError(
                    f"{self.label}: {error}; {self.remedy}; last good checkpoint: {good}"
                ) from None

    def _advance(self, batch: Batch) -> None:
        """Make one update, check its loss and log it when due."""
        loss = float(self.update(self._split(batch)))
        self.step += 1
        if not math.isfinite(loss):
            raise Diverged(f"the loss is {loss} at step {self.step} ({_batch_name(batch)})")
        self.losses.append(loss)
        last = self.step == self.pace.steps
        if self.step % self.pace.log_every == 0 or last:
            self._log(batch, validate=self.step % self.pace.validate_every == 0 or last)

    def _log(self, batch: Batch, validate: bool) -> None:
        """Add a row with the mean loss since the previous row and, when validating, the shares of
        the objective's terms in the last batch.
        """
        self.rows.append(
            {
                "step": self.step,
                "loss": float(np.mean(self.losses)),
                "learning_rate": float(self.optimizer.learning_rate),
                "valid_loss": self.valid_loss() if validate else None,
            }
            | (self.task.shares(batch) if validate else {})
        )
        self.losses = []

    def valid_loss(self) -> float:
        """Return the mean objective over all validation examples.

        Raises:
            Diverged: it is not finite for one of them.
        """
        parts = []
        for batch in self.task.valid():
            parts.append(self._evaluate(batch).numpy())
            if not np.isfinite(parts[-1]).all():
                raise Diverged(
                    f"the validation loss is not finite at step {self.step} ({_batch_name(batch)})"
                )
        return float(np.mean(np.concatenate(parts)))

    def _split(self, batch: Batch) -> Batch:
        """Split a batch into equal parts, one per device; drop its strings."""
        count = self.strategy.num_replicas_in_sync
        batch = {name: value for name, value in batch.items() if value.dtype != tf.string}
        if count == 1:
            return batch
        parts = {name: tf.split(value, count) for name, value in batch.items()}

        def part(context: tf.distribute.experimental.ValueContext) -> Batch:
            """Return one device's part."""
            return {name: value[context.replica_id_in_sync_group] for name, value in parts.items()}

        return self.strategy.experimental_distribute_values_from_function(part)

    def _train_step(self, batch: Batch) -> tf.Tensor:
        """Update the weights on all devices; return the mean loss before the update."""
        return self.strategy.reduce(
            "SUM", self.strategy.run(self._replica_step, (batch,)), axis=None
        )

    def _replica_step(self, batch: Batch) -> tf.Tensor:
        """Compute and apply the gradients of one device's part of a batch.

        Gradients are summed over devices before they are clipped, so that the result equals that
        of a single device with the whole batch.
        """
        context = tf.distribute.get_replica_context()
        count = context.num_replicas_in_sync
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(self.task.losses(batch)) / count
        gradients = tape.gradient(loss, [variable.value for variable in self.task.trainable])
        if count > 1:
            gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        clipped, _ = tf.clip_by_global_norm(gradients, self.pace.clip_norm)
        # divided because the optimizer sums over devices once more
        self.optimizer.apply([gradient / count for gradient in clipped], self.task.trainable)
        return loss

    def save(self, path: Path) -> None:
        """Write everything needed to resume, atomically.

        Raises:
            Diverged: a weight is ruined; nothing is written.
        """
        self._check_weights()
        state = {
            "step": self.step,
            "rows": self.rows,
            "losses": self.losses,
            "seconds": self.seconds,
        }
        with atomic(path) as temporary:
            np.savez(
                temporary,
                state=json.dumps(state),
                **{
                    str(number): variable.numpy()
                    for number, variable in enumerate(self._variables())
                },
            )

    def restore(self, path: Path) -> None:
        """Read the state that `save` wrote."""
        with np.load(path) as saved:
            state = json.loads(str(saved["state"]))
            self.step = state["step"]
            self.rows = state["rows"]
            self.losses = state["losses"]
            self.seconds = state["seconds"]
            for number, variable in enumerate(self._variables()):
                variable.assign(saved[str(number)])

    def _check_weights(self) -> None:
        """Raise Diverged unless all weights are finite and below LARGEST_WEIGHT, and the
        optimizer's state is finite.

        The loss of a step is that of the weights before its update, so it does not vouch for them.
        """
        count = len(self.task.variables)
        for number, variable in enumerate(self._variables()):
            largest = np.abs(variable.numpy()).max(initial=0)
            if not np.isfinite(largest) or (number < count and largest > LARGEST_WEIGHT):
                raise Diverged(
                    f"weights are ruined at step {self.step} ({variable.path} reaches {largest:g})"
                )

    def _variables(self) -> list[keras.Variable]:
        """Return the variables of the model and of the optimizer."""
        return [*self.task.variables, *self.optimizer.variables]


def _batch_name(batch: Batch) -> str:
    """Name the examples of a batch for an error message."""
    if "example_id" not in batch:
        return "synthetic tones"
    return "examples " + b", ".join(batch["example_id"].numpy()).decode()
