"""Multi-scale spectral loss (paper, equation 4 and section 4.2.1)."""

import tensorflow as tf

from pipeline.spectral import stft_magnitude

FFT_SIZES = (2048, 1024, 512, 256, 128, 64)  # with 75 % overlap
EPSILON = 1e-5  # added before the logarithm, as in the authors' code


def multi_scale_spectral_loss(
    target: tf.Tensor, audio: tf.Tensor, fft_sizes: tuple[int, ...] = FFT_SIZES, alpha: float = 1.0
) -> tf.Tensor:
    """sum_i mean|S_i - S^_i| + alpha mean|log S_i - log S^_i| for each example: 2 x [batch, samples] -> [batch].

    The paper writes L1 norms without saying whether bins are summed or averaged; the authors' code averages, as here.
    """
    losses = []
    for size in fft_sizes:
        of_target, of_audio = (stft_magnitude(signal, size, size // 4) for signal in (target, audio))
        losses.append(spectral_distance(of_target, of_audio, alpha))
    return tf.add_n(losses)


def spectral_distance(target: tf.Tensor, estimate: tf.Tensor, alpha: float) -> tf.Tensor:
    """mean|S - S^| + alpha mean|log S - log S^| of magnitudes: 2 x [batch, frames, bins] -> [batch]."""
    linear = tf.reduce_mean(tf.abs(target - estimate), axis=[1, 2])
    logs = tf.abs(tf.math.log(target + EPSILON) - tf.math.log(estimate + EPSILON))
    return linear + alpha * tf.reduce_mean(logs, axis=[1, 2])
