"""Synthetic harmonic tones of known f0, to pretrain the f0 encoder on (as in Engel et al. 2020b,
"Self-supervised pitch detection by inverse audio synthesis", with a recipe of our own).
Nothing here comes from a data set: f0, spectrum and noise are drawn at random, wider than
instruments are. A batch is a function of seed and step.
"""

import math

import tensorflow as tf

from pipeline.common.units import SAMPLE_RATE
from pipeline.models.f0_encoder import BINS, BINS_PER_SEMITONE, FRAME, LOWEST_MIDI, F0Encoder

MIDI = (38.0, 96.0)  # f0, 73 to 2093 Hz
HARMONICS = 110  # below Nyquist at the lowest f0
# samples of one period; reading between them linearly errs by -78 dB of the 10th harmonic, -37 dB
# of the 110th
TABLE = 2048
TARGET_BINS = 1.0  # standard deviation of the Gaussian that the distribution is to follow


class Draws:
    """Random tensors of a batch, each call another one: a function of (seed, step, number of the
    call).
    """

    def __init__(self, seed: int | tf.Tensor, step: int | tf.Tensor, batch: int):
        self.seed, self.batch, self.calls = (
            tf.stack([tf.cast(seed, tf.int64), tf.cast(step, tf.int64)]),
            batch,
            0,
        )

    def _next(self) -> tf.Tensor:
        """The seed of one more call."""
        self.calls += 1
        return tf.random.experimental.stateless_fold_in(self.seed, self.calls)

    def uniform(self, low: float, high: float, size: int = 1) -> tf.Tensor:
        """[batch, size] between low and high."""
        return tf.random.stateless_uniform([self.batch, size], self._next(), low, high)

    def normal(self, size: int) -> tf.Tensor:
        """[batch, size] with mean 0 and variance 1."""
        return tf.random.stateless_normal([self.batch, size], self._next())

    def chance(self, probability: float, size: int = 1) -> tf.Tensor:
        """[batch, size], 1 with the given probability, else 0."""
        return tf.cast(self.uniform(0, 1, size) < probability, tf.float32)


