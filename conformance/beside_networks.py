"""pipeline.models and pipeline.evaluation.metrics beside the authors' releases."""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from conformance import formulas
from conformance.authors import Authors
from conformance.beside_signals import RELEASES
from conformance.closed_form_metrics import GIVEN, clips
from conformance.closed_form_models import CREPE
from conformance.closed_form_networks import LAYERS
from conformance.closed_form_resnet import weights_in_order
from conformance.closed_form_spectra import NOISY_NOTES, excerpts
from conformance.differentiation import VALUES
from conformance.inputs import NOTES, ODD, RANDOM, frames, normal, notes, samples, uniform
from conformance.measure import FIRST, LAST, Comparison, Row, compare, compare_functions
from conformance.small_models import COUNT, scramble, weights_of
from pipeline.crepe.network import load_network
from pipeline.evaluation import metrics
from pipeline.models import f0_frames, f0_resnet, gru, networks, perceptual, z_encoder
from pipeline.models.z_encoder import MFCC_HOP

UNITS = 12
ONE_DB = metrics.LoudnessDeviations(ours=1.0, of_0_0_6=1.0)
VERSIONS = {FIRST: "0_0_6", LAST: "3_7"}  # as the names of our metrics have them
RESTATED = f"{FIRST}, restated"
LAYER_EPSILON = 1e-3  # of tf.keras.layers.LayerNormalization, which their code leaves as it is
WEIGHT = 3.0  # of the perceptual loss, as in params.yaml
SLOPE = 0.2  # of tf.nn.leaky_relu, likewise


