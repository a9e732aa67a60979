"""The reverb (paper, section 3.5): one trainable impulse response for the whole data set, that
is, a single room.
"""

import keras
import numpy as np
import tensorflow as tf

from pipeline.common.units import SAMPLE_RATE

BLOCK = 4096  # transforms are multiples of it: fast, and padded little


def fft_convolve(audio: tf.Tensor, response: tf.Tensor) -> tf.Tensor:
    """Causal linear convolution as long as its input: [batch, samples] * [taps] -> [batch,
    samples].
    """
    samples = audio.shape[1] or tf.shape(audio)[1]
    size = -(-(samples + response.shape[0] - 1) // BLOCK) * BLOCK
    spectrum = tf.signal.rfft(audio, [size]) * tf.signal.rfft(response, [size])
    return tf.signal.irfft(spectrum, [size])[:, :samples]


class Reverb(keras.layers.Layer):
    """Dry to wet: [batch, samples] -> [batch, samples]; the dry signal passes at gain 1, the
    response's first sample is no part of it.

    Every sample of the response is free. What is trained is its ratio to a decay of 60 dB over the
    response's length: Adam moves all weights alike, and without this scale the late response stays
    as loud as the early one for a long time.
    """

    def __init__(self, seconds: float):
        super().__init__(name="reverb", autocast=False)
        self.taps = round(seconds * SAMPLE_RATE)

    def build(self, input_shape):
        """The response after its first sample, near silence to begin with as in the authors'
        code.
        """
        small = keras.initializers.RandomNormal(stddev=1e-6)
        self.tail = self.add_weight(
            shape=(self.taps - 1,), initializer=small, name="impulse_response", autocast=False
        )

    def call(self, dry):
        """The dry signal and its convolution with the tail."""
        return dry + fft_convolve(dry, tf.concat([[0.0], self._scaled_tail()], 0))

    def impulse_response(self) -> tf.Tensor:
        """The whole response with its direct sound: [taps]."""
        return tf.concat([[1.0], self._scaled_tail()], 0)

    def _scaled_tail(self) -> tf.Tensor:
        decay = 10 ** (-3 * np.arange(1, self.taps) / self.taps)
        return tf.convert_to_tensor(self.tail) * decay.astype(np.float32)
