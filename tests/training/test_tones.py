"""Synthetic tones: f0 measured independently, determinism, and the closed form of the loss."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import entropy

from pipeline.models.f0_frames import FRAME, FramesConfig
from pipeline.training.tones import (
    HARMONICS,
    MIDI,
    TABLE,
    Draws,
    coloured_noise,
    edges,
    oscillator,
    pitch_losses,
    read_period,
    tone_batch,
)


def autocorrelation_f0(audio: np.ndarray, around_hz: float) -> float:
    """Measure the f0 of a periodic signal: the interpolated peak of its autocorrelation near
    `around_hz`.
    """
    window = np.hanning(len(audio))
    lags = np.arange(int(16000 / around_hz) - 2, int(16000 / around_hz) + 5)
    values = autocorrelation(audio * window)[lags] / autocorrelation(window)[lags]
    best = 1 + np.argmax(values[1:-1])
    a, b, _ = np.polyfit(lags[best - 1 : best + 2], values[best - 1 : best + 2], 2)
    return 16000 / (-b / (2 * a))


def autocorrelation(signal: np.ndarray) -> np.ndarray:
    """Return the autocorrelation of a signal by lag in samples."""
    return np.fft.irfft(np.abs(np.fft.rfft(signal, 2 * len(signal))) ** 2)


@pytest.mark.parametrize("pitch", [38.0, 50.3, 62.5, 74.0])
def test_a_tone_has_the_stated_f0(pitch):
    draws = Draws(0, 0, 8)
    octaves = tf.math.log(tf.range(1, HARMONICS + 1, dtype=tf.float32))[None] / np.log(2)
    levels = -6.0 * octaves + tf.zeros([8, 1])
    tones = oscillator(draws, tf.fill([8, 1], pitch), levels).numpy()
    f0_hz = 440 * 2 ** ((pitch - 69) / 12)
    cents = [1200 * np.log2(autocorrelation_f0(tone, f0_hz) / f0_hz) for tone in tones]
    assert np.abs(cents).max() < 10


def test_harmonics_are_multiples_of_f0_and_none_is_above_nyquist():
    levels = np.full([64, HARMONICS], -200.0, np.float32)
    levels[:, [0, 2, 7]] = 0.0  # the eighth harmonic of 1100 Hz would be at 8.8 kHz
    pitch = 69 + 12 * np.log2(1100 / 440)
    tones = oscillator(
        Draws(0, 0, 64), tf.fill([64, 1], np.float32(pitch)), tf.constant(levels)
    ).numpy()
    spectra = np.abs(np.fft.rfft(tones * np.hanning(FRAME)))
    for spectrum in spectra:
        assert set((np.argsort(spectrum)[-2:] * 16000 / FRAME / 1100).round(1)) <= {1.0, 3.0}
        assert spectrum[int(6000 * FRAME / 16000) :].max() < 0.01 * spectrum.max()


def test_a_period_is_read_between_its_samples():
    period = np.sin(2 * np.pi * np.arange(TABLE) / TABLE)[None]
    cycles = np.linspace(-3, 5, 1000)[None]
    read = read_period(tf.constant(period, tf.float32), tf.constant(cycles, tf.float32))
    np.testing.assert_allclose(read, np.sin(2 * np.pi * cycles), atol=1e-4)


def test_a_batch_is_a_function_of_seed_and_step():
    audio, midi = tone_batch(3, 7, 16)
    in_graph = tf.function(lambda step: tone_batch(3, step, 16))
    for same_audio, same_midi in (tone_batch(3, 7, 16), in_graph(tf.constant(7))):
        np.testing.assert_allclose(same_audio, audio, atol=1e-4 * np.abs(audio).max())
        np.testing.assert_array_equal(same_midi, midi)
    for _, other_midi in (tone_batch(4, 7, 16), tone_batch(3, 8, 16)):
        assert not np.isclose(other_midi, midi).any()


def test_draws_of_a_batch_differ():
    draws = Draws(0, 0, 100)
    first = draws.uniform(0, 1).numpy()[:, 0]
    second = draws.uniform(0, 1).numpy()[:, 0]
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.4


def test_tones_are_finite_and_cover_the_range():
    audio, midi = (value.numpy() for value in tone_batch(0, 0, 512))
    assert audio.shape == (512, FRAME)
    assert np.isfinite(audio).all()
    assert (audio.std(axis=1) > 0).all()
    assert MIDI[0] <= midi.min() < MIDI[0] + 1
    assert MIDI[1] - 1 < midi.max() <= MIDI[1]


def test_noise_is_coloured():
    power = np.abs(np.fft.rfft(coloured_noise(Draws(0, 0, 200)).numpy())) ** 2
    slopes = [
        np.polyfit(np.log2(np.arange(8, 1000)), 10 * np.log10(row[8:1000]), 1)[0] for row in power
    ]
    # dB per octave: 6 times the exponent of frequency, thus from -9 to 3
    assert -10.5 < min(slopes) < -7 and 1 < max(slopes) < 4.5


def test_edges_never_silence_the_middle():
    gains = edges(Draws(0, 0, 500)).numpy()
    assert gains[:, FRAME // 2].min() > 0
    assert 0.2 < (gains == 0).any(axis=1).mean() < 0.5
    first_half = (gains[:, : FRAME // 2] > 0).all(axis=1)
    second_half = (gains[:, FRAME // 2 :] > 0).all(axis=1)
    assert (first_half | second_half).all()


class ConstantEncoder:
    """An encoder with fixed logits."""

    config = FramesConfig(lowest_midi=36.0, semitones=64, channels=1, stages=1, blocks=1)

    def __init__(self, logits: np.ndarray):
        self.logits = tf.constant(logits[None], tf.float32)

    def frame_logits(self, audio: tf.Tensor) -> tf.Tensor:
        """Return the fixed logits for any audio."""
        return self.logits


def test_the_loss_is_smallest_for_the_right_distribution():
    bins = np.arange(128)
    target = np.exp(-((bins - 2 * (60.25 - 36)) ** 2) / 2)
    logits = np.log(target + 1e-30)
    audio = tf.zeros([1, FRAME])
    midi = tf.constant([60.25])
    exact = pitch_losses(ConstantEncoder(logits), audio, midi)
    np.testing.assert_allclose(exact, [entropy(target)], rtol=1e-4)
    octave_up = pitch_losses(ConstantEncoder(np.roll(logits, 24)), audio, midi)
    assert octave_up[0] > exact[0] + 5
