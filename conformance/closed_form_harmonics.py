"""The harmonic synthesizer against closed forms."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from conformance import formulas
from conformance.differentiation import gradient_of
from conformance.inputs import (
    NOTES,
    RANDOM,
    frames,
    normal,
    notes,
    notes_f0,
    shares,
    uniform,
    vibrato_f0,
)
from conformance.measure import (
    FLOAT64,
    Comparison,
    Row,
    compare,
    compare_functions,
)
from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.dsp import harmonic, sines
from pipeline.features import loudness

SECOND = 250  # control frames
MINUTE = 60 * SECOND
HARMONICS = 100
# the phase of the 100th harmonic is up to 600 radians, which float32 holds to 3e-5
PHASE_TOLERANCE = 1e-4
TURN = 2j * np.pi


def wrapped(cycles: np.ndarray) -> np.ndarray:
    """Map phases in cycles to the unit circle, so that whole cycles do not count."""
    return np.exp(TURN * np.asarray(cycles, float))


def phase_cycles() -> Iterator[Row]:
    """The phase over a minute, and its gradient over a second."""
    f0 = vibrato_f0(MINUTE)
    ours = harmonic.phase_cycles(tf.constant(f0)).numpy().reshape(2, -1)
    exact = formulas.phase(tf.constant(f0, tf.float64)).numpy()
    given = Comparison("dsp.harmonic.phase_cycles", frames("vibrato", MINUTE), FLOAT64)
    yield from compare(given, wrapped(ours), wrapped(exact))
    f0 = vibrato_f0(SECOND)
    upstream = normal(2, SECOND, HOP)
    tensor = tf.constant(f0, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        total = tf.reduce_sum(
            tf.reshape(formulas.phase(tensor), upstream.shape) * upstream.astype(float)
        )
    given = Comparison("dsp.harmonic.phase_gradient", frames("vibrato", SECOND), FLOAT64)
    yield from compare(
        given, harmonic.phase_gradient(tf.constant(upstream)), tape.gradient(total, tensor)
    )


def harmonic_synthesis() -> Iterator[Row]:
    """The harmonic synthesizer: a second of 100 harmonics, real f0, a minute of 20 harmonics."""
    module = "dsp.harmonic.harmonic_synthesis"
    inputs = {
        "f0": vibrato_f0(SECOND, 30.0),
        "amplitude": uniform(0, 1, 2, SECOND),
        "distribution": shares(2, SECOND, HARMONICS),
    }
    given = Comparison(module, frames(RANDOM, SECOND), FLOAT64, tolerance=PHASE_TOLERANCE)
    yield from compare_functions(given, harmonic.harmonic_synthesis, formulas.harmonics, inputs)
    curves = loudness.loudness_db(tf.constant(notes())).numpy()
    inputs = {
        "f0": notes_f0(),
        "amplitude": (10 ** (curves / 20)).astype(np.float32),
        "distribution": shares(2, 1000, 12),
    }
    given = given._replace(input=frames(f"f0 and loudness of {NOTES}", 1000))
    yield from compare_functions(given, harmonic.harmonic_synthesis, formulas.harmonics, inputs)
    f0, amplitude, distribution = long = (
        vibrato_f0(MINUTE)[:1],
        uniform(0, 1, 1, MINUTE),
        shares(1, MINUTE, 20),
    )
    ours = harmonic.harmonic_synthesis(*map(tf.constant, long))
    exact = formulas.harmonics(*(tf.constant(x, tf.float64) for x in (f0, amplitude, distribution)))
    given = given._replace(input=frames("vibrato", MINUTE))
    yield from compare(given, ours, exact)


def envelopes() -> Iterator[Row]:
    """The envelope between two frames against its window's formula."""
    distance = np.arange(HOP) / HOP
    hann = 0.5 + 0.5 * np.cos(np.pi * distance)
    exact = {"hann_envelope": np.stack([hann, 1 - hann])}
    exact["linear_envelope"] = np.stack([1 - distance, distance])
    hamming = np.stack([0.54 + 0.46 * np.cos(np.pi * x) for x in (distance, distance - 1)])
    for name, formula in exact.items():
        given = Comparison(f"dsp.harmonic.{name}", f"one hop, {HOP} samples", FLOAT64)
        yield from compare(given, getattr(harmonic, name)(), formula)
    given = Comparison(
        "dsp.harmonic.hann_envelope",
        f"one hop, {HOP} samples",
        "the paper's Hamming window",
        line="amplitude-envelope",
    )
    yield from compare(given, harmonic.hann_envelope(), hamming)


