"""The reverb against NumPy and against a known room."""

import keras
import numpy as np
import tensorflow as tf

from pipeline.dsp.reverb import Reverb, fft_convolve


def test_convolution_equals_numpy(random):
    audio = random.normal(size=(2, 5000))
    response = random.normal(size=700)
    ours = fft_convolve(tf.constant(audio, tf.float32), tf.constant(response, tf.float32)).numpy()
    np.testing.assert_allclose(ours, [np.convolve(a, response)[:5000] for a in audio], atol=1e-3)


def test_it_starts_dry(random):
    dry = tf.constant(random.normal(size=(2, 3000)), tf.float32)
    np.testing.assert_allclose(Reverb(0.05)(dry), dry, atol=1e-4)


def test_an_impulse_gives_the_impulse_response(random):
    reverb = Reverb(0.01)
    impulse = np.zeros((1, 400), np.float32)
    impulse[0, 20] = 1
    reverb(impulse)
    reverb.tail.assign(random.normal(size=159))
    response = reverb.impulse_response().numpy()
    assert response[0] == 1 and len(response) == 160
    np.testing.assert_allclose(reverb(impulse)[0], np.pad(response, (20, 220)), atol=1e-5)


def test_it_learns_a_room(random):
    keras.utils.set_random_seed(0)
    tail = 0.3 * random.normal(size=799) * 10 ** (-3 * np.arange(799) / 799)
    room = np.concatenate([[1], tail]).astype(np.float32)
    dry = tf.constant(random.normal(size=(4, 8000)), tf.float32)
    wet = fft_convolve(dry, tf.constant(room))
    reverb = Reverb(0.05)
    optimizer = keras.optimizers.Adam(0.02)
    reverb(dry)
    for _ in range(120):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((reverb(dry) - wet) ** 2)
        optimizer.apply(tape.gradient(loss, reverb.trainable_variables), reverb.trainable_variables)
    assert np.corrcoef(reverb.impulse_response()[1:], room[1:])[0, 1] > 0.98
