"""Interpolation between control frames."""

import tensorflow as tf


def upsample_linear(frames: tf.Tensor, factor: int) -> tf.Tensor:
    """Linear interpolation in time: [batch, frames, channels] -> [batch, frames * factor,
    channels].

    Frame t stays at position t * factor; the last frame is held.
    """
    following = next_frame(frames)
    ramp = tf.cast(tf.range(factor), frames.dtype)[None, None, :, None] / factor
    fine = frames[:, :, None, :] + (following - frames)[:, :, None, :] * ramp
    shape = tf.shape(frames)
    return tf.reshape(fine, [shape[0], shape[1] * factor, frames.shape[-1]])


def next_frame(frames: tf.Tensor) -> tf.Tensor:
    """Each frame's successor along axis 1; the last is its own."""
    return tf.concat([frames[:, 1:], frames[:, -1:]], axis=1)
