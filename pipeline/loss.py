"""Multi-scale spectral loss (paper, equation 4 and section 4.2.1)."""

import tensorflow as tf

from pipeline.config import Params
from pipeline.spectral import stft_magnitude

FFT_SIZES = (2048, 1024, 512, 256, 128, 64)  # with 75 % overlap
EPSILON = 1e-5  # added before the logarithm, as in the authors' code


class LossConfig(Params):
    """What an ablation may change of the loss."""

    fft_sizes: tuple[int, ...] = FFT_SIZES
    alpha: float = 1.0  # weight of the logarithmic term


def multi_scale_spectral_loss(target: tf.Tensor, audio: tf.Tensor, config: LossConfig = LossConfig()) -> tf.Tensor:
    """sum_i mean|S_i - S^_i| + alpha mean|log S_i - log S^_i| for each example: 2 x [batch, samples] -> [batch].

    The paper writes L1 norms without saying whether bins are summed or averaged; the authors' code averages, as here.
    """
    losses = []
    for size in config.fft_sizes:
        of_target, of_audio = (stft_magnitude(signal, size, size // 4) for signal in (target, audio))
        linear = tf.reduce_mean(tf.abs(of_target - of_audio), axis=[1, 2])
        logs = tf.abs(tf.math.log(of_target + EPSILON) - tf.math.log(of_audio + EPSILON))
        losses.append(linear + config.alpha * tf.reduce_mean(logs, axis=[1, 2]))
    return tf.add_n(losses)
