"""Values and gradients of a function. This project and the authors' worker both use it, so it needs
only TensorFlow and NumPy.
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

VALUES = "values"


def gradient_of(name: str) -> str:
    """Name the gradient with respect to an input, as tables do."""
    return f"gradient to {name}"


def values_and_gradients(
    function: Callable[..., tf.Tensor],
    inputs: dict[str, np.ndarray],
    upstream: np.ndarray,
    constants: Sequence[str] = (),
    dtype: tf.DType = tf.float32,
) -> dict[str, np.ndarray]:
    """Compute a function and the gradients of the sum of its result times `upstream`.

    Args:
        function: takes the inputs by position, as tensors.
        inputs: arrays by name, in the function's order.
        upstream: weights of the result, in its shape.
        constants: names of inputs without a gradient.
        dtype: the inputs are converted to it.

    Returns:
        `values`, and `gradient to NAME` for each other input.
    """
    tensors = {name: tf.constant(array, dtype) for name, array in inputs.items()}
    watched = {name: tensor for name, tensor in tensors.items() if name not in constants}
    with tf.GradientTape() as tape:
        tape.watch(watched)
        values = function(*tensors.values())
        total = tf.reduce_sum(values * tf.cast(upstream, values.dtype))
    gradients = tape.gradient(total, watched)
    answers = {gradient_of(name): gradient.numpy() for name, gradient in gradients.items()}
    return {VALUES: values.numpy()} | answers
