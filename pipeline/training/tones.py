"""Synthetic harmonic tones of known f0, for pretraining the f0 encoder (as in Engel et al. 2020b,
"Self-supervised pitch detection by inverse audio synthesis", with a different recipe). They use no
data set: f0, spectrum and noise are drawn at random from ranges wider than those of instruments. A
batch is a function of seed and step.
"""

import math

import tensorflow as tf

from pipeline.common.units import SAMPLE_RATE
from pipeline.models.f0_frames import BINS_PER_SEMITONE, FRAME, FramesF0Encoder

MIDI = (38.0, 96.0)  # range of f0: 73 to 2093 Hz
HARMONICS = 110  # below Nyquist at the lowest f0
# samples of one period; the error of linear interpolation is -78 dB relative to the 10th harmonic
# and -37 dB relative to the 110th
TABLE = 2048
TARGET_BINS = 1.0  # standard deviation in bins of the Gaussian target distribution


class Draws:
    """Random tensors for a batch. Every call gives a different one, a function of seed, step and
    the number of the call.
    """

    def __init__(self, seed: int | tf.Tensor, step: int | tf.Tensor, batch: int):
        self.seed = tf.stack([tf.cast(seed, tf.int64), tf.cast(step, tf.int64)])
        self.batch = batch
        self.calls = 0

    def _next(self) -> tf.Tensor:
        """Return the seed of the next call."""
        self.calls += 1
        return tf.random.experimental.stateless_fold_in(self.seed, self.calls)

    def uniform(self, low: float, high: float, size: int = 1) -> tf.Tensor:
        """Draw uniform numbers between low and high: [batch, size]."""
        return tf.random.stateless_uniform([self.batch, size], self._next(), low, high)

    def normal(self, size: int) -> tf.Tensor:
        """Draw normal numbers of mean 0 and variance 1: [batch, size]."""
        return tf.random.stateless_normal([self.batch, size], self._next())

    def chance(self, probability: float, size: int = 1) -> tf.Tensor:
        """Draw 1 with the given probability, else 0: [batch, size]."""
        return tf.cast(self.uniform(0, 1, size) < probability, tf.float32)


