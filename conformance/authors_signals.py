"""Cases of the authors' worker: synthesizers, effects, spectra, losses. Each takes arrays by name
and returns arrays by name.
"""

import tensorflow as tf

from conformance.authors_package import FIRST, Arrays, ddsp, differentiable
from conformance.differentiation import VALUES

HOP = 64


def exp_sigmoid(given: Arrays) -> Arrays:
    """Apply core.exp_sigmoid."""
    return differentiable(ddsp.core.exp_sigmoid, given)


def harmonics(given: Arrays) -> Arrays:
    """Synthesize with core.harmonic_synthesis."""
    return differentiable(lambda *controls: synthesize(controls, {}), given)


def angular_harmonics(given: Arrays) -> Arrays:
    """Synthesize with core.harmonic_synthesis of 3.7.0 and its more accurate phase."""
    options = {"use_angular_cumsum": True}
    return differentiable(lambda *controls: synthesize(controls, options), given)


def synthesize(controls: tuple[tf.Tensor, ...], options: dict[str, bool]) -> tf.Tensor:
    """Synthesize from f0, amplitude and distribution."""
    f0, amplitude, distribution = controls
    return ddsp.core.harmonic_synthesis(
        f0[..., None],
        amplitude[..., None],
        harmonic_distribution=distribution,
        n_samples=f0.shape[1] * HOP,
        **options,
    )


def audible(given: Arrays) -> Arrays:
    """Silence harmonics at frame rate with core.remove_above_nyquist, as the synthesizer does."""
    frequencies = ddsp.core.get_harmonic_frequencies(
        given["f0"][..., None], given["amplitudes"].shape[-1]
    )
    return {VALUES: ddsp.core.remove_above_nyquist(frequencies, given["amplitudes"]).numpy()}


def distribution(given: Arrays) -> Arrays:
    """Normalize a harmonic distribution with the synthesizer's get_controls."""
    synth = (ddsp.synths.Additive if FIRST else ddsp.synths.Harmonic)(scale_fn=None)

    def normalize(f0, distribution):
        controls = synth.get_controls(tf.ones_like(f0)[..., None], distribution, f0[..., None])
        return controls["harmonic_distribution"]

    return differentiable(normalize, given, ["f0"])


def window_upsampling(given: Arrays) -> Arrays:
    """Interpolate frames with core.upsample_with_windows."""
    return differentiable(
        lambda frames: ddsp.core.upsample_with_windows(frames, frames.shape[1] * HOP), given
    )


def linear_upsampling(given: Arrays) -> Arrays:
    """Interpolate frames with core.resample."""
    factor = given["upstream"].shape[1] // given["frames"].shape[1]
    return differentiable(
        lambda frames: ddsp.core.resample(frames, frames.shape[1] * factor), given
    )


def filter_design(given: Arrays) -> Arrays:
    """Design filters with core.frequency_impulse_response."""
    magnitudes = tf.constant(given["magnitudes"], tf.float32)
    return {VALUES: ddsp.core.frequency_impulse_response(magnitudes, 0).numpy()}


def filtered_noise(given: Arrays) -> Arrays:
    """Filter given noise with core.frequency_filter, window as in models/ae.gin."""
    return differentiable(
        lambda noise, magnitudes: ddsp.core.frequency_filter(noise, magnitudes, window_size=0),
        given,
    )


def convolution(given: Arrays) -> Arrays:
    """Convolve with core.fft_convolve as the reverb does."""
    return differentiable(
        lambda audio, response: ddsp.core.fft_convolve(
            audio, for_all(response, audio), padding="same", delay_compensation=0
        ),
        given,
    )


def reverb(given: Arrays) -> Arrays:
    """Apply effects.Reverb to audio, with a given response."""
    effect = ddsp.effects.Reverb()
    return differentiable(
        lambda audio, response: effect.get_signal(audio, for_all(response, audio)), given
    )


def for_all(response: tf.Tensor, audio: tf.Tensor) -> tf.Tensor:
    """Repeat a response for every example."""
    return tf.tile(response[None], [audio.shape[0], 1])


def spectral_loss(given: Arrays) -> Arrays:
    """Compute losses.SpectralLoss as models/ae.gin configures it."""
    loss = ddsp.losses.SpectralLoss(loss_type="L1", mag_weight=1.0, logmag_weight=1.0)

    def of_pair(target, audio):
        return loss(audio, target) if FIRST else loss(target, audio)

    return differentiable(of_pair, given, ["target"])


def magnitudes(given: Arrays) -> Arrays:
    """Compute spectral_ops.compute_mag."""
    size = int(given.pop("size"))
    return differentiable(lambda audio: ddsp.spectral_ops.compute_mag(audio, size=size), given)


def mfcc(given: Arrays) -> Arrays:
    """Compute the 30 MFCCs of the z encoder at `z_time_steps` 125."""
    return differentiable(
        lambda audio: ddsp.spectral_ops.compute_mfcc(
            audio, fft_size=1024, mfcc_bins=30, overlap=0.5
        ),
        given,
    )


def loudness(given: Arrays) -> Arrays:
    """Compute spectral_ops.compute_loudness, 3.7.0 with the window of 0.0.6 and a given 0 dB."""
    if FIRST:
        return {VALUES: ddsp.spectral_ops.compute_loudness(given["audio"])}
    curve = ddsp.spectral_ops.compute_loudness(
        given["audio"], n_fft=2048, ref_db=float(given["ref_db"])
    )
    return {VALUES: curve.numpy()}


def f0_scaled(given: Arrays) -> Arrays:
    """Scale f0 as the preprocessors do."""
    return {VALUES: (ddsp.core.hz_to_midi(given["f0"]) / ddsp.spectral_ops.F0_RANGE).numpy()}
