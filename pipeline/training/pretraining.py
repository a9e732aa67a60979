"""Pretraining of the f0 encoder on synthetic tones, without recordings or labels of a data set."""

from collections.abc import Iterator

import keras
import tensorflow as tf

from pipeline.models.f0_frames import FramesF0Encoder
from pipeline.training.tones import pitch_losses, tone_batch
from pipeline.training.trainer import Batch, Pace, Task, Trainer

BATCH = 256  # tones of one frame each
VALID_STEP = 2**40  # a step that no training reaches; its tones serve as validation
LEARNING_RATE = 2e-3
CLIP_NORM = 3.0
LOG_EVERY = 50
REMEDY = "lower train.pretrain_steps or take another seed"  # the learning rate is no parameter


def pretraining(
    encoder: FramesF0Encoder,
    steps: int,
    seed: int,
    strategy: tf.distribute.Strategy,
    checkpoint_seconds: float,
) -> Trainer:
    """Set up the training of an f0 encoder on tones of random known f0.

    Args:
        encoder: the encoder to train.
        steps: updates in total; the learning rate falls to zero over them along a cosine.
        seed: determines the tones.
        strategy: the devices to train on.
        checkpoint_seconds: time between checkpoints.

    Returns:
        A trainer that is ready to run.
    """
    tones = tf.function(
        lambda step: dict(zip(("audio", "midi"), tone_batch(seed, step, BATCH))), autograph=False
    )

    def batches(step: int) -> Iterator[Batch]:
        """Yield the tones of each step, from `step` on."""
        while True:
            yield tones(tf.constant(step, tf.int64))
            step += 1

    def losses(batch: Batch) -> tf.Tensor:
        """Return each tone's cross-entropy to its true pitch."""
        return pitch_losses(encoder, batch["audio"], batch["midi"])

    task = Task(
        encoder.variables,
        encoder.trainable_variables,
        losses,
        batches,
        lambda: [tones(tf.constant(VALID_STEP, tf.int64))],
    )
    return Trainer(task, _pace(steps, checkpoint_seconds), strategy, "pretraining", REMEDY)


def _pace(steps: int, checkpoint_seconds: float) -> Pace:
    return Pace(
        steps=steps,
        learning_rate=keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps),
        clip_norm=CLIP_NORM,
        log_every=LOG_EVERY,
        validate_every=steps,
        checkpoint_seconds=checkpoint_seconds,
    )
