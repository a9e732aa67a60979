"""Spectra against TensorFlow's own transform and its gradient."""

import numpy as np
import pytest
import tensorflow as tf

from pipeline.dsp.spectra import (
    centered_frames,
    centered_overlap_add,
    magnitude_gradient,
    overlap_add,
    overlapping_frames,
    stft,
)


@pytest.mark.parametrize(
    ("samples", "size", "overlap"), [(1000, 64, 4), (4096, 512, 4), (300, 2048, 4), (512, 128, 2)]
)
def test_transform_and_gradient_equal_tensorflows(random, samples, size, overlap):
    audio = tf.constant(random.normal(size=(2, samples)), tf.float32)
    hop = size // overlap
    with tf.GradientTape() as tape:
        tape.watch(audio)
        theirs = tf.signal.stft(audio, size, hop, size, pad_end=True)
        slope = tf.constant(random.normal(size=theirs.shape), tf.float32)
        value = tf.reduce_sum(tf.abs(theirs) * slope)
    ours = stft(audio, size, hop)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    gradient = magnitude_gradient(slope, ours, tf.abs(ours), hop, samples)
    np.testing.assert_allclose(gradient, tape.gradient(value, audio), rtol=1e-3, atol=2e-3)


def test_the_gradient_at_magnitude_0_is_0():
    silence = stft(tf.zeros([1, 256]), 64, 16)
    gradient = magnitude_gradient(tf.ones(silence.shape), silence, tf.abs(silence), 16, 256)
    np.testing.assert_array_equal(gradient, np.zeros((1, 256)))


def test_overlap_add_is_the_adjoint_of_framing(random):
    audio = tf.constant(random.normal(size=(3, 250)))
    frames = tf.constant(random.normal(size=(3, 16, 64)))
    framed = overlapping_frames(audio, 16, 4)
    assert framed.shape == (3, 16, 64)
    np.testing.assert_array_equal(framed[0, 2], np.pad(audio[0], (0, 200))[32:96])
    left = np.sum(framed.numpy() * frames.numpy())
    right = np.sum(np.pad(audio.numpy(), ((0, 0), (0, 54))) * overlap_add(frames, 16, 4).numpy())
    assert left == pytest.approx(right)


@pytest.mark.parametrize(
    ("samples", "size", "hop"), [(250, 64, 16), (256, 64, 32), (50, 64, 32), (10, 128, 16)]
)
def test_centred_frames_and_their_adjoint(random, samples, size, hop):
    audio = tf.constant(random.normal(size=(2, samples)))
    count = -(-samples // hop)
    framed = centered_frames(audio, size, hop)
    assert framed.shape == (2, count, size)
    padded = np.pad(audio[0], (size // 2, size))
    np.testing.assert_array_equal(
        framed[0], [padded[number * hop : number * hop + size] for number in range(count)]
    )
    frames = tf.constant(random.normal(size=framed.shape))
    assert np.sum(framed * frames) == pytest.approx(
        np.sum(audio * centered_overlap_add(frames, hop, tf.constant(samples)))
    )
