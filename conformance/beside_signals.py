"""pipeline.dsp and pipeline.features.loudness beside the authors' releases."""

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from conformance.authors import Authors
from conformance.closed_form_harmonics import HARMONICS, PHASE_TOLERANCE, SECOND
from conformance.closed_form_spectra import (
    BANDS,
    FRAMES,
    LOSS_GRADIENT_TOLERANCE,
    NOISY_NOTES,
    TAPS,
    excerpts,
)
from conformance.differentiation import values_and_gradients
from conformance.inputs import (
    NOTES,
    ODD,
    RANDOM,
    frames,
    normal,
    notes,
    notes_f0,
    samples,
    shares,
    uniform,
    vibrato_f0,
)
from conformance.measure import FIRST, LAST, Comparison, Row, compare, upstream_of
from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.dsp import filtered_noise as noise
from pipeline.dsp import harmonic, interpolation, reverb, spectra, spectral_loss
from pipeline.features import loudness
from pipeline.models import networks

RELEASES = (FIRST, LAST)
# Their phases are sums of float32 numbers: over 512 samples of 20 harmonics they reach 600 radians,
# and use_angular_cumsum adds up 1000 samples before it wraps them, and then the remainders.
SHORT_TOLERANCE = 1e-3
ANGULAR_TOLERANCE = 1e-2


def beside(
    authors: Authors,
    comparison: Comparison,
    case: str,
    ours: Callable[..., tf.Tensor],
    inputs: dict[str, np.ndarray],
    constants: tuple[str, ...] = (),
) -> Iterator[Row]:
    """Compare values and gradients of a function with those of the comparison's release."""
    upstream = upstream_of(ours, inputs)
    yield from compare(
        comparison,
        values_and_gradients(ours, inputs, upstream, constants),
        authors.ask(comparison.reference, case, inputs | {"upstream": upstream}),
    )


def exp_sigmoid(authors: Authors) -> Iterator[Row]:
    """The nonlinearity of the controls."""
    for release in RELEASES:
        given = Comparison("models.networks.exp_sigmoid", f"{RANDOM}, -20 to 10", release)
        inputs = {"x": uniform(-20, 10, 2, ODD)}
        yield from beside(authors, given, "exp_sigmoid", networks.exp_sigmoid, inputs)


def harmonic_synthesis(authors: Authors) -> Iterator[Row]:
    """The harmonic synthesizer: few frames, before the authors' phase drifts, and real f0."""
    curves = loudness.loudness_db(tf.constant(notes())).numpy()
    names = ("f0", "amplitude", "distribution")
    short = (vibrato_f0(8, 100.0), uniform(0, 1, 2, 8), shares(2, 8, 20))
    whole = (notes_f0(), (10 ** (curves / 20)).astype(np.float32), shares(2, 1000, 12))
    function = harmonic.harmonic_synthesis
    given = Comparison(
        "dsp.harmonic.harmonic_synthesis",
        frames("vibrato", 8),
        "",
        tolerance=SHORT_TOLERANCE,
        gradient_tolerance=SHORT_TOLERANCE,
    )
    for release in RELEASES:
        given = given._replace(reference=release)
        yield from beside(authors, given, "harmonics", function, dict(zip(names, short)))
    given = given._replace(
        input=frames(f"f0 and loudness of {NOTES}", 1000), tolerance=PHASE_TOLERANCE
    )
    for release in RELEASES:
        given = given._replace(reference=release, line="phase-drift")
        yield from beside(authors, given, "harmonics", function, dict(zip(names, whole)))
    # their phase without most of its drift: sums of 1000 samples, wrapped
    given = given._replace(input=f"{given.input}, use_angular_cumsum", tolerance=ANGULAR_TOLERANCE)
    given = given._replace(gradient_tolerance=ANGULAR_TOLERANCE)
    yield from beside(authors, given, "angular_harmonics", function, dict(zip(names, whole)))


