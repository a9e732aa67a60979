"""The baselines, which the authors' packages do not have, against closed forms."""

from collections.abc import Iterator

import librosa
import numpy as np
import tensorflow as tf

from conformance import formulas
from conformance.closed_form_networks import DEEP_TOLERANCE
from conformance.closed_form_spectra import LIBROSA, NOISY_NOTES
from conformance.inputs import ODD, RANDOM, frames, normal, samples, uniform
from conformance.measure import FLOAT64, Comparison, Row, compare, compare_functions
from conformance.small_models import (
    CONDITIONING,
    COUNT,
    LOSS,
    STATISTICS,
    batch_of_notes,
    scramble,
    weights_of,
)
from pipeline.common.units import HOP
from pipeline.dsp.mu_law import LEVELS, companded, inverse_mu_law
from pipeline.models import stft_decoder, strided_conv, wavernn

STRIDED = strided_conv.StridedConvConfig(
    stride=4, overlap=2, kernel=5, units=9, layers=1, noise_channels=3
)
STFT = stft_decoder.StftDecoderConfig(
    stride=2, fft_size=512, kernel=5, units=9, layers=1, iterations=3, momentum=0.99
)
WAVERNN = wavernn.WaveRnnConfig(
    units=7,
    step_samples=4,
    past_samples=10,
    output_units=9,
    pieces=2,
    piece_frames=4,
    input_noise=0.0,
    temperature=0.4,
)
SIZE, HOP_SIZE = 512, 128
ITERATIONS = 3


def strided_convolutions() -> Iterator[Row]:
    """The frame encoder, the window, and the waveform's overlapping frames."""
    encoder = strided_conv.FrameEncoder(4, 5, 9, 1)
    inputs = {"hidden": normal(2, COUNT + 1, 6)}
    encoder(tf.constant(inputs["hidden"]))
    scramble(encoder)
    given = Comparison("models.strided_conv.FrameEncoder", frames(RANDOM, COUNT + 1), FLOAT64)
    yield from compare_functions(given, encoder, lambda x: encoded(encoder, x), inputs)
    copies = np.reshape(strided_conv.synthesis_window(256, 4), [4, 256]).sum(0)
    given = Comparison("models.strided_conv.synthesis_window", "1024 samples", "sums to 1")
    yield from compare(given, copies, np.ones(256))
    model = strided_conv.StridedConv(CONDITIONING, STRIDED, STATISTICS)
    batch = batch_of_notes()
    model(batch)
    scramble(model)
    model.conditioning.z_encoder.normalization.std.assign(tf.ones([30]))
    hop = STRIDED.stride * HOP
    hidden = tf.cast(model.conditioning(batch), tf.float64)
    noise = tf.reshape(tf.cast(batch["noise"], tf.float64), [2, -1, hop])[..., :3]
    features = tf.concat([encoded(model.frame_encoder, hidden), noise], -1)
    gain, waveform = (
        tf.tensordot(features, kernel, 1) + bias
        for kernel, bias in map(weights_of, (model.gain_head, model.waveform_head))
    )
    hann = 0.5 - 0.5 * np.cos(np.pi * np.arange(2 * hop) / hop)
    parts = formulas.exp_sigmoid(gain - 3) * waveform * hann
    exact = tf.signal.overlap_and_add(parts, hop)[:, hop : hop + COUNT * HOP]
    given = Comparison(
        "models.strided_conv.StridedConv", samples(NOISY_NOTES, COUNT * HOP), FLOAT64
    )
    yield from compare(given, model(batch)["audio"], exact)


