"""An f0 encoder of our own: a residual network on single frames of the log-mel spectrogram. The
authors' encoder is `models.f0_resnet`; the two have nothing in common but their purpose. This one
sees one spectral frame at a time, relative to its strongest band, and predicts the probability of
each of a range of log-spaced frequencies; f0 is the weighted mean of those near the most likely
one: with two candidates an octave apart, a mean over all bins would lie between them, where there
is no pitch.
"""

import keras
import tensorflow as tf
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt

from pipeline.common.params import Params
from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.dsp.interpolation import upsample_linear
from pipeline.dsp.spectra import centered_frames
from pipeline.models.determinism import unshared_gradient
from pipeline.models.networks import BuiltByCall

BINS_PER_SEMITONE = 2
NEARBY = 3  # bins on each side of the most likely one that enter the weighted mean
ENCODER_HOP = 256  # samples: 16 ms
FRAME = 2048  # samples: the harmonics of 65 Hz lie 8 FFT bins apart
MEL_BINS = 192
FLOOR = 1e-4  # -80 dB relative to the frame's strongest band; hides anything quieter


class FramesConfig(Params):
    """Range of f0, and size of the residual network: each stage halves the frequency axis and
    doubles the channels.
    """

    lowest_midi: NonNegativeFloat  # MIDI pitch of the lowest bin
    semitones: PositiveInt  # range of the bins, two per semitone
    channels: PositiveInt
    stages: PositiveInt
    blocks: NonNegativeInt  # residual blocks per stage


def midi_range(config: FramesConfig) -> tuple[float, float]:
    """Return the MIDI pitches of the lowest and the highest bin."""
    return config.lowest_midi, config.lowest_midi + (bin_count(config) - 1) / BINS_PER_SEMITONE


def bin_count(config: FramesConfig) -> int:
    """Return the number of frequency bins."""
    return config.semitones * BINS_PER_SEMITONE


class FramesF0Encoder(BuiltByCall, keras.layers.Layer):
    """Estimate f0 from audio: [batch, samples] at 16 kHz -> Hz [batch, samples / 64] at 250 Hz.

    The length of the audio must be a multiple of 64 samples. Frames are centred on every 256th
    sample, starting at 0, with zeros beyond both ends. If the length is not a multiple of 256, the
    last frame covers the remainder.
    """

    def __init__(self, config: FramesConfig):
        # without autocast, audio stays float32 under a bfloat16 policy
        super().__init__(name="f0_encoder", autocast=False)
        self.config = config
        self.network = residual_network(config)

    def call(self, audio):
        """Return f0 in Hz at the control rate, interpolated linearly in log frequency; this is
        differentiable.
        """
        midi = expected_midi(self.logits(audio), self.config.lowest_midi)
        fine = upsample_linear(midi[..., None], ENCODER_HOP // HOP)[
            :, : tf.shape(audio)[1] // HOP, 0
        ]
        return 440 * 2 ** ((fine - 69) / 12)

    def logits(self, audio: tf.Tensor) -> tf.Tensor:
        """Return unnormalized log probabilities of the bins: [batch, samples] -> [batch, samples /
        256, bins].
        """
        padded = tf.pad(audio, [[0, 0], [0, tf.math.floormod(-tf.shape(audio)[1], ENCODER_HOP)]])
        frames = centered_frames(padded, FRAME, ENCODER_HOP)
        shape = tf.shape(frames)
        logits = self.frame_logits(tf.reshape(frames, [-1, FRAME]))
        return tf.reshape(logits, [shape[0], shape[1], logits.shape[-1]])

    def frame_logits(self, frames: tf.Tensor) -> tf.Tensor:
        """Return the logits of single frames: [frames, 2048] -> [frames, bins] float32."""
        return tf.cast(self.network(relative_log_mel(frames)), tf.float32)


def relative_log_mel(frames: tf.Tensor) -> tf.Tensor:
    """Compute level-independent log-mel spectra: [frames, 2048] -> [frames, 192] with mean 0 and
    variance 1.

    Magnitudes are divided by the frame's strongest band, which makes the floor relative as well.
    Digital silence gives zeros.
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


def expected_midi(logits: tf.Tensor, lowest_midi: float) -> tf.Tensor:
    """Return the MIDI pitch: the probability-weighted mean of the bins around the most likely one,
    [..., bins] -> [...]. The first bin is at `lowest_midi`.
    """
    bins = tf.range(logits.shape[-1], dtype=logits.dtype)
    most_likely = tf.cast(tf.argmax(logits, axis=-1), logits.dtype)[..., None]
    weights = tf.nn.softmax(tf.where(tf.abs(bins - most_likely) <= NEARBY, logits, -1e9))
    return lowest_midi + tf.reduce_sum(weights * bins, axis=-1) / BINS_PER_SEMITONE


def residual_network(config: FramesConfig) -> keras.Model:
    """Build a ResNet over the frequency axis: [frames, 192] -> logits [frames, bins]."""
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
        keras.layers.Dense(bin_count(config))(keras.layers.Flatten()(_activated(hidden))),
        name="residual_network",
    )


def _block(inputs: keras.KerasTensor) -> keras.KerasTensor:
    """Add a residual block: two convolutions with a skip connection."""
    channels = inputs.shape[-1]
    hidden = inputs
    for _ in range(2):
        hidden = keras.layers.Conv1D(channels, 3, padding="same")(_activated(hidden))
    return keras.layers.Add()([Past()(inputs), hidden])


class Past(keras.layers.Layer):
    """The skip connection: an identity whose gradient is not shared
    (`models.determinism.unshared_gradient`).
    """

    def call(self, inputs):
        """Return the inputs, [frames, width, channels]."""
        return unshared_gradient(inputs)


def _activated(inputs: keras.KerasTensor) -> keras.KerasTensor:
    """Apply the layer normalization and ReLU that precede each convolution."""
    return keras.layers.ReLU()(keras.layers.LayerNormalization(epsilon=1e-5)(inputs))
