"""Noise, reverb, spectra, loss, loudness and mu-law against closed forms, SciPy and librosa."""

from collections.abc import Iterator

import librosa
import numpy as np
import scipy.signal
import tensorflow as tf

from conformance import formulas
from conformance.inputs import NOTES, ODD, RANDOM, frames, normal, notes, samples, uniform
from conformance.measure import FLOAT64, Comparison, Row, compare, compare_functions
from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.dsp import filtered_noise as noise
from pipeline.dsp import interpolation, mu_law, reverb, spectra, spectral_loss
from pipeline.features import loudness

BANDS = 65
FRAMES = 100
TAPS = 3000
LIBROSA = "librosa"
SCIPY = "SciPy"
ADJOINT = "adjoint, <Ax, y> = <x, A'y>"
FFT_SIZES = spectral_loss.FFT_SIZES
NOISY_NOTES = f"{NOTES} with noise"
# where two magnitudes agree to 7 digits, rounding decides the sign of their difference
LOSS_GRADIENT_TOLERANCE = 5e-3


def filtered_noise() -> Iterator[Row]:
    """The filters and what they make of noise."""
    given = Comparison("dsp.filtered_noise.impulse_responses", f"{BANDS} bands", FLOAT64)
    yield from compare(given, noise.impulse_responses(BANDS), formulas.filters(BANDS))
    given = Comparison("dsp.filtered_noise.filtered_noise", frames(RANDOM, FRAMES), FLOAT64)
    inputs = {
        "noise": uniform(-1, 1, 2, FRAMES * HOP),
        "magnitudes": uniform(0, 1, 2, FRAMES, BANDS),
    }
    yield from compare_functions(given, noise.filtered_noise, formulas.filtered_noise, inputs)


def interpolations() -> Iterator[Row]:
    """Linear interpolation between frames."""
    inputs = {"frames": normal(2, FRAMES, 3)}
    given = Comparison("dsp.interpolation.upsample_linear", frames(RANDOM, FRAMES), FLOAT64)
    yield from compare_functions(
        given,
        lambda x: interpolation.upsample_linear(x, 8),
        lambda x: formulas.upsampled(x, 8),
        inputs,
    )
    shifted = inputs["frames"][:, [*range(1, FRAMES), FRAMES - 1]]
    given = given._replace(module="dsp.interpolation.next_frame")
    yield from compare(given, interpolation.next_frame(inputs["frames"]), shifted)


def reverberation() -> Iterator[Row]:
    """The convolution against SciPy and its equation, and the reverb with its decay."""
    audio, response = normal(2, ODD), normal(TAPS, seed=1)
    wide = [x.astype(float) for x in (audio, response)]
    exact = scipy.signal.oaconvolve(wide[0], wide[1][None], axes=1)[:, :ODD]
    given = Comparison("dsp.reverb.fft_convolve", samples(RANDOM, ODD), SCIPY)
    yield from compare(given, reverb.fft_convolve(audio, response), exact)
    inputs = {"audio": audio[:, :4001], "response": response[:500]}
    given = Comparison("dsp.reverb.fft_convolve", samples(RANDOM, 4001), FLOAT64)
    yield from compare_functions(given, reverb.fft_convolve, formulas.convolution, inputs)
    effect = reverb.Reverb(501 / SAMPLE_RATE)
    effect.build(None)
    decay = 10 ** (-3 * np.arange(1, 501) / 501)

    def exact_reverb(audio, weights):
        return formulas.convolution(audio, tf.concat([[1.0], weights * decay], 0))

    def ours(audio, weights):
        tail = tf.concat([[0.0], weights * decay.astype(np.float32)], 0)
        return audio + reverb.fft_convolve(audio, tail)

    given = Comparison("dsp.reverb.Reverb", samples(RANDOM, 4001), FLOAT64)
    inputs = {"audio": audio[:, :4001], "weights": response[:500]}
    yield from compare_functions(given, ours, exact_reverb, inputs)
    effect.tail.assign(response[:500])
    exact = exact_reverb(*(tf.constant(x, tf.float64) for x in inputs.values()))
    yield from compare(
        given._replace(input=f"the layer, {given.input}"), effect(inputs["audio"]), exact
    )


def excerpts() -> tuple[np.ndarray, np.ndarray]:
    """Cut two excerpts from the notes, with noise at -40 dB.

    Without noise, the bins between partials hold rounding errors alone, and the gradient of their
    magnitude has the phase of these errors.
    """
    first, second = notes()[:, 8000 : 8000 + ODD], notes()[::-1, 16000 : 16000 + ODD]
    return first + normal(2, ODD, scale=0.01), second + normal(2, ODD, seed=1, scale=0.01)


