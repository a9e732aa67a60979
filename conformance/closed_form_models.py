"""The autoencoder, its f0 encoder and its objective against closed forms."""

from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from conformance import formulas
from conformance.closed_form_harmonics import PHASE_TOLERANCE
from conformance.closed_form_networks import DEEP_TOLERANCE
from conformance.closed_form_spectra import LOSS_GRADIENT_TOLERANCE, NOISY_NOTES
from conformance.inputs import RANDOM, frames, normal, samples
from conformance.measure import FLOAT64, Comparison, Row, compare, compare_functions
from conformance.small_models import (
    COUNT,
    F0_FRAMES,
    LOSS,
    MODEL,
    STATISTICS,
    batch_of_notes,
    scramble,
    weights_of,
)
from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.crepe.network import load_network
from pipeline.models import f0_frames, objective, perceptual
from pipeline.models.autoencoder import QUIET_NOISE, Autoencoder
from pipeline.models.determinism import unshared_gradient
from pipeline.models.recipe import count_parameters

CREPE = "crepe's own network"
SCALE = 0.2  # unit of the perceptual loss


def autoencoder() -> Iterator[Row]:
    """Controls from hidden features, and audio from controls; the number of parameters."""
    model = Autoencoder(MODEL, STATISTICS)
    batch = batch_of_notes()
    model(batch)
    for head in (model.amplitude_head, model.distribution_head, model.noise_head):
        scramble(head)
    hidden = tf.cast(model.conditioning(batch), tf.float64)
    amplitude, distribution, magnitudes = (
        formulas.exp_sigmoid(tf.tensordot(hidden, kernel, 1) + bias + offset)
        for head, offset in (
            (model.amplitude_head, 0),
            (model.distribution_head, 0),
            (model.noise_head, QUIET_NOISE),
        )
        for kernel, bias in [weights_of(head)]
    )
    distribution /= tf.reduce_sum(distribution, -1, keepdims=True)
    f0, noise = (tf.cast(batch[name], tf.float64) for name in ("f0_hz", "noise"))
    harmonic = formulas.harmonics(f0, amplitude[..., 0], distribution)
    dry = harmonic + formulas.filtered_noise(noise, magnitudes)
    response = tf.cast(model.reverb.impulse_response(), tf.float64)
    exact = {"audio": formulas.convolution(dry, response), "dry": dry, "harmonic": harmonic}
    ours = model(batch)
    given = Comparison("models.autoencoder.Autoencoder", "", FLOAT64, PHASE_TOLERANCE)
    for name, reference in exact.items():
        given = given._replace(input=f"{name} of {samples(NOISY_NOTES, COUNT * HOP)}")
        yield from compare(given, ours[name], reference)
    given = Comparison("models.recipe.count_parameters", "a small model", "sum over the weights")
    counted = sum(count_parameters(model).values())
    yield from compare(given, counted, sum(np.size(w) for w in model.trainable_weights))