def envelopes(authors: Authors) -> Iterator[Row]:
    """The Hann envelope and linear interpolation of frames."""

    def enveloped(amplitudes):
        pairs = tf.stack([amplitudes, interpolation.next_frame(amplitudes)], axis=2)
        envelope = tf.einsum("btpk,pn->btnk", pairs, harmonic.hann_envelope())
        return tf.reshape(envelope, [amplitudes.shape[0], -1, amplitudes.shape[-1]])

    inputs = {"frames": normal(2, FRAMES, 3)}
    for release in RELEASES:
        given = Comparison("dsp.harmonic.hann_envelope", frames(RANDOM, FRAMES), release)
        yield from beside(authors, given, "window_upsampling", enveloped, inputs)
        given = given._replace(module="dsp.interpolation.upsample_linear")
        ours = lambda x: interpolation.upsample_linear(x, 8)  # noqa: E731, a name for a formula
        yield from beside(authors, given, "linear_upsampling", ours, inputs)


def nyquist(authors: Authors) -> Iterator[Row]:
    """Silence above Nyquist and normalization: steady f0, and f0 that jumps at every frame."""
    amplitudes = uniform(0.01, 1, 2, SECOND, HARMONICS, seed=1)
    curves = {
        "steady f0": np.full([2, SECOND], 440.0, np.float32),
        "random f0": uniform(100, 4000, 2, SECOND),
    }
    for release in RELEASES:
        for what, f0 in curves.items():
            given = Comparison(
                "dsp.harmonic.remove_above_nyquist",
                frames(what, SECOND),
                release,
                line="nyquist",
            )
            ours = harmonic.remove_above_nyquist(tf.constant(f0), tf.constant(amplitudes))
            theirs = authors.ask(release, "audible", {"f0": f0, "amplitudes": amplitudes})
            yield from compare(given, {"values": ours}, theirs)
            given = given._replace(module="dsp.harmonic.normalized_distribution")
            inputs = {"f0": f0, "distribution": amplitudes}
            function = harmonic.normalized_distribution
            yield from beside(authors, given, "distribution", function, inputs, ("f0",))


def filtered_noise(authors: Authors) -> Iterator[Row]:
    """The filters; filtered noise as it is, and shifted by the two samples that it is earlier."""
    module = "dsp.filtered_noise.filtered_noise"
    eye = np.eye(BANDS, dtype=np.float32)[None]
    inputs = {
        "noise": uniform(-1, 1, 2, FRAMES * HOP),
        "magnitudes": uniform(0, 1, 2, FRAMES, BANDS),
    }
    for release in RELEASES:
        given = Comparison("dsp.filtered_noise.impulse_responses", f"{BANDS} bands", release)
        theirs = authors.ask(release, "filter_design", {"magnitudes": eye})["values"][0]
        yield from compare(given, noise.impulse_responses(BANDS), theirs)
        given = Comparison(module, frames(RANDOM, FRAMES), release, line="noise-delay")
        yield from beside(authors, given, "filtered_noise", noise.filtered_noise, inputs)
        upstream = np.zeros([2, FRAMES * HOP], np.float32)
        upstream[:, 2:] = normal(2, FRAMES * HOP - 2, seed=9)
        theirs = authors.ask(release, "filtered_noise", inputs | {"upstream": upstream})
        theirs["values"] = theirs["values"][:, 2:]

        def shifted(*inputs):
            return noise.filtered_noise(*inputs)[:, :-2]

        given = given._replace(input=f"{given.input}, ours two samples later", line="")
        yield from compare(given, values_and_gradients(shifted, inputs, upstream[:, 2:]), theirs)


