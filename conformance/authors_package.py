"""The authors' package as the worker uses it, 0.0.6 or 3.7.0, whichever its environment has."""

from benchmarks.authors import load_package  # isort: skip, sets up Keras 2 for TensorFlow

from collections.abc import Callable, Sequence
from importlib import metadata

import numpy as np
import tensorflow as tf

from conformance.differentiation import values_and_gradients

# no case tracks f0, plots or reads scores
ddsp = load_package(
    without=("crepe", "matplotlib", "matplotlib.pyplot", "note_seq", "note_seq.sequences_lib")
)
RELEASE = metadata.version("ddsp")
FIRST = RELEASE.startswith("0.")
Arrays = dict[str, np.ndarray]


def differentiable(
    function: Callable[..., tf.Tensor], given: Arrays, constants: Sequence[str] = ()
) -> Arrays:
    """Compute values and gradients; `given` holds the upstream weights too."""
    inputs = {name: array for name, array in given.items() if name != "upstream"}
    return values_and_gradients(function, inputs, given["upstream"], constants)
