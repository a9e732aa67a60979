"""The reverb (paper, section 3.5): one trainable impulse response, a single room per data set."""

import keras
import numpy as np
import tensorflow as tf

from pipeline.common.units import SAMPLE_RATE

BLOCK = 4096  # transform sizes are its multiples: fast, with little padding


def fft_convolve(audio: tf.Tensor, response: tf.Tensor) -> tf.Tensor:
    """Convolve causally and linearly by FFT; the tail beyond the input's end is dropped.

    Args:
        audio: [batch, samples].
        response: [taps], the same for the whole batch.

    Returns:
        [batch, samples].
    """
    samples = audio.shape[1] or tf.shape(audio)[1]
    size = -(-(samples + response.shape[0] - 1) // BLOCK) * BLOCK
    spectrum = tf.signal.rfft(audio, [size]) * tf.signal.rfft(response, [size])
    return tf.signal.irfft(spectrum, [size])[:, :samples]


class Reverb(keras.layers.Layer):
    """Add reverb to a dry signal: [batch, samples] -> [batch, samples].

    The dry signal passes with gain 1; the first sample of the impulse response is therefore fixed
    and not trained. Every other sample is free. The weights are its ratios to a decay of 60 dB over
    the response's length: Adam changes all weights at the same rate, and without this scale the
    late response would long stay as loud as the early one.
    """

    def __init__(self, seconds: float):
        super().__init__(name="reverb", autocast=False)
        self.taps = round(seconds * SAMPLE_RATE)

    def build(self, input_shape):
        """Create the response after its first sample, almost silent as in the authors' code."""
        small = keras.initializers.RandomNormal(stddev=1e-6)
        self.tail = self.add_weight(
            shape=(self.taps - 1,), initializer=small, name="impulse_response", autocast=False
        )

    def call(self, dry):
        """Add the dry signal's convolution with the tail to the dry signal."""
        return dry + fft_convolve(dry, tf.concat([[0.0], self._scaled_tail()], 0))

    def impulse_response(self) -> tf.Tensor:
        """Return the whole impulse response, direct sound included: [taps]."""
        return tf.concat([[1.0], self._scaled_tail()], 0)

    def _scaled_tail(self) -> tf.Tensor:
        """Apply the decay to the weights: [taps - 1]."""
        decay = 10 ** (-3 * np.arange(1, self.taps) / self.taps)
        return tf.convert_to_tensor(self.tail) * decay.astype(np.float32)