def reverberation(authors: Authors) -> Iterator[Row]:
    """The convolution; the reverb by its response and by its trained weights."""
    inputs = {"audio": normal(2, ODD), "response": normal(TAPS, seed=1)}
    effect = reverb.Reverb(TAPS / SAMPLE_RATE)
    effect.build(None)
    unit = tf.ones([TAPS - 1])
    effect.tail.assign(unit)
    decay = effect.impulse_response()[1:]

    def by_response(audio, response):
        effect.tail.assign(response[1:] / decay)
        return audio + reverb.fft_convolve(audio, tf.concat([[0.0], response[1:]], 0))

    def by_weights(audio, response):
        return audio + reverb.fft_convolve(audio, tf.concat([[0.0], response[1:] * decay], 0))

    for release in RELEASES:
        given = Comparison("dsp.reverb.fft_convolve", samples(RANDOM, ODD), release)
        yield from beside(authors, given, "convolution", reverb.fft_convolve, inputs)
        given = given._replace(module="dsp.reverb.Reverb")
        yield from beside(authors, given, "reverb", by_response, inputs)
        layer = {"values": effect(tf.constant(inputs["audio"]))}
        upstream = np.zeros_like(inputs["audio"])
        theirs = authors.ask(release, "reverb", inputs | {"upstream": upstream})
        given = given._replace(input=f"{given.input}, the layer")
        yield from compare(given, layer, {"values": theirs["values"]})
        given = given._replace(
            input=f"{samples(RANDOM, ODD)}, equal numbers as weights", line="reverb"
        )
        yield from beside(authors, given, "reverb", by_weights, inputs)


def spectral_losses(authors: Authors) -> Iterator[Row]:
    """The spectral loss on one example each, and the magnitudes that it compares."""
    function = spectral_loss.multi_scale_spectral_loss
    pairs = {NOISY_NOTES: excerpts(), RANDOM: (normal(2, ODD), normal(2, ODD, seed=1))}
    pairs |= {NOTES: (notes()[:, 8000 : 8000 + ODD], notes()[::-1, 16000 : 16000 + ODD])}
    for release in RELEASES:
        for what, pair in pairs.items():
            inputs = {name: x[:1] for name, x in zip(("target", "audio"), pair)}
            given = Comparison(
                "dsp.spectral_loss.multi_scale_spectral_loss",
                samples(what, ODD),
                release,
                gradient_tolerance=LOSS_GRADIENT_TOLERANCE,
                line="spectral-loss",
            )
            rows = beside(
                authors, given, "spectral_loss", lambda *x: function(*x)[0], inputs, ("target",)
            )
            # without noise, the gradient between partials is that of rounding errors
            yield from (row for row in rows if what != NOTES or row.what == "values")
        given = Comparison("dsp.spectra.stft", samples(NOTES, ODD), release)
        audio = notes()[:, 8000 : 8000 + ODD]
        ours = spectra.stft(tf.constant(audio), 1024, 256)
        question = {"audio": audio, "size": np.array(1024), "upstream": np.zeros(ours.shape)}
        theirs = authors.ask(release, "magnitudes", question)["values"]
        yield from compare(given, tf.abs(ours), theirs)


def loudness_curves(authors: Authors) -> Iterator[Row]:
    """Loudness beside 0.0.6, and beside 3.7.0 with our window and our 0 dB."""
    size = loudness.WINDOW
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    # theirs averages the bins; a full-scale sine has this mean of weighted power
    full_scale = 10 * np.log10(size * (hann**2).sum() / 4 / (size // 2 + 1))
    for count in (64000, ODD):
        audio = notes()[:, 8000:][:, :count] if count == ODD else notes()
        ours = loudness.loudness_db(tf.constant(audio)).numpy()
        given = Comparison("features.loudness.loudness_db", samples(NOTES, count), FIRST)
        theirs = authors.ask(FIRST, "loudness", {"audio": audio})["values"]
        given = given._replace(line="loudness")
        yield from compare(given, ours, theirs[:, : ours.shape[1]])
        question = {"audio": audio, "ref_db": np.array(full_scale)}
        theirs = authors.ask(LAST, "loudness", question)["values"]
        given = given._replace(reference=LAST, line="")
        given = given._replace(input=f"{given.input}, our 0 dB")
        yield from compare(given, ours, theirs[:, : ours.shape[1]])
