"""The strided convolution: windows that sum to one, a transposed convolution by overlap-add, and
the position of frames.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from batches import STATISTICS, random_batch
from pipeline.dsp.spectra import centered_overlap_add
from pipeline.models.conditioning import ConditioningConfig
from pipeline.models.objective import LossConfig, Objective
from pipeline.models.strided_conv import (
    FrameEncoder,
    StridedConv,
    StridedConvConfig,
    synthesis_window,
)

CONDITIONING = ConditioningConfig(
    gru_units=8,
    mlp_units=6,
    mlp_layers=1,
    z_gru_units=5,
    z_dims=4,
    use_loudness=True,
    use_z=True,
    z_normalization="data_set",
    f0_bins=12,
)
OWN = StridedConvConfig(stride=4, overlap=2, kernel=5, units=7, layers=1, noise_channels=3)
FRAMES = 32
LOSS = Objective(
    LossConfig(fft_sizes=(256, 64), alpha=1.0, perceptual_weight=0.0, perceptual_frames=1)
)


def build(changes=None, use_z=True):
    """Build a small model."""
    keras.utils.set_random_seed(0)
    return StridedConv(
        CONDITIONING.model_copy(update={"use_z": use_z}), OWN.model_copy(update=changes), STATISTICS
    )


@pytest.mark.parametrize("overlap", [2, 3, 4])
def test_windows_sum_to_one(overlap):
    windows = tf.tile(synthesis_window(64, overlap)[None, None], [1, 20, 1])
    audio = centered_overlap_add(windows, 64, tf.constant(20 * 64)).numpy()[0]
    np.testing.assert_allclose(audio[2 * 64 : -2 * 64], 1, atol=1e-6)
    assert synthesis_window(64, overlap).numpy().argmax() == 32 * overlap


def test_overlap_add_is_a_transposed_convolution(random):
    """A matrix product and an overlap-add equal Keras's layer."""
    features = random.normal(size=(2, 9, 5))
    kernel = random.normal(size=(5, 256))
    layer = keras.layers.Conv1DTranspose(1, 256, strides=64, padding="valid", use_bias=False)
    layer.build((None, None, 5))
    layer.set_weights([kernel.T[:, None, :]])
    expected = layer(features.astype(np.float32)).numpy()[:, 128 : 128 + 9 * 64, 0]
    found = centered_overlap_add(
        tf.constant(features @ kernel, tf.float32), 64, tf.constant(9 * 64)
    )
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("frames", "stride", "kernel"), [(32, 4, 5), (30, 4, 9), (7, 2, 3), (5, 8, 9), (6, 1, 1)]
)
def test_wider_frames_are_centred_on_every_stride(frames, stride, kernel):
    """A box filter over the numbers of control frames gives the numbers of the centres, except
    near the ends.
    """
    encoder = FrameEncoder(stride, kernel, units=1, layers=0)
    encoder(tf.zeros([1, frames, 1]))
    encoder.conv.set_weights([np.full((kernel, 1, 1), 1 / kernel), np.zeros(1)])
    found = encoder(tf.range(frames, dtype=tf.float32)[None, :, None]).numpy()[0, :, 0]
    assert len(found) == -(-frames // stride)
    centres = np.arange(len(found)) * stride
    inside = (centres >= kernel // 2) & (centres + kernel // 2 < frames)
    np.testing.assert_allclose(found[inside], centres[inside], atol=1e-5)


def test_every_weight_gets_a_gradient_and_none_is_shared(random):
    model = build()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model.losses(random_batch(random, FRAMES), LOSS, 0))
    for variable, gradient in zip(
        model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
    ):
        assert (
            gradient is not None and np.isfinite(gradient).all() and np.abs(gradient).max() > 0
        ), variable.path
    assert len({id(weight) for weight in model.weights}) == len(model.weights)


def test_the_loss_ignores_the_warm_up(random):
    model = build(use_z=False)
    batch = random_batch(random, FRAMES)
    changed = batch | {
        "audio": tf.concat([batch["audio"][:, :256] * 9, batch["audio"][:, 256:]], 1)
    }
    np.testing.assert_array_equal(model.losses(batch, LOSS, 256), model.losses(changed, LOSS, 256))
    assert (model.losses(batch, LOSS, 0) != model.losses(changed, LOSS, 0)).numpy().all()


@pytest.mark.parametrize("channels", [0, 3])
def test_noise_is_audible_if_it_has_channels(random, channels):
    model = build({"noise_channels": channels})
    batch = random_batch(random, FRAMES)
    other = batch | {"noise": batch["noise"][::-1]}
    assert np.array_equal(model(batch)["audio"], model(other)["audio"]) == (channels == 0)


def test_an_example_does_not_depend_on_its_batch(random):
    model = build()
    batch = random_batch(random, FRAMES, size=3)
    alone = {name: value[1:2] for name, value in batch.items()}
    np.testing.assert_allclose(model(alone)["audio"], model(batch)["audio"][1:2], atol=1e-6)


def test_any_batch_size_and_length_in_a_graph(random):
    model = build(use_z=False)  # with z, lengths are multiples of 8 frames
    specs = {
        name: tf.TensorSpec([None, None]) for name in ("audio", "noise", "f0_hz", "loudness_db")
    }
    run = tf.function(
        lambda batch: (model(batch)["audio"], model.losses(batch, LOSS, 64)),
        input_signature=[specs],
    )
    for size, frames in ((2, 32), (1, 30), (1, 3)):
        batch = random_batch(random, frames, size)
        audio, losses = run(batch)
        assert audio.shape == (size, frames * 64) and np.isfinite(losses).all()
        np.testing.assert_allclose(audio, model(batch)["audio"], atol=1e-5)
