"""What TensorFlow runs on and how: threads, the order of sums, one device or several in step with tf.distribute.MirroredStrategy."""

import tensorflow as tf

from pipeline.command import UserError


def use_threads(count: int) -> None:
    """Threads that one operation may use, 0 for all cores. Call it before TensorFlow does anything."""
    tf.config.threading.set_intra_op_parallelism_threads(count)


def fix_order_of_sums() -> None:
    """The same bits from every run. Call it before TensorFlow builds a graph.

    TensorFlow's AddN starts its sum with whichever of its terms nothing else needs any more. Where terms are shared that depends on
    timing, and so do the last bits of the sum; and the graph optimizer makes AddN from additions and lets terms be shared.
    """
    tf.config.experimental.enable_op_determinism()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def device_strategy(count: int, batch_size: int) -> tf.distribute.Strategy:
    """The strategy for `count` devices: GPUs if there are so many, else logical devices of the CPU.

    Call it before TensorFlow does anything: logical devices cannot be made later.
    """
    if batch_size % count:
        raise UserError(f"train.devices: {count} devices cannot share a batch of {batch_size} evenly; change train.batch_size")
    if count == 1:
        return tf.distribute.get_strategy()
    gpus = tf.config.list_logical_devices("GPU") if tf.config.list_physical_devices("GPU") else []
    if len(gpus) >= count:
        return tf.distribute.MirroredStrategy([device.name for device in gpus[:count]])
    if gpus:
        raise UserError(f"train.devices: {count}, but TensorFlow sees {len(gpus)} GPUs; lower it")
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    return tf.distribute.MirroredStrategy([f"CPU:{number}" for number in range(count)])
