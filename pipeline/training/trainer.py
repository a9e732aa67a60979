"""The training loop: Adam with clipped gradients, resumable at any moment, on one device or
several. Every few seconds a checkpoint is written: step, weights, optimizer and log rows in one
file. Batches and their noise are functions of seed and step, operations are deterministic: a run
that was killed ends in the same weights as one that was not.
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


class Task(NamedTuple):
    """What is trained on what."""

    variables: list[keras.Variable]  # all that make up the state
    trainable: list[keras.Variable]
    losses: Callable[[Batch], tf.Tensor]  # the objective of each example of a batch: [batch]
    batches: Callable[[int], Iterator[Batch]]  # endless, from a step on
    valid: Callable[[], Iterable[Batch]]  # what validation goes through


class Pace(NamedTuple):
    """How long, how fast, and how often what is not training is done."""

    steps: int
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule
    clip_norm: float  # of all gradients together
    log_every: int
    validate_every: int
    checkpoint_seconds: float


class Trainer:
    """One task's training: variables, optimizer, step and log, which `save` and `restore` keep
    together.
    """

    def __init__(
        self, task: Task, pace: Pace, strategy: tf.distribute.Strategy, label: str = "training"
    ):
        self.task, self.pace, self.strategy, self.label = task, pace, strategy, label
        with strategy.scope():
            self.optimizer = keras.optimizers.Adam(pace.learning_rate)
            self.optimizer.build(task.trainable)
        self.step, self.rows, self.losses, self.seconds = 0, [], [], 0.0
        # autograph would read the source of all that is called
        self.update = tf.function(self._train_step, autograph=False)
        self._evaluate = tf.function(task.losses, autograph=False, reduce_retracing=True)

    def run(self, checkpoint: Path) -> None:
        """Train to the last step, from `checkpoint` if it exists; it is there at the end."""
        if checkpoint.exists():
            self.restore(checkpoint)
        started = saved = time.monotonic()
        before, batches = self.seconds, self.task.batches(self.step)
        for _ in progress(
            range(self.step, self.pace.steps), self.label, self.pace.steps, self.step, "step"
        ):
            self._advance(next(batches), checkpoint)
            self.seconds = before + time.monotonic() - started
            if (
                time.monotonic() - saved > self.pace.checkpoint_seconds
                or self.step == self.pace.steps
            ):
                self.save(checkpoint)
                saved = time.monotonic()

    def _advance(self, batch: Batch, checkpoint: Path) -> None:
        loss = float(self.update(self._split(batch)))
        self.step += 1
        if not math.isfinite(loss):
            raise UserError(
                f"{self.label}: the loss is {loss} at step {self.step} (examples "
                f"{_names(batch)}); lower train.learning_rate or check these examples; the last "
                f"good checkpoint is {_found(checkpoint)}"
            )
        self.losses.append(loss)
        last = self.step == self.pace.steps
        if self.step % self.pace.log_every == 0 or last:
            validate = self.step % self.pace.validate_every == 0 or last
            self.rows.append(
                {
                    "step": self.step,
                    "loss": float(np.mean(self.losses)),
                    "learning_rate": float(self.optimizer.learning_rate),
                    "valid_loss": self.valid_loss() if validate else None,
                }
            )
            self.losses = []

    def valid_loss(self) -> float:
        """The objective's mean over all of validation."""
        return float(
            np.mean(np.concatenate([self._evaluate(batch) for batch in self.task.valid()]))
        )

    def _split(self, batch: Batch) -> Batch:
        """The batch in equal parts, one for every device."""
        count = self.strategy.num_replicas_in_sync
        batch = {name: value for name, value in batch.items() if value.dtype != tf.string}
        if count == 1:
            return batch
        parts = {name: tf.split(value, count) for name, value in batch.items()}

        def part(context: tf.distribute.experimental.ValueContext) -> Batch:
            """One device's."""
            return {name: value[context.replica_id_in_sync_group] for name, value in parts.items()}

        return self.strategy.experimental_distribute_values_from_function(part)

    def _train_step(self, batch: Batch) -> tf.Tensor:
        """One update on all devices; returns the whole batch's mean loss before it."""
        return self.strategy.reduce(
            "SUM", self.strategy.run(self._replica_step, (batch,)), axis=None
        )

    def _replica_step(self, batch: Batch) -> tf.Tensor:
        """One device's part. Gradients are summed over devices, then clipped: as one device
        would that has the whole batch.
        """
        context = tf.distribute.get_replica_context()
        count = context.num_replicas_in_sync
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(self.task.losses(batch)) / count
        gradients = tape.gradient(loss, [variable.value for variable in self.task.trainable])
        if count > 1:
            gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        clipped, _ = tf.clip_by_global_norm(gradients, self.pace.clip_norm)
        # the optimizer sums once more
        self.optimizer.apply([gradient / count for gradient in clipped], self.task.trainable)
        return loss

    def save(self, path: Path) -> None:
        """Write everything needed to continue, whole or not at all."""
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
                **{str(n): v.numpy() for n, v in enumerate(self._variables())},
            )

    def restore(self, path: Path) -> None:
        """Continue from what `save` wrote."""
        with np.load(path) as saved:
            state = json.loads(str(saved["state"]))
            self.step, self.rows, self.losses, self.seconds = (
                state["step"],
                state["rows"],
                state["losses"],
                state["seconds"],
            )
            for number, variable in enumerate(self._variables()):
                variable.assign(saved[str(number)])

    def _variables(self) -> list[keras.Variable]:
        return [*self.task.variables, *self.optimizer.variables]


def _names(batch: Batch) -> str:
    return (
        b", ".join(batch["example_id"].numpy()).decode()
        if "example_id" in batch
        else "of the pretraining"
    )


def _found(checkpoint: Path) -> str:
    return str(checkpoint) if checkpoint.exists() else "none: no step was saved yet"
