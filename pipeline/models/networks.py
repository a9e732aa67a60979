"""The decoder and what the networks share (paper, section 4.1 and appendix B.2 and B.3)."""

import math

import keras
import tensorflow as tf

from pipeline.models.gru import Gru

LOWEST_MIDI = 24.0  # range of the soft one-hot f0
HIGHEST_MIDI = 96.0


class BuiltByCall:
    """A mixin for composite layers whose sublayers create their weights when first called.

    Without a `build`, Keras would trace the call of every level twice.
    """

    def build(self, input_shape):
        """Create no weights: the sublayers do."""


def exp_sigmoid(x: tf.Tensor) -> tf.Tensor:
    """Apply the nonlinearity of the synthesizer controls: y = 2 sigmoid(x)^(ln 10) + 1e-7 (paper,
    appendix B.5).

    The power is computed as an exponential, which is cheaper: log sigmoid(x) = -softplus(-x).
    """
    return 2 * tf.exp(-math.log(10) * tf.math.softplus(-x)) + 1e-7


def f0_features(f0_hz: tf.Tensor, bins: int) -> tf.Tensor:
    """Scale f0 for a network: [batch, frames] in Hz -> [batch, frames, 1 + bins].

    The first feature is MIDI / 127, so that equal intervals are equal steps (0 for 0 Hz). With
    `bins`, a soft one-hot vector over the notes that instruments play follows, for networks that
    must distinguish pitches sharply.
    """
    midi = tf.clip_by_value(
        69 + 12 * tf.math.log(tf.maximum(f0_hz, 1e-3) / 440) / math.log(2), 0, 127
    )[..., None]
    if not bins:
        return midi / 127
    centres = tf.linspace(LOWEST_MIDI, HIGHEST_MIDI, bins)
    near = tf.nn.relu(1 - tf.abs(midi - centres) * (bins - 1) / (HIGHEST_MIDI - LOWEST_MIDI))
    return tf.concat([midi / 127, near], -1)


def mlp(units: int, layers: int, name: str) -> keras.Layer:
    """Build an MLP: dense layers with layer normalization and ReLU; 0 layers are the identity."""
    if not layers:
        return keras.layers.Identity(name=name)
    blocks = [
        [
            keras.layers.Dense(units),
            keras.layers.LayerNormalization(epsilon=1e-6),
            keras.layers.ReLU(),
        ]
        for _ in range(layers)
    ]
    return keras.Sequential([layer for block in blocks for layer in block], name=name)


class Decoder(BuiltByCall, keras.layers.Layer):
    """One MLP per input, a GRU and an MLP (paper, figure 5): a list of [batch, frames, channels] ->
    [batch, frames, units].

    The first `skipped` inputs are f0 and loudness: skip connections carry the outputs of their
    MLPs around the GRU. With `gru_units` 0 there is no GRU, and each frame is decoded separately.
    """

    def __init__(self, inputs: int, skipped: int, gru_units: int, mlp_units: int, mlp_layers: int):
        super().__init__(name="decoder")
        self.skipped = skipped
        self.input_mlps = [
            mlp(mlp_units, mlp_layers, f"input_mlp_{number}") for number in range(inputs)
        ]
        self.gru = Gru(gru_units) if gru_units else None
        self.output_mlp = mlp(mlp_units, mlp_layers, "output_mlp")

    def call(self, inputs):
        """Decode a list of inputs [batch, frames, channels] to features [batch, frames, units]."""
        hidden = [layer(x) for layer, x in zip(self.input_mlps, inputs, strict=True)]
        if self.gru is not None:
            hidden = [self.gru(tf.concat(hidden, -1)), *hidden[: self.skipped]]
        return self.output_mlp(tf.concat(hidden, -1))
