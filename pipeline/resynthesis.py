"""Resynthesis of examples with a trained model."""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

INPUTS = ("audio", "f0_hz", "loudness_db", "noise")


def resynthesize(model: keras.Model, examples: list[dict], batch_size: int) -> Iterator[np.ndarray]:
    """The model's audio for each example, [samples]; `batch_size` of them at once. Where examples hold a z, it is not encoded."""
    inputs = [name for name in (*INPUTS, "z") if name in examples[0]]
    run = tf.function(lambda batch: model(batch)["audio"], autograph=False, reduce_retracing=True)
    for start in range(0, len(examples), batch_size):
        part = examples[start : start + batch_size]
        yield from run({name: np.stack([example[name] for example in part]) for name in inputs}).numpy()
