"""Shared by the two workers of the training benchmark: synthetic inputs, forward and backward
passes, and a loop that times them on request. It needs only TensorFlow and NumPy, because one of
the workers runs in the environment of the authors' package.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

RATE = 16000
HOP = 64
BANDS = 65  # noise magnitudes


class Differentiable(NamedTuple):
    """A function of some inputs; its gradient is taken with respect to the inputs and `weights`."""

    function: Callable[..., tf.Tensor]
    inputs: list[tf.Tensor]
    weights: Sequence[Any] = ()


def serve(cases: dict[str, Callable[[dict], Callable[[], Any]]]) -> None:
    """Prepare the case that the command line names, warm it up, then time it on request.

    Each line of standard input is a number of seconds: run the case repeatedly for at least that
    long and print the seconds per run. At the end of the input, print the peak memory of this
    process and its peak memory after the imports, both in MB.
    """
    request = json.loads(sys.argv[1])
    imported = peak_megabytes()
    run = cases[request["case"]](request)
    for _ in range(2):
        run()
    print("ready", flush=True)
    for line in sys.stdin:
        print(seconds_per_run(run, float(line)), flush=True)
    print(peak_megabytes(), imported, sep="\n")


def peak_megabytes() -> float:
    """Return the peak resident memory of this process so far, in MB."""
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes on macOS, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def seconds_per_run(run: Callable[[], Any], least: float) -> float:
    """Return the mean time of a run, measured over at least `least` seconds."""
    start = time.perf_counter()
    count = 0
    while (elapsed := time.perf_counter() - start) < least or not count:
        run()
        count += 1
    return elapsed / count


def timed(case: Differentiable, gradient: bool) -> Callable[[], Any]:
    """Return a function that runs a case: forward, or forward and backward.

    The upstream gradient is random, so that TensorFlow cannot simplify the backward pass.
    """

    @tf.function
    def forward(inputs):
        """Run the function only."""
        return case.function(*inputs)

    @tf.function
    def backward(inputs, upstream):
        """Run the function and its gradient; return both, so that TensorFlow omits neither."""
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            result = case.function(*inputs)
        return result, tape.gradient(result, [*inputs, *case.weights], output_gradients=upstream)

    if not gradient:
        return lambda: forward(case.inputs)
    upstream = tf.random.normal(tf.shape(case.function(*case.inputs)))
    return lambda: backward(case.inputs, upstream)


def frames_of(request: dict) -> int:
    """Return the number of control frames of an example."""
    return round(request["seconds"] * RATE / HOP)


def f0_curve(request: dict, lowest: float = 220.0) -> np.ndarray:
    """Return a vibrato for each example, in Hz: [batch, frames]."""
    time_axis = np.arange(frames_of(request)) * HOP / RATE
    bases = lowest * (1 + 0.1 * np.arange(request["batch"]))[:, None]
    return (bases * (1 + 0.02 * np.sin(2 * np.pi * 5.5 * time_axis))).astype(np.float32)


def normal(request: dict, channels: int | None = None, seed: int = 0) -> np.ndarray:
    """Draw Gaussian numbers: audio [batch, samples], or with `channels` a network's outputs [batch,
    frames, channels].
    """
    random = np.random.default_rng(seed)
    if channels is None:
        return 0.1 * random.standard_normal(
            [request["batch"], frames_of(request) * HOP], np.float32
        )
    return random.standard_normal([request["batch"], frames_of(request), channels], np.float32)


def loudness_curve(request: dict) -> np.ndarray:
    """Draw loudness in dB: [batch, frames]."""
    return (-40 + 10 * normal(request, 1, seed=1)[..., 0]).astype(np.float32)
