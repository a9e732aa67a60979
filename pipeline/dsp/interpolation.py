"""Interpolation between control frames."""

import tensorflow as tf


def upsample_linear(frames: tf.Tensor, factor: int) -> tf.Tensor:
    """Interpolate linearly in time.

    Frame t stays at position t * factor; the last frame is held.

    Args:
        frames: [batch, frames, channels].
        factor: output frames per input frame.

    Returns:
        [batch, frames * factor, channels].
    """
    following = next_frame(frames)
    ramp = tf.cast(tf.range(factor), frames.dtype)[None, None, :, None] / factor
    fine = frames[:, :, None, :] + (following - frames)[:, :, None, :] * ramp
    shape = tf.shape(frames)
    return tf.reshape(fine, [shape[0], shape[1] * factor, frames.shape[-1]])


def next_frame(frames: tf.Tensor) -> tf.Tensor:
    """Shift frames by one along axis 1, so that t holds frame t + 1; the last frame is repeated."""
    return tf.concat([frames[:, 1:], frames[:, -1:]], axis=1)
