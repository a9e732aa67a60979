"""Encoder and decoder networks and the GRU against closed forms and Keras."""

import math
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from conformance import formulas
from conformance.closed_form_spectra import NOISY_NOTES, excerpts
from conformance.inputs import ODD, RANDOM, frames, normal, samples, uniform
from conformance.measure import FLOAT64, Comparison, Row, compare, compare_functions
from conformance.small_models import (
    CONDITIONING,
    COUNT,
    STATISTICS,
    batch_of_notes,
    scramble,
    weights_of,
)
from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.models import gru, networks, z_encoder
from pipeline.models.conditioning import Conditioning

KERAS = "keras.layers.GRU"
LAYERS = 2
# networks of several normalized layers
DEEP_TOLERANCE = 1e-4


def nonlinearities() -> Iterator[Row]:
    """The nonlinearity of the controls and the scaled f0."""
    given = Comparison("models.networks.exp_sigmoid", f"{RANDOM}, -20 to 10", FLOAT64)
    inputs = {"x": uniform(-20, 10, 2, ODD)}
    yield from compare_functions(given, networks.exp_sigmoid, formulas.exp_sigmoid, inputs)
    given = Comparison("models.networks.f0_features", frames(RANDOM, COUNT), FLOAT64)
    inputs = {"f0": uniform(30, 4000, 2, COUNT)}
    # float32 holds a pitch to 1e-5 semitones, and a bin is half a semitone wide
    given = given._replace(tolerance=DEEP_TOLERANCE)
    yield from compare_functions(
        given, lambda f0: networks.f0_features(f0, 145), lambda f0: f0_features(f0, 145), inputs
    )


def f0_features(f0: tf.Tensor, bins: int) -> tf.Tensor:
    """MIDI / 127 and a triangle around every bin between MIDI 24 and 96."""
    midi = formulas.midi(f0)[..., None]
    centres = np.linspace(24, 96, bins)
    near = tf.maximum(1 - tf.abs(midi - centres) * (bins - 1) / 72, 0)
    return tf.concat([midi / 127, near], -1)


def mlps() -> Iterator[Row]:
    """The MLP, and the decoder around its GRU."""
    layer = networks.mlp(12, LAYERS, "mlp")
    layer.build([None, None, 7])
    scramble(layer)
    weights = weights_of(layer)
    given = Comparison("models.networks.mlp", frames(RANDOM, COUNT), FLOAT64)
    inputs = {"x": normal(2, COUNT, 7)}
    yield from compare_functions(given, layer, lambda x: formulas.mlp(x, weights), inputs)
    decoder = networks.Decoder(3, 2, 8, 12, LAYERS)
    inputs = {
        name: normal(2, COUNT, size) for name, size in {"f0": 3, "loudness": 1, "z": 4}.items()
    }
    decoder([tf.constant(x) for x in inputs.values()])
    scramble(decoder)
    given = Comparison("models.networks.Decoder", frames(RANDOM, COUNT), FLOAT64, DEEP_TOLERANCE)
    yield from compare_functions(
        given, lambda *x: decoder(list(x)), lambda *x: decoded(decoder, x), inputs
    )


def decoded(decoder: networks.Decoder, inputs: tuple[tf.Tensor, ...]) -> tf.Tensor:
    """Figure 5 of the paper: MLPs, GRU, skip connections, MLP."""
    hidden = [
        formulas.mlp(x, weights_of(mlp)) for mlp, x in zip(decoder.input_mlps, inputs, strict=True)
    ]
    states = formulas.gru(tf.concat(hidden, -1), *weights_of(decoder.gru))
    skipped = hidden[: decoder.skipped]
    return formulas.mlp(tf.concat([states, *skipped], -1), weights_of(decoder.output_mlp))


def recurrences() -> Iterator[Row]:
    """The GRU against Keras's and its equations."""
    layer, reference = gru.Gru(8), keras.layers.GRU(8, return_sequences=True)
    for each in (layer, reference):
        each.build((2, COUNT, 5))
    scramble(layer)
    reference.set_weights(layer.get_weights())
    inputs = {"x": normal(2, COUNT, 5)}
    given = Comparison("models.gru.Gru", frames(RANDOM, COUNT), KERAS)
    kernel, recurrent, bias = weights_of(layer)
    for name, formula in {
        KERAS: lambda x: reference(tf.cast(x, tf.float32)),
        FLOAT64: lambda x: formulas.gru(x, kernel, recurrent, bias),
    }.items():
        yield from compare_functions(given._replace(reference=name), layer, formula, inputs)
    inputs = {
        "projected": normal(COUNT, 2, 24),
        "kernel": recurrent.astype(np.float32),
        "bias": bias[1].astype(np.float32),
    }

    def formula(projected, kernel, bias):
        x = tf.transpose(projected, [1, 0, 2])
        biases = tf.stack([tf.zeros_like(bias), bias])
        states = formulas.gru(x, tf.eye(24, dtype=tf.float64), kernel, biases)
        return tf.transpose(states, [1, 0, 2])

    given = Comparison("models.gru.recurrence", frames(RANDOM, COUNT), FLOAT64)
    yield from compare_functions(given, gru.recurrence, formula, inputs)


def mfccs() -> Iterator[Row]:
    """MFCCs from their definition."""
    given = Comparison("models.z_encoder.mfcc", samples(NOISY_NOTES, ODD), FLOAT64)
    inputs = {"audio": excerpts()[0]}
    yield from compare_functions(given, z_encoder.mfcc, mfcc, inputs)