def tone_batch(
    seed: int | tf.Tensor, step: int | tf.Tensor, batch_size: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Synthesize tones as long as one frame of the encoder.

    Args:
        seed: of the run.
        step: of the training.
        batch_size: number of tones.

    Returns:
        Audio [batch, 2048] and the MIDI pitch in the middle of each tone [batch].
    """
    draws = Draws(seed, step, batch_size)
    midi = draws.uniform(*MIDI)
    tone = oscillator(draws, midi, harmonic_db(draws, midi))
    noise = coloured_noise(draws)
    level = 10 ** (-draws.uniform(3.0, 60.0) / 20) * _rms(tone) / _rms(noise)
    return (tone + level * noise) * edges(draws), midi[:, 0]


def pitch_losses(encoder: FramesF0Encoder, audio: tf.Tensor, midi: tf.Tensor) -> tf.Tensor:
    """Compute the cross-entropy between the encoder's distribution and a Gaussian around the true
    pitch.

    Args:
        encoder: predicts the distribution.
        audio: [batch, 2048]
        midi: true pitch, [batch].

    Returns:
        [batch]
    """
    logits = encoder.frame_logits(audio)
    bins = tf.range(logits.shape[-1], dtype=tf.float32)
    true_bin = (midi - encoder.config.lowest_midi) * BINS_PER_SEMITONE
    distance = (bins - true_bin[:, None]) / TARGET_BINS
    return tf.nn.softmax_cross_entropy_with_logits(tf.nn.softmax(-(distance**2) / 2), logits)


def harmonic_db(draws: Draws, midi: tf.Tensor) -> tf.Tensor:
    """Draw levels of the harmonics, with a spectral tilt, formants, jitter and weak harmonics:
    pitch [batch, 1] -> dB [batch, harmonics].
    """
    octaves = tf.math.log(tf.range(1, HARMONICS + 1, dtype=tf.float32))[None] / math.log(2)
    tilt = draws.uniform(0.0, 18.0) + draws.chance(0.25) * draws.uniform(0.0, 18.0)
    jitter = draws.normal(HARMONICS) * draws.uniform(0.0, 8.0)
    weak = draws.chance(0.15, HARMONICS) * draws.uniform(0.0, 40.0)
    even = 1 - tf.cast(tf.range(1, HARMONICS + 1) % 2, tf.float32)[None]
    # weak even harmonics, as in closed pipes
    hollow = draws.chance(0.25) * even * draws.uniform(0.0, 30.0)
    return formants_db(draws, octaves + (midi - 69) / 12) - tilt * octaves + jitter - weak - hollow


def formants_db(draws: Draws, octaves: tf.Tensor) -> tf.Tensor:
    """Draw three resonances or gaps and return their gains in dB at the given octaves relative to
    440 Hz: [batch, harmonics] -> [batch, harmonics].
    """
    total = tf.zeros_like(octaves)
    for _ in range(3):
        centre = draws.uniform(-1.5, 3.5)
        width = draws.uniform(0.2, 1.0)
        gain = draws.uniform(-20.0, 25.0)
        total += gain * tf.exp(-(((octaves - centre) / width) ** 2) / 2)
    return total


def oscillator(draws: Draws, midi: tf.Tensor, levels_db: tf.Tensor) -> tf.Tensor:
    """Synthesize periodic tones, some of which glide.

    An inverse FFT gives one period with random phases; reading it at the tone's phase costs the
    same for any number of harmonics. Harmonics at or above the Nyquist frequency are silent.

    Args:
        draws: the batch's random numbers.
        midi: pitch in the middle, [batch, 1].
        levels_db: [batch, harmonics]

    Returns:
        [batch, 2048]
    """
    f0_hz = 440 * 2 ** ((midi - 69) / 12)
    audible = f0_hz * tf.range(1, HARMONICS + 1, dtype=tf.float32) < SAMPLE_RATE / 2
    amplitudes = tf.where(audible, 10 ** (levels_db / 20), 0.0)
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
    """Read one period at phases in cycles with linear interpolation: [batch, table], [batch,
    samples] -> [batch, samples].
    """
    position = tf.math.floormod(cycles, 1.0) * TABLE
    before = tf.minimum(tf.cast(position, tf.int32), TABLE - 1)
    closed = tf.concat([period, period[:, :1]], axis=1)
    low = tf.gather(closed, before, batch_dims=1)
    high = tf.gather(closed, before + 1, batch_dims=1)
    return low + (high - low) * (position - tf.cast(before, tf.float32))


def coloured_noise(draws: Draws) -> tf.Tensor:
    """Draw noise whose spectrum follows a random power of frequency: [batch, 2048]."""
    frequencies = tf.maximum(tf.range(FRAME // 2 + 1, dtype=tf.float32), 4.0)[None] / 4
    shape = frequencies ** draws.uniform(-1.5, 0.5)
    return tf.signal.irfft(tf.signal.rfft(draws.normal(FRAME)) * tf.cast(shape, tf.complex64))


def edges(draws: Draws) -> tf.Tensor:
    """Draw gain curves [batch, 2048]: about a third of the tones begin or end within the frame, on
    either side of its middle, and levels rise or fall.
    """
    from_middle = (tf.range(FRAME, dtype=tf.float32)[None] - FRAME / 2) / (FRAME / 2)  # -1 to 1
    turned = from_middle * tf.sign(draws.uniform(-1.0, 1.0))
    cut = tf.where(
        draws.chance(0.35) * tf.cast(turned > draws.uniform(0.0, 1.0), tf.float32) > 0, 0.0, 1.0
    )
    return cut * 10 ** (draws.uniform(-10.0, 10.0) * from_middle / 20)


def _rms(signal: tf.Tensor) -> tf.Tensor:
    """Compute the root mean square: [batch, samples] -> [batch, 1]."""
    return tf.sqrt(tf.reduce_mean(signal**2, axis=1, keepdims=True) + 1e-12)
