"""Spectra against TensorFlow's own transform and its gradient."""

import numpy as np
import pytest
import tensorflow as tf

from pipeline.spectral import overlap_add, overlapping_frames, stft_magnitude


@pytest.mark.parametrize(("samples", "size", "overlap"), [(1000, 64, 4), (4096, 512, 4), (300, 2048, 4), (512, 128, 2)])
def test_magnitude_and_gradient_equal_tensorflows(random, samples, size, overlap):
    audio, hop = tf.constant(random.normal(size=(2, samples)), tf.float32), size // overlap
    results = []
    for magnitude in (lambda x: stft_magnitude(x, size, hop), lambda x: tf.abs(tf.signal.stft(x, size, hop, size, pad_end=True))):
        with tf.GradientTape() as tape:
            tape.watch(audio)
            found = magnitude(audio)
            value = tf.reduce_sum(tf.math.log(found + 1e-3) * tf.cos(tf.range(size // 2 + 1, dtype=tf.float32)))
        results.append((found, tape.gradient(value, audio)))
    for ours, theirs in zip(*results):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=2e-3)


def test_the_gradient_of_silence_is_nothing():
    audio = tf.zeros([1, 256])
    with tf.GradientTape() as tape:
        tape.watch(audio)
        value = tf.reduce_sum(stft_magnitude(audio, 64, 16))
    np.testing.assert_array_equal(tape.gradient(value, audio), np.zeros((1, 256)))


def test_overlap_add_is_the_adjoint_of_framing(random):
    audio, frames = tf.constant(random.normal(size=(3, 250))), tf.constant(random.normal(size=(3, 16, 64)))
    framed = overlapping_frames(audio, 16, 4)
    assert framed.shape == (3, 16, 64)
    np.testing.assert_array_equal(framed[0, 2], np.pad(audio[0], (0, 200))[32:96])
    left = np.sum(framed.numpy() * frames.numpy())
    right = np.sum(np.pad(audio.numpy(), ((0, 0), (0, 54))) * overlap_add(frames, 16, 4).numpy())
    assert left == pytest.approx(right)
