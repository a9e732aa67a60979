"""Resynthesis of examples with a trained model."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from pipeline.model import Autoencoder


def resynthesize(model: Autoencoder, examples: list[dict], noise_seed: int) -> Iterator[np.ndarray]:
    """The model's audio for each example, [samples], one at a time so that no figure depends on a batch size."""
    run = tf.function(model)
    for number, example in enumerate(examples):
        batch = {name: example[name][None] for name in ("audio", "f0_hz", "loudness_db")}
        yield run(batch, noise_seed=tf.constant([noise_seed, number])).audio[0].numpy()