def encoded(encoder: strided_conv.FrameEncoder, x: tf.Tensor) -> tf.Tensor:
    """A convolution centred on every fourth frame, ReLU and an MLP."""
    kernel, bias, *others = weights_of(encoder)
    padded = tf.pad(x, [[0, 0], [2, 5], [0, 0]])
    count = -(-x.shape[1] // encoder.stride)
    starts = encoder.stride * np.arange(count)[:, None] + np.arange(5)
    hidden = tf.einsum("btjc,jcu->btu", tf.gather(padded, starts, axis=1), kernel) + bias
    return formulas.mlp(tf.nn.relu(hidden), others)


def spectrogram_models() -> Iterator[Row]:
    """The transform and its inverse, Griffin-Lim, and the decoder's audio."""
    audio, module = normal(2, ODD), "models.stft_decoder"
    given = Comparison(f"{module}.stft", samples(RANDOM, ODD), FLOAT64)
    wide = tf.constant(audio, tf.float64)
    exact = formulas.spectrum(formulas.cut(wide, SIZE, HOP_SIZE, SIZE // 2))
    yield from compare(given, stft_decoder.stft(tf.constant(audio), SIZE, HOP_SIZE), exact)
    spectra = normal(*exact.shape) + 1j * normal(*exact.shape, seed=1)
    spectra[..., [0, -1]] = spectra[..., [0, -1]].real
    theirs = librosa.istft(
        np.moveaxis(spectra, -1, 1).astype(complex), hop_length=HOP_SIZE, length=ODD
    )
    ours = stft_decoder.inverse_stft(tf.constant(spectra, tf.complex64), SIZE, HOP_SIZE, ODD)
    # librosa divides by windows that overlap beyond the end too, so the last half frame differs
    kept = ODD - SIZE
    given = Comparison(f"{module}.inverse_stft", samples(RANDOM, ODD), LIBROSA)
    yield from compare(given, ours[:, :kept], theirs[:, :kept])
    noise = uniform(-1, 1, 2, ODD, seed=2)
    magnitudes = np.abs(spectra)
    exact = griffin_lim(magnitudes, noise)
    ours = stft_decoder.griffin_lim(
        tf.constant(magnitudes, tf.float32), tf.constant(noise), SIZE, HOP_SIZE, ITERATIONS, 0.99
    )
    given = Comparison(
        f"{module}.griffin_lim", samples(RANDOM, ODD), FLOAT64, tolerance=DEEP_TOLERANCE
    )
    yield from compare(given, ours, exact)
    model = stft_decoder.StftDecoder(CONDITIONING, STFT, STATISTICS)
    batch = batch_of_notes()
    model(batch)
    model.losses(batch, LOSS, 0)
    encoder = model.frame_encoder
    kernel, bias = weights_of(model.magnitude_head)
    hidden = tf.cast(model.conditioning(batch), tf.float64)
    encoder_output = encoded(encoder, hidden)
    magnitudes = tf.exp(tf.tensordot(encoder_output, kernel, 1) + bias - 5)
    target = formulas.cut(tf.cast(batch["audio"], tf.float64), 512, 128, 256)
    logs = [tf.math.log(x + 1e-3) for x in (tf.abs(formulas.spectrum(target)), magnitudes)]
    exact = tf.reduce_mean((logs[0] - logs[1]) ** 2, [1, 2])
    given = Comparison(f"{module}.StftDecoder", samples(NOISY_NOTES, COUNT * HOP), FLOAT64)
    yield from compare(given, model.losses(batch, LOSS, 0), exact)


def griffin_lim(magnitudes: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """The fast Griffin-Lim algorithm (Perraudin et al. 2013, algorithm 2) with momentum 0.99."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SIZE) / SIZE)
    starts = np.arange(magnitudes.shape[1])[:, None] * HOP_SIZE + np.arange(SIZE)
    length = starts.max() + SIZE

    def analysis(audio):
        padded = np.pad(audio, [[0, 0], [SIZE // 2, length - audio.shape[1]]])
        return np.fft.rfft(padded[:, starts] * hann)

    def synthesis(spectra):
        added, weights = np.zeros([2, len(spectra), length])
        for index, frame in zip(starts, np.moveaxis(np.fft.irfft(spectra), 1, 0)):
            added[:, index] += frame * hann
            weights[:, index] += hann**2
        return (added / np.maximum(weights, 1e-6))[:, SIZE // 2 : SIZE // 2 + noise.shape[1]]

    spectra = magnitudes * np.exp(1j * np.angle(analysis(noise.astype(float))))
    previous = 0
    for _ in range(ITERATIONS):
        projected = analysis(synthesis(spectra))
        spectra = magnitudes * np.exp(1j * np.angle(projected + 0.99 * (projected - previous)))
        previous = projected
    return synthesis(spectra)


def autoregression() -> Iterator[Row]:
    """Draws, GRU steps and pieces of WaveRNN; its free run against its teacher-forced logits."""
    module = "models.wavernn"
    logits, numbers = normal(500, LEVELS), uniform(0, 1, 500)
    shares = np.exp(logits.astype(float))
    shares /= shares.sum(1, keepdims=True)
    drawn = [np.searchsorted(np.cumsum(p), u, "right") for p, u in zip(shares, numbers)]
    given = Comparison(f"{module}.draw", "random, 500 draws", FLOAT64)
    yield from compare(given, wavernn.draw(tf.constant(logits), tf.constant(numbers)), drawn)
    arrays = (
        normal(2, 7),
        normal(2, 21, seed=1),
        normal(7, 21, seed=2),
        normal(21, seed=3),
    )
    given = Comparison(f"{module}.gru_step", "random", FLOAT64)
    names = ("state", "given", "kernel", "bias")
    yield from compare_functions(given, wavernn.gru_step, gru_step, dict(zip(names, arrays)))
    noise = uniform(-1, 1, 3, 64)
    exact = 5 + np.floor((noise[:, :4].astype(float) + 1) / 2 * (40 - 8 - 5 + 1))
    given = Comparison(f"{module}.piece_starts", "random, 4 pieces", FLOAT64)
    yield from compare(given, wavernn.piece_starts(tf.constant(noise), 4, 5, 40, 8), exact)
    yield from free_run()


def gru_step(state, given, kernel, bias):
    """One step of the GRU's equations."""
    p_z, p_r, p_n = tf.split(given, 3, axis=-1)
    h_z, h_r, h_n = tf.split(tf.matmul(state, kernel) + bias, 3, axis=-1)
    z = tf.sigmoid(p_z + h_z)
    return z * state + (1 - z) * tf.tanh(p_n + tf.sigmoid(p_r + h_r) * h_n)


def free_run() -> Iterator[Row]:
    """What WaveRNN samples is what it would draw if that were the given past."""
    model = wavernn.WaveRnn(CONDITIONING, WAVERNN, STATISTICS)
    batch = batch_of_notes()
    model(batch)
    audio = model(batch)["audio"]
    hidden = model.conditioning(batch)
    hidden = tf.concat([hidden, hidden[:, -1:]], 1)
    levels = 128 + np.round(127 * np.sign(audio) * np.log1p(255 * np.abs(audio)) / np.log(256))
    past = np.pad((levels - 128) / 127, [[0, 0], [WAVERNN.past_samples, 0]]).astype(np.float32)
    logits = model.teacher_forced(hidden, tf.constant(past))
    uniform_numbers = tf.reshape((batch["noise"] + 1) / 2, [-1])
    flat = tf.reshape(logits / WAVERNN.temperature, [-1, LEVELS])
    drawn = wavernn.draw(flat, uniform_numbers)
    forced = tf.reshape(inverse_mu_law(companded(drawn)), audio.shape)
    given = Comparison("models.wavernn.WaveRnn", samples(RANDOM, COUNT * HOP), "teacher forcing")
    yield from compare(given, audio, forced)
