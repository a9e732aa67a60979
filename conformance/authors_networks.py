"""Cases of the authors' worker: networks, parameter counts and metrics. Each takes arrays by name
and returns arrays by name.
"""

from benchmarks.authors import training_module  # isort: skip, sets up Keras 2 for TensorFlow

from types import ModuleType

import numpy as np
import tensorflow as tf

from conformance.authors_package import FIRST, Arrays, ddsp, differentiable
from conformance.differentiation import VALUES


def weights_of(given: Arrays, prefix: str) -> list[np.ndarray]:
    """Return the arrays `PREFIX 00`, `PREFIX 01`, ... in order."""
    return [given[name] for name in sorted(given) if name.startswith(f"{prefix} ")]


def with_weights(layer: tf.keras.layers.Layer, given: Arrays) -> Arrays:
    """Build a layer, set its weights, and compute it and its gradient."""
    layer(tf.constant(given["x"]))
    layer.set_weights(weights_of(given, "weight"))
    return differentiable(layer, {name: given[name] for name in ("x", "upstream")})


def mlp(given: Arrays) -> Arrays:
    """Apply a stack of dense layers, layer normalization and nonlinearity."""
    units, layers = (int(given[name]) for name in ("units", "layers"))
    stack = fc_stack if FIRST else training_module("nn").FcStack
    return with_weights(stack(units, layers), given)


def fc_stack(units: int, layers: int) -> tf.keras.Sequential:
    """Stack nn.fc of 0.0.6 as its nn.fc_stack does, which gives all layers one name: today's Keras
    refuses that.
    """
    fc = training_module("nn").fc
    return tf.keras.Sequential([fc(units, name=f"fc_{number}") for number in range(layers)])


def gru(given: Arrays) -> Arrays:
    """Apply the GRU."""
    nn = training_module("nn")
    units = int(given["units"])
    return with_weights(nn.rnn(units, "gru") if FIRST else nn.Rnn(units, "gru"), given)


def decoder(given: Arrays) -> Arrays:
    """Decode with decoders.ZRnnFcDecoder of 0.0.6; the heads are the identity."""
    units = int(given["units"])
    splits = (("hidden", units),)
    network = first_decoder(units, int(given["layers"]), splits)
    inputs = {name: tf.constant(given[name]) for name in ("f0_scaled", "ld_scaled", "z")}
    network.decode(inputs)
    for stack in ("f_stack", "l_stack", "z_stack", "rnn", "out_stack"):
        getattr(network, stack).set_weights(weights_of(given, stack))
    network.dense_out.set_weights([np.eye(units), np.zeros(units)])
    return {VALUES: network.decode(inputs).numpy()}


def first_decoder(
    units: int, layers: int, splits: tuple[tuple[str, int], ...]
) -> tf.keras.layers.Layer:
    """Build decoders.ZRnnFcDecoder of 0.0.6 with `fc_stack`."""
    training_module("nn").fc_stack = fc_stack
    return training_module("decoders").ZRnnFcDecoder(
        units, "gru", units, layers, output_splits=splits
    )


def z_encoder(given: Arrays) -> Arrays:
    """Encode z with encoders.MfccTimeDistributedRnnEncoder, before its expansion in time."""
    encoder = training_module("encoders").MfccTimeDistributedRnnEncoder(
        rnn_channels=int(given["units"]), z_dims=int(given["dims"]), z_time_steps=125
    )
    audio = tf.constant(given["audio"])
    argument = {"audio": audio} if FIRST else audio
    encoder.compute_z(argument)
    encoder.rnn.set_weights(weights_of(given, "rnn"))
    encoder.dense_out.set_weights(weights_of(given, "dense_out"))
    return {VALUES: encoder.compute_z(argument).numpy()}


def instance_normalization(given: Arrays) -> Arrays:
    """Normalize over time with nn.Normalize('instance')."""
    layer = training_module("nn").Normalize("instance")
    x = tf.constant(given["x"])[:, :, None]
    layer(x)
    layer.set_weights([weight[None, None, None] for weight in weights_of(given, "weight")])
    return {VALUES: layer(x).numpy()[:, :, 0]}


