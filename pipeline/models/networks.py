"""Encoder and decoder networks (paper, section 4.1 and appendix B.1 to B.3)."""

import math
from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf

from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.dsp.interpolation import upsample_linear
from pipeline.dsp.spectra import centered_frames
from pipeline.models.gru import Gru

MFCC_HOP = 512  # samples; 125 z frames in 4 s
MFCC_COEFFICIENTS = 30
LOWEST_MIDI, HIGHEST_MIDI = 24.0, 96.0  # of the soft one-hot f0


class BuiltByCall:
    """For layers made of layers, each of which makes its own weights; Keras would trace every
    level's call twice to find out.
    """

    def build(self, input_shape):
        """Nothing of its own."""


def exp_sigmoid(x: tf.Tensor) -> tf.Tensor:
    """The nonlinearity of every synthesizer control: y = 2 sigmoid(x)^(ln 10) + 1e-7 (paper,
    appendix B.5).

    The power is written as an exponential, which costs less: log sigmoid(x) = -softplus(-x).
    """
    return 2 * tf.exp(-math.log(10) * tf.math.softplus(-x)) + 1e-7


def f0_features(f0_hz: tf.Tensor, bins: int) -> tf.Tensor:
    """f0 as network inputs: [batch, frames] Hz -> [batch, frames, 1 + bins].

    MIDI / 127, so that equal intervals are equal steps (0 for 0 Hz); with `bins`, also a soft
    one-hot vector over the notes that instruments play, for networks that must tell pitches apart
    sharply.
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
    """`layers` times dense, layer normalization, ReLU; without layers what comes in goes out."""
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


class ZEncoder(keras.layers.Layer):
    """z from MFCCs: [batch, samples] audio -> [batch, samples / 64, dims].

    MFCCs are standardized per coefficient with the training split's statistics (`adapt`) before the
    paper's normalization layer with learned scale and shift: without it the energy coefficient
    drowns the others.
    """

    def __init__(self, gru_units: int, dims: int):
        super().__init__(name="z_encoder", autocast=False)
        self.normalization = keras.layers.LayerNormalization(epsilon=1e-6)
        self.gru = Gru(gru_units)
        self.to_z = keras.layers.Dense(dims)

    def build(self, input_shape):
        """Statistics of the MFCCs, and the weights of the layers."""
        frames = (None, None, MFCC_COEFFICIENTS)
        self.mfcc_mean = self.add_weight(
            shape=(MFCC_COEFFICIENTS,), initializer="zeros", trainable=False, name="mfcc_mean"
        )
        self.mfcc_std = self.add_weight(
            shape=(MFCC_COEFFICIENTS,), initializer="ones", trainable=False, name="mfcc_std"
        )
        self.normalization.build(frames)
        self.gru.build(frames)
        self.to_z.build((None, None, self.gru.units))

    def call(self, audio):
        """MFCCs, standardized and normalized, through the GRU to z at the control rate."""
        standardized = (self._mfcc(audio) - self.mfcc_mean) / self.mfcc_std
        z = self.to_z(self.gru(self.normalization(standardized)))
        return upsample_linear(z, MFCC_HOP // HOP)

    def adapt(self, batches: Iterable[tf.Tensor]) -> None:
        """Take the MFCC statistics from the training split's audio, batches of [batch, samples]."""
        count, total, squares = 0, 0.0, 0.0
        for audio in batches:
            coefficients = (
                self._mfcc(audio).numpy().reshape(-1, MFCC_COEFFICIENTS).astype(np.float64)
            )
            count += len(coefficients)
            total, squares = total + coefficients.sum(0), squares + np.square(coefficients).sum(0)
        mean = total / count
        self.mfcc_mean.assign(mean)
        self.mfcc_std.assign(np.sqrt(squares / count - mean**2 + 1e-6))

    @staticmethod
    def _mfcc(audio: tf.Tensor) -> tf.Tensor:
        return mfcc(audio, MFCC_COEFFICIENTS, hop=MFCC_HOP)


class Decoder(BuiltByCall, keras.layers.Layer):
    """One MLP per input, GRU, MLP (paper, figure 5): a list of [batch, frames, channels] -> [batch,
    frames, units].

    The first `past` inputs are f0 and loudness; their MLPs' outputs also go past the GRU. With
    `gru_units` 0 all go past it, and each frame is decoded on its own.
    """

    def __init__(self, inputs: int, past: int, gru_units: int, mlp_units: int, mlp_layers: int):
        super().__init__(name="decoder")
        self.past = past
        self.input_mlps = [
            mlp(mlp_units, mlp_layers, f"input_mlp_{number}") for number in range(inputs)
        ]
        self.gru = Gru(gru_units) if gru_units else None
        self.output_mlp = mlp(mlp_units, mlp_layers, "output_mlp")

    def call(self, inputs):
        """Each input through its MLP, all through the GRU, f0 and loudness past it."""
        hidden = [layer(x) for layer, x in zip(self.input_mlps, inputs, strict=True)]
        if self.gru is not None:
            hidden = [self.gru(tf.concat(hidden, -1)), *hidden[: self.past]]
        return self.output_mlp(tf.concat(hidden, -1))


def mfcc(
    audio: tf.Tensor, coefficients: int = 30, mel_bins: int = 128, size: int = 1024, hop: int = 512
) -> tf.Tensor:
    """Mel-frequency cepstral coefficients of 20 to 8000 Hz: [batch, samples] -> [batch, samples /
    hop, coefficients].

    The paper's figures (appendix B.1); the hop is the authors' code's for NSynth (125 frames in 4
    s).
    """
    window = tf.signal.hann_window(size)
    magnitude = tf.abs(tf.signal.rfft(centered_frames(audio, size, hop) * window))
    mel = tf.signal.linear_to_mel_weight_matrix(mel_bins, size // 2 + 1, SAMPLE_RATE, 20.0, 8000.0)
    log_mel = tf.math.log(tf.matmul(magnitude, mel) + 1e-5)
    return tf.signal.mfccs_from_log_mel_spectrograms(log_mel)[..., :coefficients]
