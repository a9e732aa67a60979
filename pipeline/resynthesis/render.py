"""Resynthesis of examples with a trained model."""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

INPUTS = ("audio", "f0_hz", "loudness_db", "noise")


def input_batches(
    examples: list[dict], batch_size: int
) -> Iterator[tuple[list[dict], dict[str, np.ndarray]]]:
    """Stack examples as models take them.

    Args:
        examples: audio and noise [samples], f0_hz and loudness_db [frames]; z [frames, dims] where
            it is not to be encoded.
        batch_size: of each batch; the last may be smaller.

    Yields:
        The examples of a batch, and {input: [batch, ...]}.
    """
    inputs = [name for name in (*INPUTS, "z") if name in examples[0]]
    for start in range(0, len(examples), batch_size):
        part = examples[start : start + batch_size]
        yield part, {name: np.stack([example[name] for example in part]) for name in inputs}


def resynthesize(model: keras.Model, examples: list[dict], batch_size: int) -> Iterator[np.ndarray]:
    """The model's audio for each example, [samples]; `batch_size` of them at once. Where
    examples hold a z, it is not encoded.
    """
    run = tf.function(lambda batch: model(batch)["audio"], autograph=False, reduce_retracing=True)
    for _, batch in input_batches(examples, batch_size):
        yield from run(batch).numpy()