def resnet_f0(given: Arrays) -> Arrays:
    """Estimate f0 in Hz with encoders.ResnetF0Encoder of 0.0.6, with the spectra of ae_abs.gin."""
    nn = training_module("nn")
    keras = nn.tf.keras
    plain = keras.Sequential

    def sequential(layers, name):
        # nn.resnet gives several layers one name, which today's Keras refuses
        for number, layer in enumerate(layers):
            layer._name = f"{layer.name}_{number}"
        return plain(layers, name=name)

    keras.Sequential = sequential

    def spectra(audio):
        return ddsp.spectral_ops.compute_logmel(audio, 0.0, 8000.0, 229, 2048, 0.75, True)

    encoder = training_module("encoders").ResnetF0Encoder("small", int(given["bins"]), spectra)
    frames = given["audio"].shape[1] // 64
    conditioning = {
        "audio": tf.constant(given["audio"]),
        "f0_scaled": tf.zeros([len(given["audio"]), frames, 1]),
    }
    encoder(conditioning)
    keras.Sequential = plain
    layers = list(encoder.resnet._flatten_layers(include_self=False))
    convolutions = weights_of(given, "convolution")
    for layer in layers:
        if isinstance(layer, tf.keras.layers.Conv2D):
            layer.set_weights([convolutions.pop(0), convolutions.pop(0)])
    normalizations = weights_of(given, "normalization")
    for layer in layers:
        if isinstance(layer, nn.Normalize):
            pair = [normalizations.pop(0), normalizations.pop(0)]
            layer.set_weights([weight[None, None, None] for weight in pair])
    encoder.dense_out.set_weights(weights_of(given, "dense_out"))
    midi = 127 * encoder(conditioning)[..., 0]
    return {VALUES: ddsp.core.midi_to_hz(midi).numpy()}


def unit_midi(given: Arrays) -> Arrays:
    """Average pitches as encoders.ResnetF0Encoder.compute_f0 of 0.0.6 does after its network."""
    probabilities = tf.nn.softplus(tf.constant(given["logits"])) + 1e-3
    probabilities = probabilities / tf.reduce_sum(probabilities, axis=-1, keepdims=True)
    encoder = training_module("encoders").F0Encoder()
    return {VALUES: 127 * encoder._compute_unit_midi(probabilities).numpy()[..., 0]}


def parameters(given: Arrays) -> Arrays:
    """Count the weights of encoder and decoder at the sizes of models/ae.gin. The decoder of 3.7.0
    gets no z, which it would put into its skip connections too.
    """
    splits = (("amps", 1), ("harmonic_distribution", 100), ("noise_magnitudes", 65))
    encoders, decoders = map(training_module, ("encoders", "decoders"))
    encoder = encoders.MfccTimeDistributedRnnEncoder(512, "gru", 16, 125)
    audio = tf.zeros([1, 64000])
    encoder.compute_z({"audio": audio} if FIRST else audio)
    if FIRST:
        network = first_decoder(512, 3, splits)
        sizes = {"f0_scaled": 1, "ld_scaled": 1, "z": 16}
        network.decode({name: tf.zeros([1, 4, size]) for name, size in sizes.items()})
    else:
        keys = ("ld_scaled", "f0_scaled")
        network = decoders.RnnFcDecoder(512, "gru", 512, 3, input_keys=keys, output_splits=splits)
        network(tf.zeros([1, 4, 1]), tf.zeros([1, 4, 1]))
    counts = [sum(map(size_of, part.trainable_weights)) for part in (encoder, network)]
    return {VALUES: np.array(counts, float)}


def size_of(weight: tf.Variable) -> int:
    """Count the numbers in a weight."""
    return int(np.prod(weight.shape))


def loudness_distance(given: Arrays) -> Arrays:
    """Average the L1 distance of two loudness curves."""
    return {VALUES: np.mean(evaluation().l1_distance(given["estimate"], given["reference"]))}


def f0_distance(given: Arrays) -> Arrays:
    """Measure F0 L1 of a clip, and whether it is an outlier: 0, 1, or NaN for a clip that is
    dropped. The decision follows MetricsWriter (0.0.6, eval_util.py) and F0CrepeMetrics (3.7.0,
    metrics.py), whose counters need summary writers.
    """
    module = evaluation()
    names = ("reference_f0", "estimate_f0", "reference_confidence", "estimate_confidence")
    reference, estimate, trusted, confidence = (given[name] for name in names)
    if FIRST:
        distance = module.f0_dist_conf_thresh(estimate, confidence, reference, trusted)
    else:
        distance = module.f0_dist_conf_thresh(reference, estimate, trusted)
    outlier = float(distance is None or distance > module.OUTLIER_MIDI_THRESH)
    if module.is_outlier(trusted):
        outlier = 1.0 if FIRST else np.nan
    return {"f0": np.array(np.nan if distance is None else distance), "outlier": np.array(outlier)}


def evaluation() -> ModuleType:
    """Return the module with the metrics."""
    return training_module("eval_util" if FIRST else "metrics")
