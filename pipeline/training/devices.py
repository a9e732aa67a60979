"""Hardware that TensorFlow trains on: threads, and one device or several in step with
tf.distribute.MirroredStrategy.
"""

import tensorflow as tf

from pipeline.common.cli import UserError


def use_threads(count: int) -> None:
    """Set how many threads one operation may use, 0 for all cores. Call this before any other use
    of TensorFlow.
    """
    tf.config.threading.set_intra_op_parallelism_threads(count)


def device_strategy(count: int) -> tf.distribute.Strategy:
    """Return the strategy for `count` devices: GPUs if there are any, else logical CPU devices.

    Call this before any other use of TensorFlow: logical devices cannot be created later.

    Raises:
        UserError: there are GPUs, but too few.
    """
    if count == 1:
        return tf.distribute.get_strategy()
    gpus = tf.config.list_logical_devices("GPU") if tf.config.list_physical_devices("GPU") else []
    if len(gpus) >= count:
        return tf.distribute.MirroredStrategy([device.name for device in gpus[:count]])
    if gpus:
        raise UserError(f"train.devices: {count}, but TensorFlow sees {len(gpus)} GPUs; lower it")
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * count
    )
    return tf.distribute.MirroredStrategy([f"CPU:{number}" for number in range(count)])
