"""The z encoder: what each normalization removes, and crops that know their whole example."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.models.z_encoder import (
    MFCC_COEFFICIENTS,
    DataSetNormalization,
    InstanceNormalization,
    ZEncoder,
    mfcc,
    mfcc_moments,
)


def sound(random, samples: int = 16000, size: int = 3) -> tf.Tensor:
    """Noise whose level changes in time: [size, samples]."""
    level = np.linspace(0.02, 0.3, samples) * random.uniform(0.5, 2, [size, 1])
    return tf.constant(random.normal(size=[size, samples]) * level, tf.float32)


def encoder(normalization: str) -> ZEncoder:
    keras.utils.set_random_seed(0)
    return ZEncoder(8, 4, normalization)


def test_instance_normalization_has_a_closed_form(random):
    mfccs = random.normal(size=[3, 40, 5]) * 7 + 2
    layer = InstanceNormalization()
    layer.build(mfccs.shape)
    scale, shift = random.normal(size=[2, 5])
    layer.scale.assign(scale)
    layer.shift.assign(shift)
    standard = (mfccs - mfccs.mean(1, keepdims=True)) / np.sqrt(mfccs.var(1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(
        layer(tf.constant(mfccs, tf.float32)), standard * scale + shift, atol=1e-5
    )


def test_data_set_normalization_has_a_closed_form(random):
    batches = [tf.constant(random.normal(size=[2, 30, 5]) * 7 + 2, tf.float32) for _ in range(3)]
    layer = DataSetNormalization()
    layer.build((None, None, 5))
    layer.adapt(iter(batches))
    given = np.concatenate([batch.numpy() for batch in batches]).reshape(-1, 5)
    standard = (batches[0].numpy() - given.mean(0)) / given.std(0)
    expected = (standard - standard.mean(-1, keepdims=True)) / standard.std(-1, keepdims=True)
    np.testing.assert_allclose(layer(batches[0]), expected, atol=1e-4)


@pytest.mark.parametrize(("normalization", "hears"), [("instance", False), ("data_set", True)])
def test_only_instance_normalization_is_deaf_to_what_lasts(random, normalization, hears):
    """A constant added to the MFCCs is another mean spectrum: the timbre of a steady sound."""
    mfccs = tf.constant(random.normal(size=[2, 40, MFCC_COEFFICIENTS]), tf.float32)
    other = mfccs + tf.constant(random.normal(size=[1, 1, MFCC_COEFFICIENTS]), tf.float32)
    layer = encoder(normalization).normalization
    layer.build(mfccs.shape)
    largest = np.abs(layer(mfccs).numpy() - layer(other).numpy()).max()
    assert (largest > 0.1) == hears
    assert hears or largest < 1e-4


def test_a_crop_is_normalized_with_the_moments_of_its_whole_example(random):
    whole = sound(random)
    coefficients = mfcc(whole)
    layer = encoder("instance").normalization
    layer.build(coefficients.shape)
    moments = mfcc_moments(coefficients)
    np.testing.assert_allclose(
        layer(coefficients[:, 5:15], moments), layer(coefficients)[:, 5:15], atol=1e-5
    )
    assert np.abs(layer(coefficients[:, 5:15]) - layer(coefficients)[:, 5:15]).max() > 0.1


def test_the_encoder_uses_the_moments_that_its_whole_example_gives(random):
    whole = sound(random)
    crop = whole[:, 4096:8192]
    model = encoder("instance")
    given = tf.stack([model.whole_example(audio)["mfcc_moments"] for audio in whole])
    np.testing.assert_allclose(given, mfcc_moments(mfcc(whole)), rtol=1e-4, atol=1e-4)
    assert np.abs(model(crop, given) - model(crop)).max() > 1e-3
    np.testing.assert_allclose(model(whole, given), model(whole), atol=1e-4)


def test_the_data_set_s_normalization_needs_nothing_of_the_whole_example(random):
    model = encoder("data_set")
    whole = sound(random)
    model(whole)
    assert model.whole_example(whole[0]) == {}


def test_both_normalizations_have_the_same_size(random):
    counts = []
    for normalization in ("data_set", "instance"):
        model = encoder(normalization)
        model(sound(random))
        counts.append(sum(int(np.prod(each.shape)) for each in model.trainable_variables))
    assert counts[0] == counts[1]
