"""The z encoder: MFCCs, a normalization, a GRU and a linear layer (paper, section 4.1 and appendix
B.1). The paper does not say what the MFCCs are normalized over; `NORMALIZATIONS` has the authors'
choice and ours.
"""

from collections.abc import Iterable
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.dsp.interpolation import upsample_linear
from pipeline.dsp.spectra import centered_frames
from pipeline.models.gru import Gru

MFCC_HOP = 512  # samples; gives 125 z frames in 4 s
MFCC_COEFFICIENTS = 30
ZNormalization = Literal["data_set", "instance"]


class DataSetNormalization(keras.layers.Layer):
    """Standardize each coefficient with statistics of the training split, then normalize each frame
    over its coefficients, with a learned scale and shift: [batch, frames, coefficients] -> the same
    shape.

    Without the statistics, the energy coefficient would drown out the others.
    """

    def __init__(self):
        super().__init__(name="normalization", autocast=False)
        self.frame_normalization = keras.layers.LayerNormalization(epsilon=1e-6)

    def build(self, input_shape):
        """Create the statistics, and the scale and shift."""
        shape = (input_shape[-1],)
        self.mean = self.add_weight(
            shape=shape, initializer="zeros", trainable=False, name="mfcc_mean"
        )
        self.std = self.add_weight(
            shape=shape, initializer="ones", trainable=False, name="mfcc_std"
        )
        self.frame_normalization.build(input_shape)

    def call(self, mfccs, _moments=None):
        """Normalize; the moments of the example do not matter here."""
        return self.frame_normalization((mfccs - self.mean) / self.std)

    def adapt(self, batches: Iterable[tf.Tensor]) -> None:
        """Fit the statistics to MFCCs of the training split, [batch, frames, coefficients] each."""
        count = 0
        total = 0.0
        squares = 0.0
        for mfccs in batches:
            coefficients = mfccs.numpy().reshape(-1, mfccs.shape[-1]).astype(np.float64)
            count += len(coefficients)
            total = total + coefficients.sum(0)
            squares = squares + np.square(coefficients).sum(0)
        mean = total / count
        self.mean.assign(mean)
        self.std.assign(np.sqrt(squares / count - mean**2 + 1e-6))


class InstanceNormalization(keras.layers.Layer):
    """Standardize each coefficient over the time of its example, then scale and shift it by learned
    amounts: [batch, frames, coefficients] -> the same shape.

    This is `Normalize('instance')` of the authors' nn.py (0.0.6 and 3.7). z then hears how a note
    changes, and neither its level nor its mean spectrum.
    """

    EPSILON = 1e-5

    def __init__(self):
        super().__init__(name="normalization", autocast=False)

    def build(self, input_shape):
        """Create the scale and the shift."""
        shape = (input_shape[-1],)
        self.scale = self.add_weight(shape=shape, initializer="ones", name="scale")
        self.shift = self.add_weight(shape=shape, initializer="zeros", name="shift")

    def call(self, mfccs, moments=None):
        """Normalize with the mean and variance given as moments [batch, 2, coefficients], or with
        those of the MFCCs themselves.
        """
        moments = mfcc_moments(mfccs) if moments is None else moments
        mean = moments[:, :1]
        variance = moments[:, 1:]
        return (mfccs - mean) * tf.math.rsqrt(variance + self.EPSILON) * self.scale + self.shift

    def adapt(self, batches: Iterable[tf.Tensor]) -> None:
        """Need no statistics of the training split."""


NORMALIZATIONS = {"data_set": DataSetNormalization, "instance": InstanceNormalization}


class ZEncoder(keras.layers.Layer):
    """Encode z from the MFCCs of audio: [batch, samples] -> [batch, samples / 64, dims].

    If the length is not a multiple of 512 samples, the last MFCC frame covers the remainder.
    """

    def __init__(self, gru_units: int, dims: int, normalization: ZNormalization):
        super().__init__(name="z_encoder", autocast=False)
        self.normalization = NORMALIZATIONS[normalization]()
        self.gru = Gru(gru_units)
        self.to_z = keras.layers.Dense(dims)

    def build(self, input_shape):
        """Create the weights of the sublayers."""
        frames = (None, None, MFCC_COEFFICIENTS)
        self.normalization.build(frames)
        self.gru.build(frames)
        self.to_z.build((None, None, self.gru.units))

    def call(self, audio, moments=None):
        """Encode z at the control rate.

        Args:
            audio: [batch, samples].
            moments: `mfcc_moments` of the whole example that the audio is cropped from, [batch, 2,
                coefficients]; None: those of the audio.
        """
        z = self.to_z(self.gru(self.normalization(mfcc(audio), moments)))
        return upsample_linear(z, MFCC_HOP // HOP)[:, : tf.shape(audio)[1] // HOP]

    def whole_example(self, audio: tf.Tensor) -> dict[str, tf.Tensor]:
        """Measure what a crop needs of its whole example: [samples] -> {name: tensor}."""
        if isinstance(self.normalization, InstanceNormalization):
            return {"mfcc_moments": mfcc_moments(mfcc(audio[None]))[0]}
        return {}

    def adapt(self, batches: Iterable[tf.Tensor]) -> None:
        """Fit the normalization to audio of the training split, [batch, samples] each."""
        self.normalization.adapt(mfcc(audio) for audio in batches)


def mfcc_moments(mfccs: tf.Tensor) -> tf.Tensor:
    """Compute mean and variance over time: [batch, frames, coefficients] -> [batch, 2,
    coefficients].
    """
    return tf.stack(tf.nn.moments(mfccs, axes=[1]), axis=1)


def mfcc(
    audio: tf.Tensor,
    coefficients: int = MFCC_COEFFICIENTS,
    mel_bins: int = 128,
    size: int = 1024,
    hop: int = MFCC_HOP,
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
