"""The convolutions of CREPE in the frequency domain against TensorFlow's in time."""

import numpy as np
import pytest
import tensorflow as tf

from pipeline.crepe.layers import first_convolution, same_convolution, transforms


@pytest.mark.parametrize(("length", "taps"), [(128, 64), (8, 64), (16, 5), (7, 4)])
def test_same_convolution_and_its_gradient_equal_tensorflows(random, length, taps):
    signal = tf.Variable(random.normal(size=[length, 3, 2]), dtype=tf.float32)
    kernel = random.normal(size=[taps, 2, 5]).astype(np.float32)
    weights, results = random.normal(size=[length, 3, 5]).astype(np.float32), []
    for convolve in (
        same_convolution,
        lambda x, k: tf.transpose(
            tf.nn.conv1d(tf.transpose(x, [1, 0, 2]), k, 1, "SAME"), [1, 0, 2]
        ),
    ):
        with tf.GradientTape() as tape:
            output = convolve(signal, kernel)
            value = tf.reduce_sum(output * weights)
        results.append((output.numpy(), tape.gradient(value, signal).numpy()))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-4)


def test_the_first_convolution_equals_one_with_stride(random):
    frames, kernel = (
        random.normal(size=[2, 1024]).astype(np.float32),
        random.normal(size=[512, 1, 3]).astype(np.float32),
    )
    expected = tf.nn.conv1d(frames[:, :, None], kernel, 4, "SAME")
    np.testing.assert_allclose(first_convolution(tf.constant(frames), kernel), expected, atol=1e-3)


@pytest.mark.parametrize(("length", "size"), [(5, 8), (8, 8), (128, 192)])
def test_transforms_are_numpys_and_inverse(random, length, size):
    analysis, synthesis = transforms(length, size)
    signal = random.normal(size=length)
    spectrum = (analysis @ signal).reshape(-1, 2)
    np.testing.assert_allclose(
        spectrum[:, 0] + 1j * spectrum[:, 1], np.fft.rfft(signal, size), atol=1e-4
    )
    np.testing.assert_allclose(synthesis @ spectrum.ravel(), signal, atol=1e-5)
