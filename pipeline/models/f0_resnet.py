"""The authors' unsupervised f0 encoder: a 2-D ResNet on the log-mel spectrogram (paper, section 4.1
and appendix B; `ResnetF0Encoder`, `resnet` and models/ae_abs.gin of their code of the time, 0.0.6).

It sees several frames at once and predicts a distribution over bins that divide the whole MIDI
range, 0 to 127, by a normalized softplus; f0 is the mean over all bins.
"""

import keras
import tensorflow as tf
from pydantic import PositiveInt

from pipeline.common.params import Params
from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.dsp.interpolation import upsample_linear
from pipeline.dsp.spectra import stft
from pipeline.models.f0_frames import Past
from pipeline.models.networks import BuiltByCall

FRAME = 2048  # samples
ENCODER_HOP = 512  # samples: 32 ms
MEL_BINS = 229
MIDI_RANGE = 127.0
BOTTLENECK = 4  # a block's output has so many times the channels of its inner convolutions
LEAST = 1e-3  # added to the softplus, as the authors do


class ResnetConfig(Params):
    """Size of the ResNet; the authors' "small" one has 64, 32 and [2, 3, 4, 3]."""

    stem_channels: PositiveInt  # of the 7x7 convolution
    channels: PositiveInt  # of the first stack's inner convolutions; each stack doubles them
    blocks: tuple[PositiveInt, ...]  # residual blocks of each stack
    bins: PositiveInt  # over MIDI 0 to 127


class ResnetF0Encoder(BuiltByCall, keras.layers.Layer):
    """Estimate f0 from audio: [batch, samples] at 16 kHz -> Hz [batch, samples / 64] at 250 Hz.

    The length of the audio must be a multiple of 64 samples. Frames of 2048 samples begin at every
    512th sample, with zeros beyond the end.
    """

    def __init__(self, config: ResnetConfig):
        # without autocast, audio stays float32 under a bfloat16 policy
        super().__init__(name="f0_encoder", autocast=False)
        self.network = resnet(config)
        self.to_bins = keras.layers.Dense(config.bins, name="bins")

    def call(self, audio):
        """Return f0 in Hz at the control rate, interpolated linearly in log frequency."""
        midi = mean_midi(self.logits(audio))
        fine = upsample_linear(midi[..., None], ENCODER_HOP // HOP)
        return 440 * 2 ** ((fine[:, : tf.shape(audio)[1] // HOP, 0] - 69) / 12)

    def logits(self, audio: tf.Tensor) -> tf.Tensor:
        """Return the outputs before the softplus: [batch, samples] -> [batch, ceil(samples / 512),
        bins] float32.
        """
        hidden = self.network(log_mel(audio)[..., None])
        shape = tf.shape(hidden)
        flat = tf.reshape(hidden, [shape[0], shape[1], hidden.shape[2] * hidden.shape[3]])
        return tf.cast(self.to_bins(flat), tf.float32)


def log_mel(audio: tf.Tensor) -> tf.Tensor:
    """Compute the log-mel spectrogram: [batch, samples] -> [batch, ceil(samples / 512), 229]."""
    magnitude = tf.abs(stft(audio, FRAME, ENCODER_HOP))
    mel = tf.signal.linear_to_mel_weight_matrix(
        MEL_BINS, FRAME // 2 + 1, SAMPLE_RATE, 0.0, SAMPLE_RATE / 2
    )
    return tf.math.log(tf.matmul(magnitude, mel) + 1e-5)


def mean_midi(logits: tf.Tensor) -> tf.Tensor:
    """Return the MIDI pitch: the mean over all bins, weighted by the normalized softplus, [...,
    bins] -> [...]. Bin i is at 127 i / bins.
    """
    weights = tf.math.softplus(logits) + LEAST
    weights /= tf.reduce_sum(weights, axis=-1, keepdims=True)
    bins = tf.range(logits.shape[-1], dtype=logits.dtype) / logits.shape[-1]
    return MIDI_RANGE * tf.reduce_sum(weights * bins, axis=-1)


def resnet(config: ResnetConfig) -> keras.Model:
    """Build the ResNet: [batch, frames, 229, 1] -> [batch, frames, bands, channels].

    Time keeps its resolution, frequency is halved four times and once more by each stack but the
    first. An activation stands before the last stack and at the end.
    """
    inputs = keras.Input([None, MEL_BINS, 1])
    hidden = keras.layers.Conv2D(config.stem_channels, 7, strides=(1, 2), padding="same")(inputs)
    hidden = keras.layers.MaxPooling2D((1, 3), strides=(1, 2), padding="same")(hidden)
    last = len(config.blocks) - 1
    for stack, blocks in enumerate(config.blocks):
        if stack and stack == last:
            hidden = _activated(hidden)
        channels = config.channels * 2**stack
        hidden = _first_block(hidden, channels, stride=2 if stack else 1)
        for _ in range(blocks - 1):
            hidden = _block(hidden, channels)
    return keras.Model(inputs, _activated(hidden), name="resnet")


def _first_block(inputs: keras.KerasTensor, channels: int, stride: int) -> keras.KerasTensor:
    """Add a stack's first block, whose shortcut is a convolution of the activated input."""
    active = _activated(inputs)
    shortcut = keras.layers.Conv2D(BOTTLENECK * channels, 1, strides=(1, stride), padding="same")(
        Past()(active)
    )
    return keras.layers.Add()([shortcut, _bottleneck(active, channels, stride)])


def _block(inputs: keras.KerasTensor, channels: int) -> keras.KerasTensor:
    """Add a further block of a stack, whose shortcut is its input."""
    return keras.layers.Add()([Past()(inputs), _bottleneck(_activated(inputs), channels, 1)])


def _bottleneck(active: keras.KerasTensor, channels: int, stride: int) -> keras.KerasTensor:
    """Add convolutions of width 1, 3 and 1; the second one strides over frequency."""
    hidden = keras.layers.Conv2D(channels, 1, padding="same")(active)
    hidden = keras.layers.Conv2D(channels, 3, strides=(1, stride), padding="same")(
        _activated(hidden)
    )
    return keras.layers.Conv2D(BOTTLENECK * channels, 1, padding="same")(_activated(hidden))


def _activated(inputs: keras.KerasTensor) -> keras.KerasTensor:
    """Normalize each example over time, frequency and channels, scale and shift each channel, and
    apply a ReLU.
    """
    normalized = keras.layers.GroupNormalization(groups=1, epsilon=1e-5)(inputs)
    return keras.layers.ReLU()(normalized)