def transforms() -> Iterator[Row]:
    """Short-time transforms against their sums, with a length that is no multiple of the hop."""
    audio = excerpts()[0]
    size, hop = 1024, 256
    given = Comparison("dsp.spectra.stft", samples(NOISY_NOTES, ODD), FLOAT64)
    exact = formulas.spectrum(formulas.cut(tf.constant(audio, tf.float64), size, hop))
    spectrum = spectra.stft(tf.constant(audio), size, hop)
    yield from compare(given, spectrum, exact)
    upstream = normal(*spectrum.shape)
    wide = tf.constant(audio, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(wide)
        magnitude = tf.abs(formulas.spectrum(formulas.cut(wide, size, hop)))
        total = tf.reduce_sum(magnitude * upstream.astype(float))
    ours = spectra.magnitude_gradient(
        tf.constant(upstream), spectrum, tf.abs(spectrum), hop, tf.constant(ODD)
    )
    given = given._replace(module="dsp.spectra.magnitude_gradient", tolerance=1e-4)
    yield from compare(given, ours, tape.gradient(total, wide))


def overlaps() -> Iterator[Row]:
    """Frames against their definition; the sum of overlapping frames as the frames' adjoint."""
    audio = normal(2, ODD)
    size, hop = 1024, 256
    plain = formulas.cut(tf.constant(audio, tf.float64), size, hop)
    centred = formulas.cut(tf.constant(audio, tf.float64), size, hop, size // 2)
    given = Comparison("dsp.spectra.overlapping_frames", samples(RANDOM, ODD), FLOAT64)
    ours = spectra.overlapping_frames(tf.constant(audio), hop, size // hop)
    yield from compare(given, ours, plain)
    given = given._replace(module="dsp.spectra.centered_frames")
    yield from compare(given, spectra.centered_frames(tf.constant(audio), size, hop), centred)
    others = normal(*plain.shape, seed=1)
    added = spectra.overlap_add(tf.constant(others), hop, size // hop)[:, :ODD]
    given = given._replace(module="dsp.spectra.overlap_add", reference=ADJOINT)
    yield from compare(given, inner(audio, added), inner(plain, others))
    added = spectra.centered_overlap_add(tf.constant(others), hop, ODD)
    given = given._replace(module="dsp.spectra.centered_overlap_add")
    yield from compare(given, inner(audio, added), inner(centred, others))


def inner(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the inner product in float64."""
    return np.vdot(np.asarray(one, float), np.asarray(other, float))


def losses() -> Iterator[Row]:
    """The multi-scale spectral loss and the distance of two spectrograms."""
    pairs = {NOISY_NOTES: excerpts(), RANDOM: (normal(2, ODD), normal(2, ODD, seed=1))}
    for name, pair in pairs.items():
        given = Comparison(
            "dsp.spectral_loss.multi_scale_spectral_loss",
            samples(name, ODD),
            FLOAT64,
            gradient_tolerance=LOSS_GRADIENT_TOLERANCE,
        )
        yield from compare_functions(
            given,
            spectral_loss.multi_scale_spectral_loss,
            lambda *pair: formulas.spectral_loss(*pair, FFT_SIZES, 1.0),
            dict(zip(("target", "audio"), pair)),
            constants=["target"],
        )
    target, estimate = uniform(0, 3, 2, 50, 33), uniform(0, 3, 2, 50, 33, seed=1)
    wide = [x.astype(float) for x in (target, estimate)]
    logs = np.abs(np.log(wide[0] + 1e-5) - np.log(wide[1] + 1e-5)).mean((1, 2))
    given = Comparison("dsp.spectral_loss.spectral_distance", frames(RANDOM, 50), FLOAT64)
    ours = spectral_loss.spectral_distance(tf.constant(target), tf.constant(estimate), 0.5)
    yield from compare(given, ours, np.abs(wide[0] - wide[1]).mean((1, 2)) + 0.5 * logs)


def loudness_curves() -> Iterator[Row]:
    """Loudness against its formula; a whole recording in pieces against one transform."""
    size = loudness.WINDOW
    frequencies = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    with np.errstate(divide="ignore"):
        weights = 10 ** (librosa.A_weighting(frequencies, min_db=None) / 10)
    given = Comparison("features.loudness.a_weighting", f"{size} samples", LIBROSA)
    yield from compare(given, loudness.a_weighting(size), weights)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    for count in (64000, ODD):
        audio = notes()[:, 8000:][:, :count] if count == ODD else notes()
        padded = np.pad(audio.astype(float), [[0, 0], [size // 2, size]])
        windows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, ::HOP]
        power = np.abs(np.fft.rfft(windows[:, : count // HOP] * hann)) ** 2 @ weights
        exact = 10 * np.log10(np.maximum(power / (size * (hann**2).sum() / 4), 1e-8))
        given = Comparison("features.loudness.loudness_db", samples(NOTES, count), FLOAT64)
        yield from compare(given, loudness.loudness_db(tf.constant(audio)), exact)
        given = given._replace(module="features.loudness.loudness_curve")
        ours = np.stack([loudness.loudness_curve(each) for each in audio])
        yield from compare(given, ours, exact)


def companding() -> Iterator[Row]:
    """mu-law and its levels against librosa's."""
    audio = uniform(-1.2, 1.2, 2, ODD)
    clipped = np.clip(audio.astype(float), -1, 1)
    exact = librosa.mu_compress(clipped, mu=255, quantize=False)
    given = Comparison("dsp.mu_law.mu_law", samples(RANDOM, ODD), LIBROSA)
    yield from compare(given, mu_law.mu_law(tf.constant(audio)), exact)
    given = given._replace(module="dsp.mu_law.inverse_mu_law")
    expanded = librosa.mu_expand(exact, mu=255, quantize=False)
    yield from compare(given, mu_law.inverse_mu_law(tf.constant(exact, tf.float32)), expanded)
    levels = 128 + np.round(127 * exact)
    given = given._replace(module="dsp.mu_law.to_levels")
    yield from compare(given, mu_law.to_levels(tf.constant(audio)), levels)
    given = given._replace(module="dsp.mu_law.companded", reference=FLOAT64)
    yield from compare(given, mu_law.companded(tf.constant(levels, tf.int32)), (levels - 128) / 127)
