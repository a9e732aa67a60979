"""Multi-scale spectral loss (paper, equation 4 and section 4.2.1)."""

import tensorflow as tf

from pipeline.dsp.spectra import magnitude_gradient, stft

FFT_SIZES = (2048, 1024, 512, 256, 128, 64)  # with 75 % overlap
EPSILON = 1e-5  # added before the logarithm, as in the authors' code


def multi_scale_spectral_loss(
    target: tf.Tensor, audio: tf.Tensor, fft_sizes: tuple[int, ...] = FFT_SIZES, alpha: float = 1.0
) -> tf.Tensor:
    """sum_i mean|S_i - S^_i| + alpha mean|log S_i - log S^_i| for each example: 2 x [batch,
    samples] -> [batch].

    The paper writes L1 norms without saying whether bins are summed or averaged; the authors' code
    averages, as here. Gradients go to `audio` alone.
    """
    return tf.add_n([_scale_loss(target, audio, size, alpha) for size in fft_sizes])


def _scale_loss(target: tf.Tensor, audio: tf.Tensor, size: int, alpha: float) -> tf.Tensor:
    """One FFT size's part: [batch].

    Its gradient is computed with the loss and kept as a signal, so that no spectrum has to stay in
    memory until the backward pass.
    """
    hop = size // 4

    @tf.custom_gradient
    def of_audio(audio):
        """The loss, and the slope of each example's as a signal of its own."""
        spectrum = stft(audio, size, hop)
        wanted, magnitude = tf.abs(stft(target, size, hop)), tf.abs(spectrum)
        loss = spectral_distance(wanted, magnitude, alpha)
        count = tf.cast(tf.shape(magnitude)[1] * magnitude.shape[2], tf.float32)
        slope = tf.sign(magnitude - wanted) * (1 + alpha / (magnitude + EPSILON)) / count
        direction = magnitude_gradient(slope, spectrum, magnitude, hop, tf.shape(audio)[1])
        return loss, lambda upstream: upstream[:, None] * direction

    return of_audio(audio)


def spectral_distance(target: tf.Tensor, estimate: tf.Tensor, alpha: float) -> tf.Tensor:
    """mean|S - S^| + alpha mean|log S - log S^| of magnitudes: 2 x [batch, frames, bins] ->
    [batch].
    """
    linear = tf.reduce_mean(tf.abs(target - estimate), axis=[1, 2])
    logs = tf.abs(tf.math.log(target + EPSILON) - tf.math.log(estimate + EPSILON))
    return linear + alpha * tf.reduce_mean(logs, axis=[1, 2])
