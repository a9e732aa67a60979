"""Weighted sums of harmonically related sinusoids, in two levels.
sin(k phi) for all k need not be tabulated: with k = a + m b, e^(ik phi) = e^(ia phi) e^(imb phi),
so a weighted sum of K harmonics costs about 2 sqrt(K) sinusoids and one small matrix product.
"""

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

TWO_PI = 2 * math.pi
CHUNK = 512  # frames whose harmonics are summed at a time, see `in_chunks`


@tf.custom_gradient
def sum_of_sines(cycles: tf.Tensor, weights: tf.Tensor):
    """sum_k w_k sin(2 pi k phi) for every weight vector: the two-level sum of the module's
    docstring.

    The gradient is written out, and computes the sinusoids anew instead of keeping them.

    Args:
        cycles: [batch, frames, samples] phase of the fundamental.
        weights: [batch, frames, vectors, harmonics], harmonic k = 1 first.

    Returns:
        [batch, frames, vectors, samples]
    """

    def gradient(upstream):
        """With respect to phase and weights."""
        to_cycles, to_weights = in_chunks(
            sines_gradient, (cycles, weights, upstream), (cycles.dtype, weights.dtype)
        )
        return tf.reshape(to_cycles, tf.shape(cycles)), tf.reshape(to_weights, tf.shape(weights))

    sums = in_chunks(sines, (cycles, weights), cycles.dtype)
    return tf.reshape(
        sums, [*tf.unstack(tf.shape(weights)[:2]), weights.shape[2], cycles.shape[-1]]
    ), gradient


def in_chunks(function: Callable, tensors: tuple[tf.Tensor, ...], dtypes: Any) -> Any:
    """`function` of all frames, CHUNK at a time: tensors of [batch, frames, ...] to those of [batch
    * frames, ...].

    Tensors of all harmonics and samples then stay in the processor's cache, however long or many
    the examples are.
    """
    count = tf.reduce_prod(tf.shape(tensors[0])[:2])

    def split(tensor):
        """[batch, frames, ...] -> [chunks, CHUNK, ...], filled up with zeros."""
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
    """`sum_of_sines` of some frames: [frames, samples], [frames, vectors, harmonics] -> [frames,
    vectors, samples].
    """
    inner, cos, sin = two_levels(cycles, weights)
    return weighted_sum(weights, inner, (sin, cos))


def sines_gradient(
    cycles: tf.Tensor, weights: tf.Tensor, upstream: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Gradients of `sines` with respect to cycles and weights; the first is a sum of cosines
    with weights 2 pi k w_k.
    """
    inner, cos, sin = two_levels(cycles, weights)
    slopes = TWO_PI * tf.range(1, weights.shape[-1] + 1, dtype=cycles.dtype) * weights
    to_cycles = tf.reduce_sum(upstream * weighted_sum(slopes, inner, (cos, -sin)), axis=1)
    fine = upstream[:, :, None]  # [frames, vectors, 1, samples]
    to_grid = tf.add_n(
        [
            tf.matmul(
                tf.reshape(fine * turn, [CHUNK, -1, cycles.shape[-1]]), wave, transpose_b=True
            )
            for wave, turn in zip(inner, (sin, cos), strict=True)
        ]
    )
    return to_cycles, tf.reshape(to_grid, [CHUNK, weights.shape[1], -1])[..., : weights.shape[-1]]


def two_levels(
    cycles: tf.Tensor, weights: tf.Tensor
) -> tuple[tuple[tf.Tensor, tf.Tensor], tf.Tensor, tf.Tensor]:
    """The module docstring's e^(ia phi) with a = 1 ... b as cosine and sine [frames, b, samples];
    cosine and sine of m b phi.

    The latter are [frames, 1, m, samples]. For several weight vectors, b is larger: they share the
    first level.
    """
    small = math.ceil(math.sqrt(weights.shape[-1] * weights.shape[-2]))
    large = math.ceil(weights.shape[-1] / small)
    inner = TWO_PI * tf.range(1, small + 1, dtype=cycles.dtype)[:, None] * cycles[:, None]
    outer = TWO_PI * small * tf.range(large, dtype=cycles.dtype)[:, None] * cycles[:, None, None]
    return (tf.cos(inner), tf.sin(inner)), tf.cos(outer), tf.sin(outer)


def weighted_sum(
    weights: tf.Tensor, inner: tuple[tf.Tensor, tf.Tensor], outer: tuple[tf.Tensor, tf.Tensor]
) -> tf.Tensor:
    """sum over m and a of w_(a + m b) (cos(a phi) p_m + sin(a phi) q_m), p and q being `outer`:
    [frames, vectors, samples].
    """
    vectors, harmonics = weights.shape[1:]
    small, large, samples = inner[0].shape[1], outer[0].shape[2], inner[0].shape[-1]
    padded = tf.pad(weights, [[0, 0], [0, 0], [0, small * large - harmonics]])
    grid = tf.reshape(padded, [CHUNK, vectors * large, small])
    split = [CHUNK, vectors, large, samples]
    parts = [
        tf.reshape(tf.matmul(grid, wave), split) * turn
        for wave, turn in zip(inner, outer, strict=True)
    ]
    return tf.reduce_sum(tf.add_n(parts), axis=2)
