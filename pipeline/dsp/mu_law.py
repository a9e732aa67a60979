"""8-bit mu-law: the logarithmic amplitude scale of telephony and of autoregressive sample models
(ITU-T G.711).
"""

import math

import tensorflow as tf

LEVELS = 256
ZERO = LEVELS // 2  # the level of silence: exactly 0; level 0 is never used
MU = 255.0


def mu_law(audio: tf.Tensor) -> tf.Tensor:
    """Companded amplitude sign(x) ln(1 + 255 |x|) / ln 256, clipped to [-1, 1]; any shape (ITU-T
    G.711).
    """
    audio = tf.clip_by_value(audio, -1.0, 1.0)
    return tf.sign(audio) * tf.math.log1p(MU * tf.abs(audio)) / math.log1p(MU)


def inverse_mu_law(values: tf.Tensor) -> tf.Tensor:
    """The amplitudes of companded values: the inverse of `mu_law`."""
    return tf.sign(values) * tf.math.expm1(tf.abs(values) * math.log1p(MU)) / MU


def to_levels(audio: tf.Tensor) -> tf.Tensor:
    """8-bit levels of amplitudes, 1 to 255 with 128 for silence: int32, any shape."""
    return ZERO + tf.cast(tf.round((ZERO - 1) * mu_law(audio)), tf.int32)


def companded(levels: tf.Tensor) -> tf.Tensor:
    """Levels on the companded scale, the sample model's input: [-1, 1], 0 for silence; the
    unused level 0 is as level 1.
    """
    return tf.cast(tf.maximum(levels, 1) - ZERO, tf.float32) / (ZERO - 1)
