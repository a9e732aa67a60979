"""The rows of the table: what was compared, how far apart the results are, and the verdict."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from conformance.differentiation import VALUES, values_and_gradients

SAME = "same"
DEPARTS = "departs"
FLOAT64 = "float64 closed form"
FIRST = "0.0.6"  # the authors' release of the paper's time
LAST = "3.7.0"  # and their last one
# Both sides compute in float32, whose precision is 6e-8; sums over thousands of terms lose one or
# two digits, and gradients pass through two such sums.
VALUE_TOLERANCE = 1e-5
GRADIENT_TOLERANCE = 1e-4


class Comparison(NamedTuple):
    """What is compared with what."""

    module: str  # dotted name of our public function or class, below `pipeline`
    input: str
    reference: str
    tolerance: float = VALUE_TOLERANCE
    gradient_tolerance: float = GRADIENT_TOLERANCE
    line: str = ""  # anchor in docs/differences.md of the line that names the departure, if any


class Row(NamedTuple):
    """A line of the table."""

    module: str
    what: str  # values, or the gradient with respect to an input
    input: str
    reference: str
    difference: float  # largest relative difference
    tolerance: float
    verdict: str
    line: str  # anchor in docs/differences.md where the verdict is `departs`


def compare(comparison: Comparison, ours: Any, reference: Any) -> Iterator[Row]:
    """Compare two results.

    Args:
        comparison: what is compared.
        ours: an array, or arrays by name (`values`, `gradient to NAME`).
        reference: the same of the reference.
    """
    ours, reference = (
        answers if isinstance(answers, dict) else {VALUES: answers} for answers in (ours, reference)
    )
    if ours.keys() != reference.keys():
        raise ValueError(f"{comparison.module}: {sorted(ours)} beside {sorted(reference)}")
    for what in ours:
        difference = relative_difference(ours[what], reference[what])
        tolerance = comparison.tolerance if what == VALUES else comparison.gradient_tolerance
        verdict = verdict_of(difference, tolerance)
        line = comparison.line if verdict == DEPARTS else ""
        module, given, name = comparison[:3]
        yield Row(module, what, given, name, difference, tolerance, verdict, line)


def compare_functions(
    comparison: Comparison,
    ours: Callable[..., tf.Tensor],
    formula: Callable[..., tf.Tensor],
    inputs: dict[str, np.ndarray],
    constants: Sequence[str] = (),
) -> Iterator[Row]:
    """Compare values and gradients of a function with those of a formula in float64.

    Args:
        comparison: what is compared.
        ours: takes the inputs by position, as float32 tensors.
        formula: the same, as float64 tensors.
        inputs: arrays by name.
        constants: names of inputs without a gradient.
    """
    upstream = upstream_of(ours, inputs)
    yield from compare(
        comparison,
        values_and_gradients(ours, inputs, upstream, constants),
        values_and_gradients(formula, inputs, upstream, constants, tf.float64),
    )


def upstream_of(function: Callable[..., tf.Tensor], inputs: dict[str, np.ndarray]) -> np.ndarray:
    """Draw weights for every number of a function's result."""
    shape = function(*(tf.constant(array, tf.float32) for array in inputs.values())).shape
    return np.random.default_rng(9).standard_normal(shape).astype(np.float32)


def relative_difference(ours: Any, reference: Any) -> float:
    """Return the largest absolute difference, divided by the reference's largest magnitude.

    Where the reference is 0 throughout, the difference itself is returned. NaN equals NaN.

    Raises:
        ValueError: the shapes differ.
    """
    ours = np.asarray(ours)
    reference = np.asarray(reference)
    if ours.shape != reference.shape:
        raise ValueError(f"shapes {ours.shape} and {reference.shape} differ")
    if not np.array_equal(np.isnan(ours), np.isnan(reference)):
        return np.inf
    wide = np.complex128 if np.iscomplexobj(reference) else np.float64
    largest = np.nanmax(np.abs(reference), initial=0.0)
    difference = np.nanmax(np.abs(ours.astype(wide) - reference.astype(wide)), initial=0.0)
    return float(difference / (largest or 1.0))


def verdict_of(difference: float, tolerance: float) -> str:
    """Return `same` or `departs`."""
    return SAME if difference <= tolerance else DEPARTS
