"""Resynthesis of examples with a trained model."""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

INPUTS = ("audio", "f0_hz", "loudness_db", "noise")


def input_batches(
    examples: list[dict], batch_size: int
) -> Iterator[tuple[list[dict], dict[str, np.ndarray]]]:
    """Stack examples into batches of model inputs.

    Args:
        examples: audio and noise [samples], f0_hz and loudness_db [frames]; optionally
            z [frames, dims], which the model then uses instead of encoding the audio.
        batch_size: examples per batch; the last batch may be smaller.

    Yields:
        The examples of a batch, and {input: [batch, ...]}.
    """
    inputs = [name for name in (*INPUTS, "z") if name in examples[0]]
    for start in range(0, len(examples), batch_size):
        members = examples[start : start + batch_size]
        yield members, {name: np.stack([example[name] for example in members]) for name in inputs}


def resynthesize(model: keras.Model, examples: list[dict], batch_size: int) -> Iterator[np.ndarray]:
    """Yield the model's audio, [samples], for each example, `batch_size` examples at a time.

    An example that holds z keeps it; otherwise the model encodes its own.
    """
    run = tf.function(lambda batch: model(batch)["audio"], autograph=False, reduce_retracing=True)
    for _, batch in input_batches(examples, batch_size):
        yield from run(batch).numpy()
