"""Strided convolution (paper, figure 1 and section 1.1): overlapping waveform frames that learned
filters must align in phase. The design follows the decoder of SING (Defossez et al. 2018):
convolutions at a low rate, then a transposed convolution whose wide windowed filters overlap by
half or more, trained with a spectral loss and no adversary. Noise among the inputs lets the network
produce sounds without a definite phase.
"""

from typing import Annotated

import keras
import tensorflow as tf
from pydantic import Field, NonNegativeInt, PositiveInt

from pipeline.common.params import Params
from pipeline.common.units import HOP
from pipeline.dsp.spectra import centered_overlap_add
from pipeline.examples.schema import Statistics
from pipeline.models.conditioning import Conditioning, ConditioningConfig
from pipeline.models.networks import BuiltByCall, exp_sigmoid, mlp
from pipeline.models.objective import Objective

# bias of the gain: a loud start drives the network into silence, from which it does not recover
QUIET = -3.0


class StridedConvConfig(Params):
    """Sizes of the convolutional decoder."""

    stride: PositiveInt  # control frames per waveform frame
    overlap: Annotated[int, Field(ge=2)]  # waveform frames that cover a sample
    kernel: PositiveInt  # control frames from which a waveform frame is predicted
    units: PositiveInt
    layers: NonNegativeInt
    noise_channels: NonNegativeInt  # random numbers per waveform frame


class FrameEncoder(BuiltByCall, keras.layers.Layer):
    """Encode control frames at a lower rate: [batch, frames, channels] -> [batch, ceil(frames /
    stride), units].

    A strided convolution, centred on every `stride`-th control frame, and an MLP.
    """

    def __init__(self, stride: int, kernel: int, units: int, layers: int):
        super().__init__(name="frame_encoder", autocast=False)
        self.stride = stride
        self.kernel = kernel
        self.conv = keras.layers.Conv1D(
            units, kernel, strides=stride, activation="relu", name="strided"
        )
        self.mlp = mlp(units, layers, "mlp")

    def call(self, hidden):
        """Return the features of every `stride`-th control frame and its neighbours."""
        padded = tf.pad(hidden, [[0, 0], [(self.kernel - 1) // 2, self.kernel], [0, 0]])
        return self.mlp(self.conv(padded)[:, : -(-tf.shape(hidden)[1] // self.stride)])


def synthesis_window(hop: int, overlap: int) -> tf.Tensor:
    """Return a Hann window whose copies, shifted by the hop, sum to one: [hop * overlap]."""
    return tf.signal.hann_window(hop * overlap) * 2 / overlap


class StridedConv(BuiltByCall, keras.Model):
    """Resynthesizes by a transposed convolution of the conditioning's features."""

    def __init__(self, config: ConditioningConfig, own: StridedConvConfig, statistics: Statistics):
        super().__init__(name="strided_conv", autocast=False)
        self.own = own
        self.hop = own.stride * HOP
        self.conditioning = Conditioning(config, statistics)
        self.frame_encoder = FrameEncoder(own.stride, own.kernel, own.units, own.layers)
        self.waveform_head = keras.layers.Dense(own.overlap * self.hop, name="waveform")
        self.gain_head = keras.layers.Dense(1, name="gain")

    def call(self, batch):
        """Resynthesize a batch, as every model does: {audio: [batch, samples]}."""
        features = tf.cast(self.frame_encoder(self.conditioning(batch)), tf.float32)
        if self.own.noise_channels:
            features = tf.concat([features, self._noise(batch["noise"])], axis=-1)
        gain = tf.cast(self.gain_head(features), tf.float32)
        waveform = tf.cast(self.waveform_head(features), tf.float32)
        frames = exp_sigmoid(gain + QUIET) * waveform * synthesis_window(self.hop, self.own.overlap)
        return {"audio": centered_overlap_add(frames, self.hop, tf.shape(batch["noise"])[1])}

    def losses(self, batch: dict[str, tf.Tensor], loss: Objective, skip: int) -> tf.Tensor:
        """Return the spectral loss of each example without its first `skip` samples: [batch]."""
        return loss(batch["audio"][:, skip:], self(batch)["audio"][:, skip:])

    def _noise(self, noise: tf.Tensor) -> tf.Tensor:
        """Return the first noise samples of each waveform frame's hop: [batch, waveform frames,
        noise_channels].
        """
        padded = tf.pad(noise, [[0, 0], [0, -tf.shape(noise)[1] % self.hop]])
        return tf.reshape(padded, [tf.shape(noise)[0], -1, self.hop])[
            ..., : self.own.noise_channels
        ]
