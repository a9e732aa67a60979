"""The authors' f0 encoder as it is here against closed forms: spectrum, network, mean, whole."""

import re
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from conformance import formulas
from conformance.closed_form_networks import DEEP_TOLERANCE
from conformance.closed_form_spectra import NOISY_NOTES, excerpts
from conformance.inputs import ODD, RANDOM, frames, normal, samples
from conformance.measure import FLOAT64, Comparison, Row, compare, compare_functions
from conformance.small_models import COUNT, F0_RESNET, scramble
from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.models import f0_resnet

MODULE = "models.f0_resnet"


def resnets() -> Iterator[Row]:
    """The parts of the encoder, and f0 from audio."""
    audio = excerpts()[0][:, : ODD // HOP * HOP]
    given = Comparison(f"{MODULE}.log_mel", samples(NOISY_NOTES, audio.shape[1]), FLOAT64)
    given = given._replace(tolerance=1e-4)  # logarithms of quiet bands
    yield from compare_functions(given, f0_resnet.log_mel, log_mel, {"audio": audio})
    given = Comparison(f"{MODULE}.mean_midi", frames(RANDOM, COUNT), FLOAT64)
    inputs = {"logits": normal(2, COUNT, F0_RESNET.bins, scale=3.0)}
    yield from compare_functions(given, f0_resnet.mean_midi, mean_midi, inputs)
    encoder = f0_resnet.ResnetF0Encoder(F0_RESNET)
    encoder(tf.constant(audio))
    scramble(encoder)
    given = Comparison(f"{MODULE}.resnet", frames(RANDOM, COUNT), FLOAT64, DEEP_TOLERANCE, 1e-3)
    inputs = {"spectra": normal(2, 8, f0_resnet.MEL_BINS, 1)}
    yield from compare_functions(
        given, encoder.network, lambda x: network(encoder.network, x), inputs
    )
    spectra = log_mel(tf.constant(audio, tf.float64))[..., None]
    hidden = network(encoder.network, spectra)
    kernel, bias = encoder.to_bins.get_weights()
    flat = tf.reshape(hidden, [2, hidden.shape[1], -1])
    midi = mean_midi(tf.tensordot(flat, kernel.astype(float), 1) + bias)
    exact = 440 * 2 ** ((formulas.upsampled(midi[..., None], 8)[..., 0] - 69) / 12)
    given = Comparison(f"{MODULE}.ResnetF0Encoder", samples(NOISY_NOTES, audio.shape[1]), FLOAT64)
    given = given._replace(tolerance=DEEP_TOLERANCE)
    yield from compare(given, encoder(tf.constant(audio)), exact[:, : audio.shape[1] // HOP])


def log_mel(audio: tf.Tensor) -> tf.Tensor:
    """Logarithms of 229 mel bands from 0 to 8000 Hz; frames begin at every 512th sample."""
    magnitude = tf.abs(formulas.spectrum(formulas.cut(audio, 2048, 512)))
    mel = tf.signal.linear_to_mel_weight_matrix(229, 1025, SAMPLE_RATE, 0.0, 8000.0, tf.float64)
    return tf.math.log(tf.tensordot(magnitude, mel, 1) + 1e-5)


def mean_midi(logits: tf.Tensor) -> tf.Tensor:
    """The mean of bins over MIDI 0 to 127, weighted by softplus + 0.001."""
    weights = tf.math.log(1 + tf.exp(logits)) + 1e-3
    bins = 127 * np.arange(logits.shape[-1]) / logits.shape[-1]
    return tf.reduce_sum(weights * bins, -1) / tf.reduce_sum(weights, -1)


def weights_in_order(model: keras.Model) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the weights of convolutions, and of normalizations, as the layers were created."""
    kinds = (keras.layers.Conv2D, keras.layers.GroupNormalization)
    return tuple(
        [
            weight
            for layer in sorted((x for x in model.layers if isinstance(x, kind)), key=_number)
            for weight in layer.get_weights()
        ]
        for kind in kinds
    )


def _number(layer: keras.Layer) -> int:
    """Return the number that Keras appends to the name of a layer; the first has none."""
    return int((re.findall(r"_(\d+)$", layer.name) or ["0"])[0])


def network(model: keras.Model, x: tf.Tensor) -> tf.Tensor:
    """The ResNet: a 7x7 convolution, pooling, stacks of bottlenecks; activations before the last
    stack and at the end.
    """
    convolutions, normalizations = weights_in_order(model)

    def activated(x):
        mean, variance = tf.nn.moments(x, [1, 2, 3], keepdims=True)
        gain, shift = normalizations.pop(0), normalizations.pop(0)
        return tf.nn.relu((x - mean) / tf.sqrt(variance + 1e-5) * gain + shift)

    def convolved(x, stride):
        kernel, bias = convolutions.pop(0), convolutions.pop(0)
        return tf.nn.conv2d(x, kernel.astype(float), [1, stride], "SAME") + bias

    hidden = tf.nn.max_pool2d(convolved(x, 2), [1, 3], [1, 2], "SAME")
    for stack, blocks in enumerate(F0_RESNET.blocks):
        if stack == len(F0_RESNET.blocks) - 1:
            hidden = activated(hidden)
        for block in range(blocks):
            stride = 2 if stack and not block else 1
            active = activated(hidden)
            shortcut = hidden if block else convolved(active, stride)
            inner = activated(convolved(active, 1))
            inner = activated(convolved(inner, stride))
            hidden = shortcut + convolved(inner, 1)
    return activated(hidden)
