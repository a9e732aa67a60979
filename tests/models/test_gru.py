"""Our GRU against Keras's: the same weights give the same results and gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.models.gru import Gru


@pytest.mark.parametrize("frames", [1, 7])
def test_equals_keras(frames):
    keras.utils.set_random_seed(1)
    inputs = tf.Variable(tf.random.normal([3, frames, 5]))
    theirs = keras.layers.GRU(6, return_sequences=True)
    ours = Gru(6)
    theirs(inputs)
    ours(inputs)
    weights = [
        np.random.default_rng(number).normal(size=w.shape)
        for number, w in enumerate(theirs.weights)
    ]
    theirs.set_weights(weights)
    ours.set_weights(weights)
    results = []
    for layer in (theirs, ours):
        with tf.GradientTape() as tape:
            output = layer(inputs)
            value = tf.reduce_sum(output * tf.range(6.0))
        results.append(
            [output, *tape.gradient(value, [inputs, *(w.value for w in layer.trainable_weights)])]
        )
    for expected, found in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4)
