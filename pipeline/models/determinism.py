"""The same bits from every run: a fixed order of the sums in a model's graph."""

import tensorflow as tf


@tf.custom_gradient
def own_gradient(x: tf.Tensor):
    """x, whose gradient is a copy that nothing else reads.

    Where more than two gradients meet, TensorFlow adds them with AddN, which must not be given
    shared ones: `models.determinism.fix_order_of_sums`.
    """
    return tf.identity(x), lambda upstream: tf.raw_ops.Snapshot(input=upstream)


def fix_order_of_sums() -> None:
    """The same bits from every run. Call it before TensorFlow builds a graph.

    TensorFlow's AddN starts its sum with whichever of its terms nothing else needs any more. Where
    terms are shared that depends on timing, and so do the last bits of the sum; and the graph
    optimizer makes AddN from additions and lets terms be shared.
    """
    tf.config.experimental.enable_op_determinism()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