def named(prefix: str, weights: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Name weights as the worker reads them."""
    return {f"{prefix} {number:03}": weight for number, weight in enumerate(weights)}


def f0_features(authors: Authors) -> Iterator[Row]:
    """The scaled f0."""
    f0 = uniform(30, 4000, 2, COUNT)
    for release in RELEASES:
        given = Comparison("models.networks.f0_features", frames(RANDOM, COUNT), release)
        theirs = authors.ask(release, "f0_scaled", {"f0": f0})["values"]
        yield from compare(given, networks.f0_features(tf.constant(f0), 0)[..., 0], theirs)


def mlps(authors: Authors) -> Iterator[Row]:
    """The MLP with equal weights, and with ReLU in theirs, which leaves the epsilon."""
    layer = networks.mlp(UNITS, LAYERS, "mlp")
    layer.build([None, None, 7])
    scramble(layer)
    weights = weights_of(layer)
    sizes = {"units": np.array(UNITS), "layers": np.array(LAYERS)}
    inputs = {"x": normal(2, COUNT, 7)}
    given = Comparison("models.networks.mlp", frames(RANDOM, COUNT), "", line="leaky-relu")
    for release in RELEASES:
        upstream = normal(2, COUNT, UNITS, seed=9)
        question = inputs | {"upstream": upstream} | sizes | named("weight", layer.get_weights())
        theirs = authors.ask(release, "mlp", question)[VALUES]
        ours = layer(tf.constant(inputs["x"]))
        yield from compare(given._replace(reference=release), ours, theirs)
        wide = tf.constant(inputs["x"], tf.float64)
        formula = formulas.mlp(wide, weights, LAYER_EPSILON, SLOPE)
        restated = given._replace(
            input=f"{given.input}, leaky ReLU and epsilon as theirs", reference=release
        )
        yield from compare(restated, formula, theirs)
    given = given._replace(
        input=f"{given.input}, ReLU", reference=RESTATED, line="layer-normalization-epsilon"
    )
    yield from compare_functions(
        given, layer, lambda x: formulas.mlp(x, weights, LAYER_EPSILON), inputs
    )


def grus(authors: Authors) -> Iterator[Row]:
    """The GRU: 3.7.0 has that of TensorFlow 2, 0.0.6 that of TensorFlow 1."""
    layer = gru.Gru(UNITS)
    layer.build((2, COUNT, 5))
    scramble(layer)
    kernel, recurrent, bias = layer.get_weights()
    layer.set_weights([kernel, recurrent, bias * [[1], [0]]])  # TensorFlow 1 has one bias
    for release, line in {FIRST: "gru", LAST: ""}.items():
        weights = layer.get_weights()
        if release == FIRST:
            weights[2] = weights[2][0]
        given = Comparison("models.gru.Gru", frames(RANDOM, COUNT), release, line=line)
        inputs = {"x": normal(2, COUNT, 5)}
        ours = layer(tf.constant(inputs["x"]))
        question = inputs | {"units": np.array(UNITS), "upstream": normal(*ours.shape, seed=9)}
        theirs = authors.ask(release, "gru", question | named("weight", weights))
        yield from compare(given, ours, theirs[VALUES])


def decoders(authors: Authors) -> Iterator[Row]:
    """The decoder with z, equal weights."""
    decoder = networks.Decoder(3, 2, UNITS, UNITS, LAYERS)
    inputs = {"f0_scaled": 1, "ld_scaled": 1, "z": 4}
    inputs = {name: normal(2, COUNT, size) for name, size in inputs.items()}
    decoder([tf.constant(x) for x in inputs.values()])
    scramble(decoder)
    kernel, recurrent, bias = decoder.gru.get_weights()
    decoder.gru.set_weights([kernel, recurrent, bias * [[1], [0]]])
    out = decoder.output_mlp.get_weights()
    # theirs concatenates f0, loudness and GRU, ours GRU, f0 and loudness
    out[0] = np.roll(out[0], 2 * UNITS, axis=0)
    question = {"units": np.array(UNITS), "layers": np.array(LAYERS)}
    for name, mlp in zip(("f_stack", "l_stack", "z_stack"), decoder.input_mlps):
        question |= named(name, mlp.get_weights())
    question |= named("rnn", [kernel, recurrent, bias[0]]) | named("out_stack", out)
    theirs = authors.ask(FIRST, "decoder", inputs | question)[VALUES]
    given = Comparison("models.networks.Decoder", frames(RANDOM, COUNT), FIRST, line="leaky-relu")
    yield from compare(given, decoder([tf.constant(x) for x in inputs.values()]), theirs)


def mfccs(authors: Authors) -> Iterator[Row]:
    """MFCCs: theirs begin at a hop, ours are centred on it, one frame of 512 samples later."""
    audio = excerpts()[0]
    ours = z_encoder.mfcc(tf.constant(audio)).numpy()
    for release in RELEASES:
        question = {"audio": audio, "upstream": np.zeros(ours.shape)}
        theirs = authors.ask(release, "mfcc", question)[VALUES]
        given = Comparison(
            "models.z_encoder.mfcc", samples(NOISY_NOTES, ODD), release, line="mfcc-frames"
        )
        yield from compare(given, ours, theirs)
        # 3.7.0 adds no epsilon before the logarithm
        line = "mfcc-frames" if release == LAST else ""
        given = given._replace(input=f"{given.input}, one frame shifted", line=line)
        yield from compare(given, ours[:, 1:], theirs[:, : ours.shape[1] - 1])


def z_encoders(authors: Authors) -> Iterator[Row]:
    """z with equal weights, at the rate of its frames. Ours is given the audio 512 samples earlier,
    which makes its centred frames theirs; the first ones are silent.
    """
    sounds = notes()[:, : 32768 - MFCC_HOP] + normal(2, 32768 - MFCC_HOP, scale=0.01)
    audio = np.pad(sounds, [[0, 0], [MFCC_HOP, 0]])
    earlier = tf.constant(np.pad(audio[:, MFCC_HOP:], [[0, 0], [0, MFCC_HOP]]))
    for normalization in z_encoder.NORMALIZATIONS:
        encoder = z_encoder.ZEncoder(UNITS, 4, normalization)
        encoder(earlier)
        encoder.adapt([earlier])
        kernel, recurrent, bias = encoder.gru.get_weights()
        sizes = {"audio": audio, "units": np.array(UNITS), "dims": np.array(4)}
        ours = encoder(earlier).numpy()[:, ::8]
        for release in RELEASES:
            rnn = [kernel, recurrent, bias[0] if release == FIRST else bias]
            question = sizes | named("rnn", rnn) | named("dense_out", encoder.to_z.get_weights())
            theirs = authors.ask(release, "z_encoder", question)[VALUES]
            given = Comparison(
                "models.z_encoder.ZEncoder",
                f"{samples(NOISY_NOTES, 32768)}, one frame shifted, {normalization}",
                release,
                1e-3,  # 3.7.0 adds no epsilon before the logarithm of the mel bands
                line="gru"
                if (normalization, release) == ("instance", FIRST)
                else "z-normalization",
            )
            yield from compare(given, ours, theirs)


def instance_normalizations(authors: Authors) -> Iterator[Row]:
    """The normalization over time, beside nn.Normalize('instance')."""
    layer = z_encoder.InstanceNormalization()
    layer.build([None, None, 30])
    scramble(layer)
    inputs = {"x": normal(2, COUNT, 30, scale=3.0)}
    for release in RELEASES:
        question = inputs | {"upstream": normal(2, COUNT, 30, seed=9)}
        question |= named("weight", layer.get_weights())
        theirs = authors.ask(release, "instance_normalization", question)[VALUES]
        given = Comparison("models.z_encoder.InstanceNormalization", frames(RANDOM, COUNT), release)
        yield from compare(given, layer(tf.constant(inputs["x"])), theirs)


def f0_encoders(authors: Authors) -> Iterator[Row]:
    """The pitch of equal network outputs: theirs restated here, and our own way."""
    logits = normal(2, COUNT, 128, scale=3.0)
    theirs = authors.ask(FIRST, "unit_midi", {"logits": logits})[VALUES]
    given = Comparison("models.f0_resnet.mean_midi", frames(RANDOM, COUNT), FIRST)
    yield from compare(given, f0_resnet.mean_midi(tf.constant(logits)), theirs)
    given = given._replace(module="models.f0_frames.expected_midi", line="f0-encoder")
    yield from compare(given, f0_frames.expected_midi(tf.constant(logits), 36.0), theirs)


def resnets(authors: Authors) -> Iterator[Row]:
    """The f0 encoder at their size "small" with equal weights, from audio to Hz."""
    config = f0_resnet.ResnetConfig(stem_channels=64, channels=32, blocks=(2, 3, 4, 3), bins=128)
    encoder = f0_resnet.ResnetF0Encoder(config)
    audio = notes()[:, :16384]
    encoder(tf.constant(audio))
    convolutions, normalizations = weights_in_order(encoder.network)
    question = {"audio": audio, "bins": np.array(config.bins)}
    question |= named("convolution", convolutions) | named("normalization", normalizations)
    question |= named("dense_out", encoder.to_bins.get_weights())
    theirs = authors.ask(FIRST, "resnet_f0", question)[VALUES]
    given = Comparison("models.f0_resnet.ResnetF0Encoder", samples(NOTES, 16384), FIRST, 1e-4)
    yield from compare(given, encoder(tf.constant(audio)), theirs)


def perceptual_losses(_: Authors) -> Iterator[Row]:
    """The weighted perceptual loss: losses.PretrainedCREPEEmbeddingLoss of 0.0.6 with the settings
    of ae_abs.gin, restated with the published weights, because its checkpoint is out of reach. Its
    `init_from_checkpoint` restores trainable variables alone, so batch normalization keeps its
    initial mean 0 and variance 1.
    """
    audio = excerpts()[0][:, : 12 * 1024]
    other = audio[::-1].copy()
    crepe = load_network("tiny")
    for layer in crepe.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gain, shift, mean, variance = layer.get_weights()
            layer.set_weights([gain, shift, np.zeros_like(mean), np.ones_like(variance)])
    fifth = keras.Model(crepe.input, crepe.get_layer("conv5-maxpool").output)
    pair = [fifth(np.reshape(x, [-1, 1024])).numpy().reshape(2, -1) for x in (audio, other)]
    weight = 0.1 * 20 / 4e4
    theirs = weight * np.abs(pair[0].astype(float) - pair[1]).mean(1)
    scale = perceptual.random_pair_distance([tf.constant(audio)], 2)
    ours = WEIGHT / scale * perceptual.perceptual_loss(*map(tf.constant, (audio, other)), 2)
    given = Comparison(
        "models.perceptual.perceptual_loss",
        f"{samples(NOISY_NOTES, audio.shape[1])}, weighted",
        f"{RESTATED} with {CREPE}",
        line="perceptual-loss",
    )
    yield from compare(given, ours, theirs)


def parameter_counts(authors: Authors) -> Iterator[Row]:
    """The sizes of the z encoder and the decoder at the paper's sizes."""
    encoder = z_encoder.ZEncoder(512, 16, "instance")
    encoder(tf.zeros([1, 4096]))
    decoders = {
        FIRST: ([1, 1, 16], networks.Decoder(3, 2, 512, 512, 3)),
        LAST: ([1, 1], networks.Decoder(2, 2, 512, 512, 3)),
    }
    for release, (sizes, decoder) in decoders.items():
        decoder([tf.zeros([1, 4, size]) for size in sizes])
        heads = 513 * (1 + 100 + 65)
        # the name of the reference says which of the two GRUs it has
        ours = [
            sum(np.size(weight) for weight in layer.trainable_weights)
            for layer in (encoder, decoder)
        ]
        theirs = authors.ask(release, "parameters", {})[VALUES]
        given = Comparison(
            "models.recipe.count_parameters",
            "z encoder and decoder at the paper's sizes",
            release,
            tolerance=0.0,
            line="gru",
        )
        yield from compare(given, [ours[0], ours[1] + heads], theirs)


def metric_values(authors: Authors) -> Iterator[Row]:
    """Loudness L1, F0 L1 and whether a clip is an outlier."""
    one, other = clips()
    for release in RELEASES:
        question = {"reference": one.loudness_db, "estimate": other.loudness_db}
        theirs = authors.ask(release, "loudness_distance", question)[VALUES]
        given = Comparison("evaluation.metrics.loudness_metrics", f"{RANDOM}, 1000 frames", release)
        yield from compare(
            given, metrics.loudness_metrics(one, other, ONE_DB)["loudness_l1_db"], theirs
        )
        given = Comparison("evaluation.metrics.f0_metrics", f"F0 L1, {GIVEN}", release)
        theirs = authors.ask(release, "f0_distance", f0_question(one, other))
        yield from compare(given, metrics.f0_metrics(one, other)["f0_l1"], theirs["f0"])
        # an estimate that no tracker trusts, two octaves and a half off, an untrackable original
        unsure = other._replace(confidence=np.full_like(other.confidence, 0.5))
        far = other._replace(f0_hz=one.f0_hz * 2**2.5)
        unknown = one._replace(confidence=np.full_like(one.confidence, 0.5))
        pairs = [(one, other), (one, unsure), (one, far), (unknown, other)]
        theirs = [
            authors.ask(release, "f0_distance", f0_question(*pair))["outlier"] for pair in pairs
        ]
        column = f"outlier_clips_{VERSIONS[release]}"
        ours = [metrics.f0_metrics(*pair)[column] for pair in pairs]
        given = given._replace(
            input="outliers: as tracked, untrusted, two octaves off, untrackable original"
        )
        yield from compare(given, ours, theirs)


def f0_question(one, other) -> dict[str, np.ndarray]:
    """Name the f0 tracks of two clips as the worker reads them."""
    return {
        "reference_f0": one.f0_hz,
        "reference_confidence": one.confidence,
        "estimate_f0": other.f0_hz,
        "estimate_confidence": other.confidence,
    }
