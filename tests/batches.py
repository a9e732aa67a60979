"""Random batches for tests of models."""

import numpy as np
import tensorflow as tf

from pipeline.examples.schema import Statistics

STATISTICS = Statistics(loudness_mean=-40.0, loudness_std=20.0)


def random_batch(
    random: np.random.Generator, frames: int = 64, size: int = 2
) -> dict[str, tf.Tensor]:
    """Return a model's input batch: quiet random audio, noise, and random curves.

    Audio and noise are [size, frames * 64]; f0_hz and loudness_db are [size, frames].
    """
    return {
        "audio": tf.constant(random.normal(size=(size, frames * 64)) * 0.1, tf.float32),
        "noise": tf.constant(random.uniform(-1, 1, (size, frames * 64)), tf.float32),
        "f0_hz": tf.constant(random.uniform(100, 1000, (size, frames)), tf.float32),
        "loudness_db": tf.constant(random.uniform(-80, 0, (size, frames)), tf.float32),
    }
