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

MFCC_HOP = 512  # samples; gives 125 z frames in 4 s
MFCC_COEFFICIENTS = 30
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


class ZEncoder(keras.layers.Layer):
    """Encode z from the MFCCs of audio: [batch, samples] -> [batch, samples / 64, dims].

    If the length is not a multiple of 512 samples, the last MFCC frame covers the remainder. Each
    coefficient is standardized with statistics of the training split (`adapt`) before the paper's
    normalization layer with learned scale and shift: otherwise the energy coefficient would drown
    out the others.
    """

    def __init__(self, gru_units: int, dims: int):
        super().__init__(name="z_encoder", autocast=False)
        self.normalization = keras.layers.LayerNormalization(epsilon=1e-6)
        self.gru = Gru(gru_units)
        self.to_z = keras.layers.Dense(dims)

    def build(self, input_shape):
        """Create the statistics of the MFCCs and the weights of the sublayers."""
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
        """Encode z at the control rate from standardized and normalized MFCCs."""
        standardized = (self._mfcc(audio) - self.mfcc_mean) / self.mfcc_std
        z = self.to_z(self.gru(self.normalization(standardized)))
        return upsample_linear(z, MFCC_HOP // HOP)[:, : tf.shape(audio)[1] // HOP]

    def adapt(self, batches: Iterable[tf.Tensor]) -> None:
        """Fit the MFCC statistics to audio of the training split, [batch, samples] each."""
        count = 0
        total = 0.0
        squares = 0.0
        for audio in batches:
            coefficients = (
                self._mfcc(audio).numpy().reshape(-1, MFCC_COEFFICIENTS).astype(np.float64)
            )
            count += len(coefficients)
            total = total + coefficients.sum(0)
            squares = squares + np.square(coefficients).sum(0)
        mean = total / count
        self.mfcc_mean.assign(mean)
        self.mfcc_std.assign(np.sqrt(squares / count - mean**2 + 1e-6))

    @staticmethod
    def _mfcc(audio: tf.Tensor) -> tf.Tensor:
        return mfcc(audio, MFCC_COEFFICIENTS, hop=MFCC_HOP)


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


def mfcc(
    audio: tf.Tensor, coefficients: int = 30, mel_bins: int = 128, size: int = 1024, hop: int = 512
) -> tf.Tensor:
    """Compute mel-frequency cepstral coefficients of 20 to 8000 Hz.

    The defaults are the paper's values (appendix B.1); the hop is the one that the authors' code
    uses for NSynth (125 frames in 4 s).

    Args:
        audio: [batch, samples]
        coefficients: how many to keep, from the lowest.
        mel_bins: bands of the mel spectrum.
        size: samples per Hann-windowed frame.
        hop: samples between the centres of frames.

    Returns:
        [batch, ceil(samples / hop), coefficients]
    """
    window = tf.signal.hann_window(size)
    magnitude = tf.abs(tf.signal.rfft(centered_frames(audio, size, hop) * window))
    mel = tf.signal.linear_to_mel_weight_matrix(mel_bins, size // 2 + 1, SAMPLE_RATE, 20.0, 8000.0)
    log_mel = tf.math.log(tf.matmul(magnitude, mel) + 1e-5)
    return tf.signal.mfccs_from_log_mel_spectrograms(log_mel)[..., :coefficients]
