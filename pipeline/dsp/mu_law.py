"""8-bit mu-law (ITU-T G.711): the logarithmic amplitude scale of telephony.

Autoregressive sample models predict its levels.
"""

import math

import tensorflow as tf

LEVELS = 256
ZERO = LEVELS // 2  # the level of amplitude 0; level 0 is never used
MU = 255.0


def mu_law(audio: tf.Tensor) -> tf.Tensor:
    """Compand amplitudes: sign(x) ln(1 + 255 |x|) / ln 256 (ITU-T G.711).

    The input is clipped to [-1, 1]; any shape.
    """
    audio = tf.clip_by_value(audio, -1.0, 1.0)
    return tf.sign(audio) * tf.math.log1p(MU * tf.abs(audio)) / math.log1p(MU)


def inverse_mu_law(values: tf.Tensor) -> tf.Tensor:
    """Expand companded values to amplitudes, the inverse of `mu_law`; any shape."""
    return tf.sign(values) * tf.math.expm1(tf.abs(values) * math.log1p(MU)) / MU


def to_levels(audio: tf.Tensor) -> tf.Tensor:
    """Quantize amplitudes to 8-bit levels: int32 from 1 to 255, 128 for silence; any shape."""
    return ZERO + tf.cast(tf.round((ZERO - 1) * mu_law(audio)), tf.int32)


def companded(levels: tf.Tensor) -> tf.Tensor:
    """Map levels to companded values in [-1, 1], the sample model's input; any shape.

    Silence is 0. The unused level 0 is treated as level 1.
    """
    return tf.cast(tf.maximum(levels, 1) - ZERO, tf.float32) / (ZERO - 1)
