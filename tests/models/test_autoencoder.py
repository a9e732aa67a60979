"""The autoencoder: shapes, the effect of each option, no shared weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from batches import STATISTICS, random_batch
from pipeline.models.autoencoder import Autoencoder, ModelConfig
from pipeline.models.objective import LossConfig, Objective

LOSS = Objective(
    LossConfig(fft_sizes=(512, 128), alpha=1.0, perceptual_weight=0.0, perceptual_frames=1)
)


def build(values, **changes):
    model = Autoencoder(ModelConfig(**values | changes), STATISTICS)
    model(random_batch(np.random.default_rng(1)))
    return model


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"use_z": False},
        {"mlp_layers": 0, "use_z": False},
        {"f0": "resnet"},
        {"f0": "frames"},
        {"z_normalization": "instance"},
        {"reverb_seconds": 0.05},
        {"f0_bins": 9},
    ],
)
def test_shapes(random, small_model_values, changes):
    model = build(small_model_values, **changes)
    given = random_batch(random)
    controls = model.controls(given)
    assert controls.amplitude.shape == (2, 64)
    assert controls.distribution.shape == (2, 64, 20)
    assert controls.noise_magnitudes.shape == (2, 64, 17)
    np.testing.assert_allclose(controls.distribution.numpy().sum(-1), 1, atol=1e-5)
    result = model(given)
    assert result["audio"].shape == (2, 64 * 64) and result["f0_hz"].shape == (2, 64)
    np.testing.assert_allclose(result["dry"], result["harmonic"] + result["noise"], atol=1e-6)
    assert np.array_equal(result["audio"], result["dry"]) == ("reverb_seconds" not in changes)
    assert model.losses(given, LOSS, 0).shape == (2,)


@pytest.mark.parametrize(
    ("changes", "silent"), [({"harmonics": 0}, "harmonic"), ({"noise_bands": 0}, "noise")]
)
def test_without_one_synthesizer_only_the_other_sounds(random, small_model_values, changes, silent):
    given = random_batch(random)
    result = build(small_model_values, **changes)(given)
    (other,) = {"harmonic", "noise"} - {silent}
    assert not result[silent].numpy().any() and result[other].numpy().any()
    np.testing.assert_array_equal(result["audio"], result[other])
    with pytest.raises(ValueError, match="there is no synthesizer"):
        ModelConfig(**small_model_values | {"harmonics": 0, "noise_bands": 0})


@pytest.mark.parametrize(
    ("option", "unread"), [("use_loudness", "loudness_db"), ("use_z", "audio")]
)
def test_what_is_left_out_is_not_looked_at(random, small_model_values, option, unread):
    given = random_batch(random)
    other = given | {unread: given[unread] * 0}
    for used in (False, True):
        model = build(small_model_values, **{option: used})
        assert np.array_equal(*(model(batch)["audio"] for batch in (given, other))) != used


def test_z_may_be_given(random, small_model_values):
    model = build(small_model_values)
    given = random_batch(random)
    z = model.conditioning.z_encoder(given["audio"])
    np.testing.assert_array_equal(
        model(given | {"z": z, "audio": given["audio"] * 0})["audio"], model(given)["audio"]
    )
    assert not np.array_equal(model(given | {"z": z + 1})["audio"], model(given)["audio"])


def test_without_recurrence_a_frame_depends_on_itself_alone(random, small_model_values):
    given = random_batch(random)
    later = given | {
        "loudness_db": tf.concat([given["loudness_db"][:, :1] + 20, given["loudness_db"][:, 1:]], 1)
    }
    for units, alone in ((0, True), (8, False)):
        model = build(small_model_values, gru_units=units, use_z=False)
        first, second = (model.controls(batch).amplitude.numpy() for batch in (given, later))
        assert np.array_equal(first[:, 1:], second[:, 1:]) == alone and not np.array_equal(
            first[:, 0], second[:, 0]
        )


def test_linear_envelopes_differ_only_between_frames(random, small_model_values):
    given, sounds = random_batch(random), []
    for linear in (False, True):
        keras.utils.set_random_seed(0)
        sounds.append(build(small_model_values, linear_envelopes=linear)(given)["harmonic"].numpy())
    np.testing.assert_array_equal(sounds[0][:, ::64], sounds[1][:, ::64])
    assert not np.array_equal(*sounds)


def test_noise_starts_quiet(random, small_model_values):
    assert (
        build(small_model_values).controls(random_batch(random)).noise_magnitudes.numpy().mean()
        < 0.01
    )


def test_no_layer_is_shared(small_model_values):
    model = build(small_model_values, f0="resnet", reverb_seconds=0.05)
    decoder = model.conditioning.decoder
    parts = [
        *decoder.input_mlps,
        decoder.output_mlp,
        decoder.gru,
        model.conditioning.z_encoder,
        model.amplitude_head,
        model.distribution_head,
        model.noise_head,
        model.f0_encoder,
        model.reverb,
    ]
    weights = [id(weight) for part in parts for weight in part.weights]
    assert len(weights) == len(set(weights)) == len(model.weights)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"f0": "resnet"},
        {"f0": "frames"},
        {"z_normalization": "instance"},
        {"reverb_seconds": 0.05},
        {"mlp_layers": 0, "use_z": False},
        {"gru_units": 0},
        {"harmonics": 0},
        {"noise_bands": 0},
        {"use_loudness": False},
    ],
)
def test_every_weight_gets_a_gradient(random, small_model_values, changes):
    model = build(small_model_values, **changes)
    given = random_batch(random)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model.losses(given, LOSS, 0))
    for variable, gradient in zip(
        model.trainable_variables, tape.gradient(loss, model.trainable_variables)
    ):
        assert (
            gradient is not None and np.isfinite(gradient).all() and np.abs(gradient).max() > 0
        ), variable.path


@pytest.mark.parametrize("f0", ["resnet", "frames"])
def test_encoded_f0_does_not_depend_on_the_given_f0(random, small_model_values, f0):
    model = build(small_model_values, f0=f0)
    given = random_batch(random)
    outputs = [model(batch) for batch in (given, given | {"f0_hz": given["f0_hz"] * 2})]
    np.testing.assert_array_equal(*(output["audio"] for output in outputs))
    assert not np.array_equal(outputs[0]["f0_hz"], given["f0_hz"])


def test_the_loss_ignores_the_warm_up(random, small_model_values):
    model = build(small_model_values, use_z=False)
    given = random_batch(random)
    changed = given | {
        "audio": tf.concat([given["audio"][:, :1000] + 1, given["audio"][:, 1000:]], 1)
    }
    np.testing.assert_array_equal(*(model.losses(batch, LOSS, 1000) for batch in (given, changed)))
    assert not np.array_equal(*(model.losses(batch, LOSS, 0) for batch in (given, changed)))


def test_an_example_does_not_depend_on_its_batch(random, small_model_values):
    model = build(small_model_values, reverb_seconds=0.05)
    given = random_batch(random, size=3)
    alone = {name: value[1:2] for name, value in given.items()}
    np.testing.assert_allclose(model(given)["audio"][1], model(alone)["audio"][0], atol=1e-5)


def test_bfloat16_computes_about_the_same(random, small_model_values):
    given, outputs = random_batch(random), []
    for policy in ("float32", "mixed_bfloat16"):
        keras.config.set_dtype_policy(policy)
        try:
            keras.utils.set_random_seed(0)
            model = build(small_model_values, reverb_seconds=0.05)
        finally:
            keras.config.set_dtype_policy("float32")
        outputs.append(model(given))
        assert all(variable.dtype == "float32" for variable in model.variables)
        assert model.conditioning.decoder.gru.compute_dtype == (
            "bfloat16" if policy == "mixed_bfloat16" else "float32"
        )
    for name in ("audio", "noise"):
        single, mixed = (output[name].numpy() for output in outputs)
        assert 0 < np.abs(single - mixed).max() < 0.05 * np.abs(single).max()
