"""The unsupervised f0 encoder: a residual network on the log-mel spectrogram (paper, section 4.1,
and appendix B). The network sees one spectral frame at a time and says how likely each of 128
log-spaced frequencies is; f0 is a weighted mean of those. The paper averages over all bins. Here
only bins near the most likely one count: with two candidates an octave apart, a mean over all bins
lies between them, where there is no pitch.
"""

import keras
import tensorflow as tf
from pydantic import NonNegativeInt, PositiveInt

from pipeline.common.params import Params
from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.dsp.interpolation import upsample_linear
from pipeline.dsp.spectra import centered_frames
from pipeline.models.determinism import own_gradient
from pipeline.models.networks import BuiltByCall

BINS = 128
LOWEST_MIDI = 36.0  # 65 Hz; bins are half a semitone apart, the highest is MIDI 99.5 (2.5 kHz)
BINS_PER_SEMITONE = 2
NEARBY = 3  # bins on each side of the most likely one that the weighted mean takes in
ENCODER_HOP = 256  # samples: 16 ms
FRAME = 2048  # samples: the harmonics of 65 Hz lie 8 FFT bins apart
MEL_BINS = 192
FLOOR = 1e-4  # -80 dB relative to the frame's strongest band: what is below does not show


class F0EncoderConfig(Params):
    """Size of the residual network. Each stage halves the frequency axis and doubles the
    channels.
    """

    channels: PositiveInt
    stages: PositiveInt
    blocks: NonNegativeInt  # residual blocks of each stage


class F0Encoder(BuiltByCall, keras.layers.Layer):
    """f0 from audio: [batch, samples] at 16 kHz -> f0 [batch, samples / 64] in Hz at 250 Hz.

    Audio is a multiple of 64 samples long. Frames are centred on every 256th sample from 0 on,
    zeros beyond the ends; where the length is no multiple of 256, the last frame counts for what
    remains.
    """

    def __init__(self, config: F0EncoderConfig):
        # audio stays float32 under a bfloat16 policy
        super().__init__(name="f0_encoder", autocast=False)
        self.config = config
        self.network = residual_network(config)

    def call(self, audio):
        """f0 in Hz at the control rate, interpolated linearly in log frequency; differentiable."""
        midi = expected_midi(self.logits(audio))
        fine = upsample_linear(midi[..., None], ENCODER_HOP // HOP)[
            :, : tf.shape(audio)[1] // HOP, 0
        ]
        return 440 * 2 ** ((fine - 69) / 12)

    def logits(self, audio: tf.Tensor) -> tf.Tensor:
        """Unnormalized log probabilities of the bins: [batch, samples] -> [batch, samples / 256,
        128].
        """
        padded = tf.pad(audio, [[0, 0], [0, tf.math.floormod(-tf.shape(audio)[1], ENCODER_HOP)]])
        frames = centered_frames(padded, FRAME, ENCODER_HOP)
        shape = tf.shape(frames)
        logits = self.frame_logits(tf.reshape(frames, [-1, FRAME]))
        return tf.reshape(logits, [shape[0], shape[1], BINS])

    def frame_logits(self, frames: tf.Tensor) -> tf.Tensor:
        """The same for single frames: [frames, 2048] -> [frames, 128] float32."""
        return tf.cast(self.network(relative_log_mel(frames)), tf.float32)


def relative_log_mel(frames: tf.Tensor) -> tf.Tensor:
    """Log-mel spectrum of frames, blind to their level: [frames, 2048] -> [frames, 192] with mean 0
    and variance 1.

    Relative to the frame's strongest band, so that the floor is too; digital silence gives zeros.
    """
    magnitude = tf.abs(tf.signal.rfft(frames * tf.signal.hann_window(FRAME)))
    mel = tf.matmul(
        magnitude,
        tf.signal.linear_to_mel_weight_matrix(MEL_BINS, FRAME // 2 + 1, SAMPLE_RATE, 40.0, 8000.0),
    )
    strongest = tf.maximum(tf.reduce_max(mel, axis=-1, keepdims=True), 1e-9)
    log_mel = tf.math.log(mel / strongest + FLOOR)
    mean, variance = tf.nn.moments(log_mel, axes=[-1], keepdims=True)
    return (log_mel - mean) * tf.math.rsqrt(variance + 1e-3)


def expected_midi(logits: tf.Tensor) -> tf.Tensor:
    """MIDI pitch as the mean of the bins around the most likely one, weighted by probability:
    [..., 128] -> [...].
    """
    bins = tf.range(BINS, dtype=logits.dtype)
    most_likely = tf.cast(tf.argmax(logits, axis=-1), logits.dtype)[..., None]
    weights = tf.nn.softmax(tf.where(tf.abs(bins - most_likely) <= NEARBY, logits, -1e9))
    return LOWEST_MIDI + tf.reduce_sum(weights * bins, axis=-1) / BINS_PER_SEMITONE


def residual_network(config: F0EncoderConfig) -> keras.Model:
    """ResNet over the frequency axis: [frames, 192] -> logits [frames, 128]."""
    inputs = keras.Input([MEL_BINS])
    hidden = keras.layers.Conv1D(config.channels, 7, strides=2, padding="same")(
        keras.layers.Reshape([MEL_BINS, 1])(inputs)
    )
    for stage in range(config.stages):
        if stage:
            hidden = keras.layers.Conv1D(config.channels * 2**stage, 3, strides=2, padding="same")(
                _activated(hidden)
            )
        for _ in range(config.blocks):
            hidden = _block(hidden)
    return keras.Model(
        inputs,
        keras.layers.Dense(BINS)(keras.layers.Flatten()(_activated(hidden))),
        name="residual_network",
    )


def _block(inputs: keras.KerasTensor) -> keras.KerasTensor:
    """Two convolutions past which the input goes unchanged."""
    channels = inputs.shape[-1]
    hidden = inputs
    for _ in range(2):
        hidden = keras.layers.Conv1D(channels, 3, padding="same")(_activated(hidden))
    return keras.layers.Add()([Past()(inputs), hidden])


class Past(keras.layers.Layer):
    """What comes in, with a gradient of its own (`models.determinism.own_gradient`)."""

    def call(self, inputs):
        """[frames, width, channels] -> the same."""
        return own_gradient(inputs)


def _activated(inputs: keras.KerasTensor) -> keras.KerasTensor:
    """Layer normalization and ReLU, which come before each convolution."""
    return keras.layers.ReLU()(keras.layers.LayerNormalization(epsilon=1e-5)(inputs))
