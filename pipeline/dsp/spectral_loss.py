"""The multi-scale spectral loss (paper, equation 4 and section 4.2.1)."""

import tensorflow as tf

from pipeline.dsp.spectra import magnitude_gradient, stft

FFT_SIZES = (2048, 1024, 512, 256, 128, 64)  # with 75 % overlap
EPSILON = 1e-5  # added before the logarithm, as in the authors' code


def multi_scale_spectral_loss(
    target: tf.Tensor, audio: tf.Tensor, fft_sizes: tuple[int, ...] = FFT_SIZES, alpha: float = 1.0
) -> tf.Tensor:
    """Compute sum_i mean|S_i - S^_i| + alpha mean|log S_i - log S^_i| over the FFT sizes i.

    The paper writes L1 norms and does not say whether bins are summed or averaged; the authors'
    code averages, as here. Gradients flow to `audio` alone.

    Args:
        target: [batch, samples].
        audio: [batch, samples], the synthesized audio.
        fft_sizes: FFT sizes in samples.
        alpha: weight of the logarithmic term.

    Returns:
        [batch], one loss per example.
    """
    return tf.add_n([_scale_loss(target, audio, size, alpha) for size in fft_sizes])


def _scale_loss(target: tf.Tensor, audio: tf.Tensor, size: int, alpha: float) -> tf.Tensor:
    """Compute the loss at one FFT size: [batch].

    The gradient is computed together with the loss and kept as a signal, so that no spectrum has to
    stay in memory until the backward pass.
    """
    hop = size // 4

    @tf.custom_gradient
    def loss_of_audio(audio):
        """Return the loss and its gradient function, with a gradient signal per example."""
        spectrum = stft(audio, size, hop)
        target_magnitude = tf.abs(stft(target, size, hop))
        magnitude = tf.abs(spectrum)
        loss = spectral_distance(target_magnitude, magnitude, alpha)
        count = tf.cast(tf.shape(magnitude)[1] * magnitude.shape[2], tf.float32)
        sign = tf.sign(magnitude - target_magnitude)
        slope = sign * (1 + alpha / (magnitude + EPSILON)) / count
        gradient = magnitude_gradient(slope, spectrum, magnitude, hop, tf.shape(audio)[1])
        return loss, lambda upstream: upstream[:, None] * gradient

    return loss_of_audio(audio)


def spectral_distance(target: tf.Tensor, estimate: tf.Tensor, alpha: float) -> tf.Tensor:
    """Compute mean|S - S^| + alpha mean|log S - log S^| of two magnitude spectrograms.

    Args:
        target: [batch, frames, bins], S.
        estimate: [batch, frames, bins], S^.
        alpha: weight of the logarithmic term.

    Returns:
        [batch].
    """
    linear = tf.reduce_mean(tf.abs(target - estimate), axis=[1, 2])
    logs = tf.abs(tf.math.log(target + EPSILON) - tf.math.log(estimate + EPSILON))
    return linear + alpha * tf.reduce_mean(logs, axis=[1, 2])
