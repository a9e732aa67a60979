"""Pretraining of the f0 encoder on synthetic tones: no recording and no label of a data set
takes part.
"""

from collections.abc import Iterator

import keras
import tensorflow as tf

from pipeline.models.f0_encoder import F0Encoder
from pipeline.training.tones import pitch_losses, tone_batch
from pipeline.training.trainer import Batch, Pace, Task, Trainer

BATCH = 256  # tones of one frame each
VALID_STEP = 2**40  # a step that no training reaches: its tones are for validation
LEARNING_RATE = 2e-3
CLIP_NORM = 3.0
LOG_EVERY = 50


def pretraining(
    encoder: F0Encoder,
    steps: int,
    seed: int,
    strategy: tf.distribute.Strategy,
    checkpoint_seconds: float,
) -> Trainer:
    """The training of an encoder on tones of random known f0, with a learning rate that falls
    along a cosine.
    """
    tones = tf.function(
        lambda step: dict(zip(("audio", "midi"), tone_batch(seed, step, BATCH))), autograph=False
    )

    def batches(step: int) -> Iterator[Batch]:
        """Tones of each step from `step` on."""
        while True:
            yield tones(tf.constant(step, tf.int64))
            step += 1

    def losses(batch: Batch) -> tf.Tensor:
        """Cross-entropy to the tones' true pitch."""
        return pitch_losses(encoder, batch["audio"], batch["midi"])

    task = Task(
        encoder.variables,
        encoder.trainable_variables,
        losses,
        batches,
        lambda: [tones(tf.constant(VALID_STEP, tf.int64))],
    )
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    return Trainer(
        task,
        Pace(steps, schedule, CLIP_NORM, LOG_EVERY, steps, checkpoint_seconds),
        strategy,
        "pretraining",
    )