def f0_encoders() -> Iterator[Row]:
    """Our f0 encoder: spectrum, network, weighted mean and the whole."""
    encoder = f0_frames.FramesF0Encoder(F0_FRAMES)
    audio = batch_of_notes()["audio"].numpy()
    encoder(tf.constant(audio))
    module = "models.f0_frames"
    given = Comparison(f"{module}.relative_log_mel", samples(NOISY_NOTES, COUNT * HOP), FLOAT64)
    cut = formulas.cut(tf.constant(audio, tf.float64), f0_frames.FRAME, 256, f0_frames.FRAME // 2)
    given = given._replace(tolerance=DEEP_TOLERANCE)  # logarithms of quiet bands
    inputs = {"frames": tf.reshape(cut, [-1, f0_frames.FRAME]).numpy().astype(np.float32)}
    yield from compare_functions(given, f0_frames.relative_log_mel, log_mel, inputs)
    given = Comparison(f"{module}.residual_network", frames(RANDOM, COUNT), FLOAT64, DEEP_TOLERANCE)
    inputs = {"spectra": normal(COUNT, f0_frames.MEL_BINS)}
    given = given._replace(gradient_tolerance=1e-3)  # through seven normalized layers
    yield from compare_functions(
        given, encoder.network, lambda x: network(encoder.network, x), inputs
    )
    given = Comparison(f"{module}.expected_midi", frames(RANDOM, COUNT), FLOAT64)
    inputs = {"logits": normal(COUNT, 128, scale=3.0)}
    yield from compare_functions(
        given, lambda x: f0_frames.expected_midi(x, 36.0), expected_midi, inputs
    )
    counts = {
        "bin_count": (f0_frames.bin_count(F0_FRAMES), 128),
        "midi_range": (f0_frames.midi_range(F0_FRAMES), (36, 99.5)),
    }
    for name, (ours, exact) in counts.items():
        given = Comparison(f"{module}.{name}", "64 semitones from MIDI 36", FLOAT64)
        yield from compare(given, ours, exact)
    whole = expected_midi(network(encoder.network, log_mel(tf.reshape(cut, [-1, 2048]))))
    midi = formulas.upsampled(tf.reshape(whole, [2, -1, 1]), 4)[:, :COUNT, 0]
    given = Comparison(f"{module}.FramesF0Encoder", samples(NOISY_NOTES, COUNT * HOP), FLOAT64)
    given = given._replace(tolerance=DEEP_TOLERANCE)
    yield from compare(given, encoder(tf.constant(audio)), 440 * 2 ** ((midi - 69) / 12))
    for name, function in {
        f"{module}.Past": f0_frames.Past(),
        "models.determinism.unshared_gradient": unshared_gradient,
    }.items():
        given = Comparison(name, frames(RANDOM, COUNT), FLOAT64)
        yield from compare_functions(given, function, tf.identity, {"x": normal(COUNT, 5)})


def log_mel(cut: tf.Tensor) -> tf.Tensor:
    """Log-mel spectra relative to the strongest band, with mean 0 and variance 1."""
    bands = f0_frames.MEL_BINS
    mel = tf.signal.linear_to_mel_weight_matrix(bands, 1025, SAMPLE_RATE, 40.0, 8000.0, tf.float64)
    powers = tf.tensordot(tf.abs(formulas.spectrum(cut)), mel, 1)
    logs = tf.math.log(powers / tf.reduce_max(powers, -1, keepdims=True) + 1e-4)
    return normalized(logs, 1e-3)


def normalized(x: tf.Tensor, epsilon: float) -> tf.Tensor:
    """Mean 0 and variance 1 along the last axis."""
    mean, variance = tf.nn.moments(x, [-1], keepdims=True)
    return (x - mean) / tf.sqrt(variance + epsilon)


def network(model: keras.Model, x: tf.Tensor) -> tf.Tensor:
    """The residual network at the size of `F0_FRAMES`: one block in each of two stages."""
    weights = weights_of(model)

    def activated(x):
        return tf.nn.relu(normalized(x, 1e-5) * weights.pop(0) + weights.pop(0))

    def convolved(x, stride):
        return tf.nn.conv1d(x, weights.pop(0), stride, "SAME") + weights.pop(0)

    hidden = convolved(x[..., None], 2)
    for stage in range(F0_FRAMES.stages):
        if stage:
            hidden = convolved(activated(hidden), 2)
        inner = convolved(activated(hidden), 1)
        hidden += convolved(activated(inner), 1)
    flat = tf.reshape(activated(hidden), [x.shape[0], -1])
    return tf.tensordot(flat, weights.pop(0), 1) + weights.pop(0)


def expected_midi(logits: tf.Tensor) -> tf.Tensor:
    """The mean over the most likely bin and three on each side, half a semitone apart from MIDI
    36.
    """
    near = np.abs(np.arange(128) - np.argmax(logits, -1)[..., None]) <= 3
    weights = tf.exp(logits) * near
    midi = 36 + np.arange(128) / 2
    return tf.reduce_sum(weights * midi, -1) / tf.reduce_sum(weights, -1)


def objectives() -> Iterator[Row]:
    """CREPE's activations, the perceptual loss, and the sum of losses."""
    audio = batch_of_notes()["audio"].numpy()
    other = (audio[::-1] + normal(*audio.shape, seed=3, scale=0.01)).copy()
    count = audio.shape[1]
    given = Comparison("models.perceptual.sparse_frames", samples(RANDOM, count), FLOAT64)
    middle = (count // 2 - 1024) // 2
    exact = [x[start : start + 1024] for x in audio for start in (middle, count // 2 + middle)]
    yield from compare(given, perceptual.sparse_frames(tf.constant(audio), 2), exact)
    given = Comparison("models.perceptual.embeddings", samples(NOISY_NOTES, 1024), CREPE)
    inputs = {"frames": np.stack(exact)}
    given = given._replace(tolerance=DEEP_TOLERANCE, gradient_tolerance=1e-3)
    yield from compare_functions(given, perceptual.embeddings, activations, inputs)
    given = Comparison("models.perceptual.perceptual_loss", samples(NOISY_NOTES, count), CREPE)
    given = given._replace(tolerance=DEEP_TOLERANCE, gradient_tolerance=1e-2)
    inputs = {"target": audio, "audio": other}

    def distance(target, audio):
        cuts = [
            tf.stack(tf.split(x, 2, 1), 1)[..., middle : middle + 1024] for x in (target, audio)
        ]
        pair = [activations(tf.reshape(x, [-1, 1024])) for x in cuts]
        per_frame = tf.reduce_mean(tf.abs(pair[0] - pair[1]), -1)
        return tf.reduce_mean(tf.reshape(per_frame, [-1, 2]), -1)

    yield from compare_functions(
        given, lambda *x: perceptual.perceptual_loss(*x, 2), distance, inputs
    )
    given = given._replace(module="models.objective.Objective")
    given = given._replace(gradient_tolerance=max(1e-2, LOSS_GRADIENT_TOLERANCE))

    def total(target, audio):
        spectral = formulas.spectral_loss(target, audio, LOSS.fft_sizes, LOSS.alpha)
        return spectral + LOSS.perceptual_weight / SCALE * distance(target, audio)

    yield from compare_functions(given, objective.Objective(LOSS, SCALE), total, inputs, ["target"])
    yield from shares_of_terms(audio, other, distance)
    # two recordings: each is the other's predecessor
    exact = distance(tf.constant(audio, tf.float64), tf.constant(audio[::-1].copy(), tf.float64))
    given = given._replace(module="models.perceptual.random_pair_distance")
    ours = perceptual.random_pair_distance([tf.constant(audio)], 2)
    yield from compare(given, ours, tf.reduce_mean(exact))


def shares_of_terms(audio: np.ndarray, other: np.ndarray, distance: Callable) -> Iterator[Row]:
    """The terms' shares of the loss and of the gradient's norm."""
    target = tf.constant(audio, tf.float64)
    synthesized = tf.constant(other, tf.float64)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(synthesized)
        linear, both = (
            formulas.spectral_loss(target, synthesized, LOSS.fft_sizes, alpha) for alpha in (0, 1)
        )
        perceptual_term = LOSS.perceptual_weight / SCALE * distance(target, synthesized)
        terms = [tf.reduce_mean(x) for x in (linear, both - linear, perceptual_term)]
    norms = np.array([tf.norm(tape.gradient(term, synthesized)) for term in terms])
    exact = np.concatenate([np.array(terms) / sum(terms), norms / norms.sum()])
    ours = objective.term_shares(
        objective.Objective(LOSS, SCALE), tf.constant(audio), tf.constant(other)
    )
    count = samples(NOISY_NOTES, audio.shape[1])
    given = Comparison("models.objective.term_shares", count, f"{FLOAT64}, {CREPE}", 1e-3)
    yield from compare(given, list(ours.values()), exact)


def activations(cut: tf.Tensor) -> tf.Tensor:
    """The package's network on frames of mean 0 and variance 1, up to the fifth max-pooling."""
    crepe = load_network(perceptual.CAPACITY)
    fifth = keras.Model(crepe.input, crepe.get_layer("conv5-maxpool").output)
    centred = cut - tf.reduce_mean(cut, -1, keepdims=True)
    scaled = centred / tf.sqrt(tf.reduce_mean(centred**2, -1, keepdims=True) + 1e-8)
    return tf.cast(tf.reshape(fifth(tf.cast(scaled, tf.float32)), [cut.shape[0], -1]), cut.dtype)