def nyquist() -> Iterator[Row]:
    """Harmonics above Nyquist are silent, and the rest is normalized."""
    f0 = uniform(100, 4000, 2, SECOND)
    amplitudes = uniform(0.01, 1, 2, SECOND, HARMONICS, seed=1)
    around = np.pad(f0.astype(float), [[0, 0], [1, 1]], mode="edge")
    highest = np.max([around[:, :-2], around[:, 1:-1], around[:, 2:]], axis=0)
    keep = highest[..., None] * np.arange(1, HARMONICS + 1) < SAMPLE_RATE / 2
    given = Comparison("dsp.harmonic.remove_above_nyquist", frames(RANDOM, SECOND), FLOAT64)
    ours = harmonic.remove_above_nyquist(tf.constant(f0), tf.constant(amplitudes))
    yield from compare(given, ours, amplitudes * keep)

    def normalize(f0, amplitudes):
        audible = amplitudes * tf.cast(keep, tf.float64)
        return tf.math.divide_no_nan(audible, tf.reduce_sum(audible, -1, keepdims=True))

    yield from compare_functions(
        given._replace(module="dsp.harmonic.normalized_distribution"),
        harmonic.normalized_distribution,
        normalize,
        {"f0": f0, "distribution": amplitudes},
        constants=["f0"],
    )


def sums_of_sines() -> Iterator[Row]:
    """The factored sum of sines and its parts against the plain sum."""
    cycles, weights = uniform(0, 1, 2, 300, HOP), normal(2, 300, 2, HARMONICS)
    given = Comparison(
        "dsp.sines.sum_of_sines",
        frames(RANDOM, 300),
        FLOAT64,
        tolerance=PHASE_TOLERANCE,
    )
    inputs = {"cycles": cycles, "weights": weights}
    yield from compare_functions(given, sines.sum_of_sines, formulas.sines, inputs)
    count = sines.CHUNK
    cycles, weights = uniform(0, 1, count, HOP), normal(count, 2, HARMONICS)
    upstream = normal(count, 2, HOP, seed=2)
    wide = [tf.constant(x, tf.float64) for x in (cycles, weights)]
    with tf.GradientTape() as tape:
        tape.watch(wide)
        exact = formulas.sines(*wide)
        total = tf.reduce_sum(exact * upstream.astype(float))
    given = given._replace(module="dsp.sines.sines", input=frames(RANDOM, count))
    yield from compare(given, sines.sines(*map(tf.constant, (cycles, weights))), exact)
    ours = sines.sines_gradient(*map(tf.constant, (cycles, weights, upstream)))
    names = [gradient_of(name) for name in ("cycles", "weights")]
    given = given._replace(module="dsp.sines.sines_gradient")
    exact_gradients = dict(zip(names, tape.gradient(total, wide)))
    yield from compare(given, dict(zip(names, ours)), exact_gradients)
    inner, outer_cos, outer_sin = sines.two_levels(*map(tf.constant, (cycles, weights)))
    shape = [count, outer_cos.shape[2], HOP]
    outer = [tf.reshape(wave, shape) for wave in (outer_cos, outer_sin)]
    given = given._replace(module="dsp.sines.two_levels")
    steps = {"inner sinusoids": 1, "outer sinusoids": inner[0].shape[1]}
    for (name, step), (cosine, sine) in zip(steps.items(), (inner, outer)):
        numbers = step * np.arange(step == 1, cosine.shape[1] + (step == 1))
        waves = wrapped(numbers[:, None] * cycles[:, None])
        yield from compare(given, {name: cosine.numpy() + 1j * sine.numpy()}, {name: waves})
    given = given._replace(module="dsp.sines.weighted_sum")
    ours = sines.weighted_sum(tf.constant(weights), inner, (outer_sin, outer_cos))
    yield from compare(given, ours, exact)
    doubled = sines.in_chunks(lambda x: 2 * x, (tf.constant(normal(2, 300, 3)),), tf.float32)
    given = given._replace(module="dsp.sines.in_chunks", input=frames(RANDOM, 300))
    yield from compare(given, doubled, 2 * normal(2, 300, 3).reshape(600, 3))