def tone_batch(
    seed: int | tf.Tensor, step: int | tf.Tensor, batch_size: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Tones as long as one frame of the encoder, and the MIDI pitch each has in its middle:
    [batch, 2048], [batch].
    """
    draws = Draws(seed, step, batch_size)
    midi = draws.uniform(*MIDI)
    tone = oscillator(draws, midi, harmonic_db(draws, midi))
    noise = coloured_noise(draws)
    level = 10 ** (-draws.uniform(3.0, 60.0) / 20) * _rms(tone) / _rms(noise)
    return (tone + level * noise) * edges(draws), midi[:, 0]


def pitch_losses(encoder: F0Encoder, audio: tf.Tensor, midi: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of the encoder's distribution to a Gaussian around the true pitch: [batch,
    2048], [batch] -> [batch].
    """
    bins = tf.range(BINS, dtype=tf.float32)
    distance = (bins - ((midi - LOWEST_MIDI) * BINS_PER_SEMITONE)[:, None]) / TARGET_BINS
    return tf.nn.softmax_cross_entropy_with_logits(
        tf.nn.softmax(-(distance**2) / 2), encoder.frame_logits(audio)
    )


def harmonic_db(draws: Draws, midi: tf.Tensor) -> tf.Tensor:
    """Levels of the harmonics: tilt, formants, jitter, weak ones: pitch [batch, 1] -> dB [batch,
    harmonics].
    """
    octaves = tf.math.log(tf.range(1, HARMONICS + 1, dtype=tf.float32))[None] / math.log(2)
    tilt = draws.uniform(0.0, 18.0) + draws.chance(0.25) * draws.uniform(0.0, 18.0)
    jitter = draws.normal(HARMONICS) * draws.uniform(0.0, 8.0)
    weak = draws.chance(0.15, HARMONICS) * draws.uniform(0.0, 40.0)
    even = 1 - tf.cast(tf.range(1, HARMONICS + 1) % 2, tf.float32)[None]
    # weak even harmonics: closed pipes
    hollow = draws.chance(0.25) * even * draws.uniform(0.0, 30.0)
    return formants_db(draws, octaves + (midi - 69) / 12) - tilt * octaves + jitter - weak - hollow


def formants_db(draws: Draws, octaves: tf.Tensor) -> tf.Tensor:
    """Three resonances or gaps at octaves relative to 440 Hz: [batch, harmonics] -> dB."""
    total = tf.zeros_like(octaves)
    for _ in range(3):
        centre, width, gain = (
            draws.uniform(-1.5, 3.5),
            draws.uniform(0.2, 1.0),
            draws.uniform(-20.0, 25.0),
        )
        total += gain * tf.exp(-(((octaves - centre) / width) ** 2) / 2)
    return total


def oscillator(draws: Draws, midi: tf.Tensor, levels_db: tf.Tensor) -> tf.Tensor:
    """A periodic tone that may glide: pitch in the middle [batch, 1], levels [batch, harmonics] ->
    [batch, 2048].

    One period with random phases comes from an inverse FFT; reading it at the tone's phase costs
    the same for any number of harmonics. Harmonics from Nyquist on are left out.
    """
    f0_hz = 440 * 2 ** ((midi - 69) / 12)
    heard = f0_hz * tf.range(1, HARMONICS + 1, dtype=tf.float32) < SAMPLE_RATE / 2
    amplitudes = tf.where(heard, 10 ** (levels_db / 20), 0.0)
    phases = draws.uniform(0.0, 2 * math.pi, HARMONICS)
    spectrum = tf.pad(
        tf.complex(amplitudes * tf.cos(phases), amplitudes * tf.sin(phases)),
        [[0, 0], [1, TABLE // 2 - HARMONICS]],
    )
    period = tf.signal.irfft(spectrum) * (TABLE / 2)
    seconds = (tf.range(FRAME, dtype=tf.float32)[None] - FRAME / 2) / SAMPLE_RATE
    glide = draws.chance(0.5) * draws.uniform(-4.0, 4.0)  # semitones per second
    return read_period(period, f0_hz * seconds * (1 + glide * math.log(2) / 24 * seconds))


def read_period(period: tf.Tensor, cycles: tf.Tensor) -> tf.Tensor:
    """One period at phases in cycles, interpolated linearly: [batch, table], [batch, samples] ->
    [batch, samples].
    """
    position = tf.math.floormod(cycles, 1.0) * TABLE
    before = tf.minimum(tf.cast(position, tf.int32), TABLE - 1)
    closed = tf.concat([period, period[:, :1]], axis=1)
    low, high = tf.gather(closed, before, batch_dims=1), tf.gather(closed, before + 1, batch_dims=1)
    return low + (high - low) * (position - tf.cast(before, tf.float32))


def coloured_noise(draws: Draws) -> tf.Tensor:
    """Noise whose spectrum falls or rises by a random power of frequency: [batch, 2048]."""
    frequencies = tf.maximum(tf.range(FRAME // 2 + 1, dtype=tf.float32), 4.0)[None] / 4
    shape = frequencies ** draws.uniform(-1.5, 0.5)
    return tf.signal.irfft(tf.signal.rfft(draws.normal(FRAME)) * tf.cast(shape, tf.complex64))


def edges(draws: Draws) -> tf.Tensor:
    """Gains [batch, 2048]: a third of the tones begin or end inside the frame, on either side of
    the middle, and some swell.
    """
    from_middle = (tf.range(FRAME, dtype=tf.float32)[None] - FRAME / 2) / (FRAME / 2)  # -1 to 1
    turned = from_middle * tf.sign(draws.uniform(-1.0, 1.0))
    cut = tf.where(
        draws.chance(0.35) * tf.cast(turned > draws.uniform(0.0, 1.0), tf.float32) > 0, 0.0, 1.0
    )
    return cut * 10 ** (draws.uniform(-10.0, 10.0) * from_middle / 20)


def _rms(signal: tf.Tensor) -> tf.Tensor:
    """Root mean square: [batch, samples] -> [batch, 1]."""
    return tf.sqrt(tf.reduce_mean(signal**2, axis=1, keepdims=True) + 1e-12)
