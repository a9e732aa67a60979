"""Bit-identical runs: a fixed order of the sums in a model's graph."""

import tensorflow as tf


@tf.custom_gradient
def unshared_gradient(x: tf.Tensor):
    """Return x; copy its gradient so that no other operation reads the same tensor.

    Where more than two gradients meet, TensorFlow adds them with AddN, whose terms must not be
    shared (see `fix_order_of_sums`).
    """
    return tf.identity(x), lambda upstream: tf.raw_ops.Snapshot(input=upstream)


def fix_order_of_sums() -> None:
    """Make every run produce the same bits. Call this before TensorFlow builds a graph.

    TensorFlow's AddN starts its sum with any term that no other operation still needs. If terms are
    shared, the choice depends on timing, and so do the last bits of the sum. The graph optimizer is
    disabled because it rewrites additions to AddN and shares terms.
    """
    tf.config.experimental.enable_op_determinism()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