def mfcc(audio: tf.Tensor) -> tf.Tensor:
    """30 MFCCs of 128 mel bands from 20 to 8000 Hz, frames centred on every 512th sample."""
    magnitude = tf.abs(formulas.spectrum(formulas.cut(audio, 1024, 512, 512)))
    mel = tf.signal.linear_to_mel_weight_matrix(128, 513, SAMPLE_RATE, 20.0, 8000.0, tf.float64)
    log_mel = tf.math.log(tf.tensordot(magnitude, mel, 1) + 1e-5)
    bands = np.arange(128)[:, None] + 0.5
    cosines = np.cos(np.pi * bands * np.arange(30) / 128) * math.sqrt(2 / 128)
    return tf.tensordot(log_mel, cosines, 1)


def normalizations() -> Iterator[Row]:
    """The two normalizations of MFCCs, and the moments that crops are given."""
    module = "models.z_encoder"
    inputs = {"mfccs": normal(2, COUNT, 30, scale=3.0)}
    for normalization, formula in NORMALIZED.items():
        layer = z_encoder.NORMALIZATIONS[normalization]()
        layer.build([None, None, 30])
        scramble(layer)
        positive(layer)
        given = Comparison(f"{module}.{type(layer).__name__}", frames(RANDOM, COUNT), FLOAT64)
        yield from compare_functions(given, layer, lambda x, f=formula, of=layer: f(of, x), inputs)
    given = Comparison(f"{module}.mfcc_moments", frames(RANDOM, COUNT), FLOAT64)
    yield from compare_functions(given, z_encoder.mfcc_moments, moments, inputs)


def moments(mfccs: tf.Tensor) -> tf.Tensor:
    """Mean and variance over the frames."""
    mean = tf.reduce_mean(mfccs, 1, keepdims=True)
    return tf.concat([mean, tf.reduce_mean((mfccs - mean) ** 2, 1, keepdims=True)], 1)


def over_time(layer: z_encoder.InstanceNormalization, mfccs: tf.Tensor) -> tf.Tensor:
    """Each coefficient standardized over the frames of its example, scaled and shifted."""
    mean, variance = tf.split(moments(mfccs), 2, 1)
    scale, shift = weights_of(layer)
    return (mfccs - mean) / tf.sqrt(variance + 1e-5) * scale + shift


def over_data_set(layer: z_encoder.DataSetNormalization, mfccs: tf.Tensor) -> tf.Tensor:
    """Each coefficient standardized by the data set, then each frame over its coefficients."""
    mean, deviation = (x.numpy().astype(float) for x in (layer.mean, layer.std))
    standardized = (mfccs - mean) / deviation
    centre, variance = tf.nn.moments(standardized, [-1], keepdims=True)
    gain, shift = weights_of(layer.frame_normalization)
    return (standardized - centre) / tf.sqrt(variance + 1e-6) * gain + shift


NORMALIZED = {"instance": over_time, "data_set": over_data_set}


def positive(layer: keras.Layer) -> None:
    """Make the standard deviations of a normalization by the data set positive."""
    if isinstance(layer, z_encoder.DataSetNormalization):
        layer.std.assign(np.abs(layer.std.numpy()) + 0.5)


def encoders() -> Iterator[Row]:
    """The z encoder with either normalization, and the conditioning with z encoded."""
    audio = excerpts()[0][:, : COUNT * HOP]
    for normalization in NORMALIZED:
        encoder = z_encoder.ZEncoder(6, 4, normalization)
        encoder(tf.constant(audio))
        scramble(encoder)
        positive(encoder.normalization)
        given = Comparison(
            "models.z_encoder.ZEncoder",
            f"{samples(NOISY_NOTES, COUNT * HOP)}, {normalization}",
            FLOAT64,
            DEEP_TOLERANCE,
            1e-3,  # of logarithms of quiet bands
        )
        yield from compare_functions(
            given, encoder, lambda audio, of=encoder: encoded(of, audio), {"audio": audio}
        )
    layer = Conditioning(CONDITIONING, STATISTICS)
    batch = batch_of_notes()
    layer(batch)
    scramble(layer)
    positive(layer.z_encoder.normalization)
    wide = {name: tf.cast(value, tf.float64) for name, value in batch.items()}
    inputs = (
        f0_features(wide["f0_hz"], CONDITIONING.f0_bins),
        (wide["loudness_db"][..., None] + 40) / 20,
        encoded(layer.z_encoder, wide["audio"]),
    )
    given = Comparison(
        "models.conditioning.Conditioning",
        samples(NOISY_NOTES, COUNT * HOP),
        FLOAT64,
        DEEP_TOLERANCE,
    )
    yield from compare(given, layer(batch), decoded(layer.decoder, inputs))


def encoded(encoder: z_encoder.ZEncoder, audio: tf.Tensor) -> tf.Tensor:
    """z from normalized MFCCs, interpolated to the control rate."""
    layer = encoder.normalization
    instance = isinstance(layer, z_encoder.InstanceNormalization)
    normalized = NORMALIZED["instance" if instance else "data_set"](layer, mfcc(audio))
    kernel, bias = weights_of(encoder.to_z)
    z = tf.tensordot(formulas.gru(normalized, *weights_of(encoder.gru)), kernel, 1) + bias
    return formulas.upsampled(z, 8)[:, : audio.shape[1] // HOP]
