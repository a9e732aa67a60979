"""What the two workers of the training benchmark share: made-up inputs, forward and backward, and
the order to time them. TensorFlow and NumPy alone, because one of the workers runs in the authors'
package's environment.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

RATE, HOP = 16000, 64
BANDS = 65  # noise magnitudes


class Differentiable(NamedTuple):
    """A function of some inputs, and what its gradient is taken with respect to: these inputs
    and `weights`.
    """

    function: Callable[..., tf.Tensor]
    inputs: list[tf.Tensor]
    weights: Sequence[Any] = ()


def serve(cases: dict[str, Callable[[dict], Callable[[], Any]]]) -> None:
    """Prepare the case that the command line asks for, warm it up, then time it as often as
    standard input says.

    Each line read is a number of seconds; the case is run again and again for at least so long, and
    the seconds per run are printed. At the end of the input come the peak memory of this process
    and what it was after the imports, in MB.
    """
    request, imported = json.loads(sys.argv[1]), peak_megabytes()
    run = cases[request["case"]](request)
    for _ in range(2):
        run()
    print("ready", flush=True)
    for line in sys.stdin:
        print(seconds_per_run(run, float(line)), flush=True)
    print(peak_megabytes(), imported, sep="\n")


def peak_megabytes() -> float:
    """The highest resident memory of this process so far, in MB."""
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def seconds_per_run(run: Callable[[], Any], least: float) -> float:
    """Mean time of a run, over at least so many seconds."""
    start, count = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - start) < least or not count:
        run()
        count += 1
    return elapsed / count


def timed(case: Differentiable, gradient: bool) -> Callable[[], Any]:
    """One run of a case: forward, or forward and backward from a gradient that TensorFlow cannot
    know beforehand.
    """

    @tf.function
    def forward(inputs):
        """The function alone."""
        return case.function(*inputs)

    @tf.function
    def backward(inputs, upstream):
        """The function and its gradient; both are returned, else TensorFlow would leave out what
        only one needs.
        """
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            result = case.function(*inputs)
        return result, tape.gradient(result, [*inputs, *case.weights], output_gradients=upstream)

    if not gradient:
        return lambda: forward(case.inputs)
    upstream = tf.random.normal(tf.shape(case.function(*case.inputs)))
    return lambda: backward(case.inputs, upstream)


def frames_of(request: dict) -> int:
    """Control frames of an example."""
    return round(request["seconds"] * RATE / HOP)


def f0_curve(request: dict, lowest: float = 220.0) -> np.ndarray:
    """A vibrato for each example, in Hz: [batch, frames]."""
    time_axis = np.arange(frames_of(request)) * HOP / RATE
    bases = lowest * (1 + 0.1 * np.arange(request["batch"]))[:, None]
    return (bases * (1 + 0.02 * np.sin(2 * np.pi * 5.5 * time_axis))).astype(np.float32)


def normal(request: dict, channels: int | None = None, seed: int = 0) -> np.ndarray:
    """Gaussian numbers: audio [batch, samples], or with `channels` a network's outputs [batch,
    frames, channels].
    """
    shape = (
        [request["batch"], frames_of(request) * HOP]
        if channels is None
        else [request["batch"], frames_of(request), channels]
    )
    return np.random.default_rng(seed).standard_normal(shape, np.float32) * (
        0.1 if channels is None else 1.0
    )


def loudness_curve(request: dict) -> np.ndarray:
    """Loudness in dB: [batch, frames]."""
    return (-40 + 10 * normal(request, 1, seed=1)[..., 0]).astype(np.float32)
