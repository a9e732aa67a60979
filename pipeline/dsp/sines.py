"""Weighted sums of harmonically related sinusoids, factored into two levels.

Not every sin(k phi) has to be computed: with k = a + m b, e^(ik phi) = e^(ia phi) e^(imb phi), so a
weighted sum of K harmonics takes about 2 sqrt(K) sinusoids and one small matrix product. Below,
the inner sinusoids are those of a phi with a = 1 ... b, and the outer ones those of m b phi.
"""

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

TWO_PI = 2 * math.pi
CHUNK = 512  # frames summed at a time, see `in_chunks`


@tf.custom_gradient
def sum_of_sines(cycles: tf.Tensor, weights: tf.Tensor):
    """Compute sum_k w_k sin(2 pi k phi) for every weight vector of every frame.

    The gradient recomputes the sinusoids instead of keeping them in memory.

    Args:
        cycles: [batch, frames, samples], phi, the phase of the fundamental in cycles.
        weights: [batch, frames, vectors, harmonics], w_k, harmonic k = 1 first.

    Returns:
        [batch, frames, vectors, samples].
    """

    def gradient(upstream):
        """Return the gradients with respect to phase and weights."""
        to_cycles, to_weights = in_chunks(
            sines_gradient, (cycles, weights, upstream), (cycles.dtype, weights.dtype)
        )
        return tf.reshape(to_cycles, tf.shape(cycles)), tf.reshape(to_weights, tf.shape(weights))

    sums = in_chunks(sines, (cycles, weights), cycles.dtype)
    shape = [*tf.unstack(tf.shape(weights)[:2]), weights.shape[2], cycles.shape[-1]]
    return tf.reshape(sums, shape), gradient


def in_chunks(function: Callable, tensors: tuple[tf.Tensor, ...], dtypes: Any) -> Any:
    """Apply a function to all frames, CHUNK at a time.

    The tensors of all harmonics and samples then stay in the processor's cache, however long or
    numerous the examples are.

    Args:
        function: maps tensors of [CHUNK, ...] to one or more tensors of [CHUNK, ...].
        tensors: the arguments of `function`, [batch, frames, ...] each.
        dtypes: dtype of the result of `function`, or a tuple of dtypes.

    Returns:
        The results of all frames, [batch * frames, ...] each.
    """
    count = tf.reduce_prod(tf.shape(tensors[0])[:2])

    def split(tensor):
        """Split [batch, frames, ...] into [chunks, CHUNK, ...]; pad the last chunk with zeros."""
        flat = tf.reshape(tensor, [-1, *tensor.shape[2:]])
        padded = tf.pad(flat, [[0, -count % CHUNK]] + [[0, 0]] * (flat.shape.rank - 1))
        return tf.reshape(padded, [-1, CHUNK, *tensor.shape[2:]])

    chunks = tf.map_fn(
        lambda parts: function(*parts), tuple(map(split, tensors)), fn_output_signature=dtypes
    )
    return tf.nest.map_structure(
        lambda result: tf.reshape(result, [-1, *result.shape[2:]])[:count], chunks
    )


def sines(cycles: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Compute `sum_of_sines` for one chunk.

    Args:
        cycles: [CHUNK, samples].
        weights: [CHUNK, vectors, harmonics].

    Returns:
        [CHUNK, vectors, samples].
    """
    inner, outer_cos, outer_sin = two_levels(cycles, weights)
    return weighted_sum(weights, inner, (outer_sin, outer_cos))


def sines_gradient(
    cycles: tf.Tensor, weights: tf.Tensor, upstream: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Compute the gradients of `sines`.

    The derivative with respect to the phase is a sum of cosines with weights 2 pi k w_k.

    Args:
        cycles: [CHUNK, samples].
        weights: [CHUNK, vectors, harmonics].
        upstream: [CHUNK, vectors, samples], gradient with respect to the sums.

    Returns:
        Gradients with respect to `cycles` and `weights`, in their shapes.
    """
    inner, outer_cos, outer_sin = two_levels(cycles, weights)
    slopes = TWO_PI * tf.range(1, weights.shape[-1] + 1, dtype=cycles.dtype) * weights
    derivative = weighted_sum(slopes, inner, (outer_cos, -outer_sin))
    to_cycles = tf.reduce_sum(upstream * derivative, axis=1)
    fine = upstream[:, :, None]  # [CHUNK, vectors, 1, samples]
    products = [
        tf.matmul(
            tf.reshape(fine * outer_wave, [CHUNK, -1, cycles.shape[-1]]),
            inner_wave,
            transpose_b=True,
        )
        for inner_wave, outer_wave in zip(inner, (outer_sin, outer_cos), strict=True)
    ]
    to_grid = tf.add_n(products)  # [CHUNK, vectors * m, b]
    return to_cycles, tf.reshape(to_grid, [CHUNK, weights.shape[1], -1])[..., : weights.shape[-1]]


def two_levels(
    cycles: tf.Tensor, weights: tf.Tensor
) -> tuple[tuple[tf.Tensor, tf.Tensor], tf.Tensor, tf.Tensor]:
    """Compute the sinusoids of the two levels (see the module's docstring).

    With several weight vectors b is larger, because they share the inner sinusoids.

    Args:
        cycles: [CHUNK, samples].
        weights: [CHUNK, vectors, harmonics]; only the shape is used.

    Returns:
        Cosine and sine of a phi, [CHUNK, b, samples] each; cosine of m b phi; sine of m b phi,
        [CHUNK, 1, m, samples] each.
    """
    inner_count = math.ceil(math.sqrt(weights.shape[-1] * weights.shape[-2]))
    outer_count = math.ceil(weights.shape[-1] / inner_count)
    inner_numbers = tf.range(1, inner_count + 1, dtype=cycles.dtype)[:, None]
    outer_numbers = tf.range(outer_count, dtype=cycles.dtype)[:, None]
    inner = TWO_PI * inner_numbers * cycles[:, None]
    outer = TWO_PI * inner_count * outer_numbers * cycles[:, None, None]
    return (tf.cos(inner), tf.sin(inner)), tf.cos(outer), tf.sin(outer)


def weighted_sum(
    weights: tf.Tensor, inner: tuple[tf.Tensor, tf.Tensor], outer: tuple[tf.Tensor, tf.Tensor]
) -> tf.Tensor:
    """Compute the sum over m and a of w_(a + m b) (cos(a phi) p_m + sin(a phi) q_m).

    Args:
        weights: [CHUNK, vectors, harmonics], w_k, harmonic k = 1 first.
        inner: cosine and sine of a phi, [CHUNK, b, samples] each.
        outer: p and q, [CHUNK, 1, m, samples] each.

    Returns:
        [CHUNK, vectors, samples].
    """
    vectors, harmonics = weights.shape[1:]
    _, inner_count, samples = inner[0].shape
    outer_count = outer[0].shape[2]
    padded = tf.pad(weights, [[0, 0], [0, 0], [0, inner_count * outer_count - harmonics]])
    grid = tf.reshape(padded, [CHUNK, vectors * outer_count, inner_count])
    level_shape = [CHUNK, vectors, outer_count, samples]
    parts = [
        tf.reshape(tf.matmul(grid, inner_wave), level_shape) * outer_wave
        for inner_wave, outer_wave in zip(inner, outer, strict=True)
    ]
    return tf.reduce_sum(tf.add_n(parts), axis=2)
