"""STFT decoder (paper, figure 1 and section 1.1): magnitudes of Fourier frames, phase by
Griffin-Lim. The logarithms of the magnitudes are learned from the recording's with a squared error,
as the spectrogram networks of speech synthesis do (Tacotron 2, Shen et al. 2018). Where partials
are not resolved it tends to the mean, while an absolute error tends to the median, which is the gap
between them, and so is quieter still. Phase is found by the fast Griffin-Lim algorithm (Griffin and
Lim 1984; Perraudin et al. 2013).
"""

import keras
import tensorflow as tf
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator

from pipeline.common.params import Params
from pipeline.common.units import HOP
from pipeline.dsp.spectra import centered_frames, centered_overlap_add
from pipeline.examples.schema import Statistics
from pipeline.models.conditioning import Conditioning, ConditioningConfig
from pipeline.models.networks import BuiltByCall
from pipeline.models.objective import LossConfig
from pipeline.models.strided_conv import FrameEncoder

FLOOR = 1e-3  # added before the logarithm; an amplitude of about 1e-5
QUIET = -5.0  # bias of the log magnitudes, so that training starts quiet


class StftDecoderConfig(Params):
    """The Fourier frames, the network that predicts them and the search for their phase."""

    stride: PositiveInt  # control frames per Fourier frame
    fft_size: PositiveInt
    kernel: PositiveInt  # control frames that a Fourier frame is made from
    units: PositiveInt
    layers: NonNegativeInt
    iterations: NonNegativeInt  # of Griffin-Lim
    momentum: NonNegativeFloat  # of fast Griffin-Lim; 0 is the original algorithm

    @model_validator(mode="after")
    def check_that_frames_overlap_evenly(self):
        """Frames are cut at hops."""
        if self.fft_size % (self.stride * HOP):
            raise ValueError(f"fft_size must be a multiple of stride x {HOP}")
        return self


def stft(audio: tf.Tensor, size: int, hop: int) -> tf.Tensor:
    """Hann-windowed spectra centred on every hop: [batch, samples] -> [batch, ceil(samples /
    hop), size / 2 + 1] complex.
    """
    return tf.signal.rfft(centered_frames(audio, size, hop) * tf.signal.hann_window(size))


def inverse_stft(spectra: tf.Tensor, size: int, hop: int, samples: tf.Tensor) -> tf.Tensor:
    """The signal whose `stft` is nearest in the least-squares sense (Griffin and Lim 1984,
    equation 6): [batch, samples].
    """
    window = tf.signal.hann_window(size)
    weights = tf.tile(tf.square(window)[None, None], [1, tf.shape(spectra)[1], 1])
    added = centered_overlap_add(tf.signal.irfft(spectra, [size]) * window, hop, samples)
    return added / tf.maximum(centered_overlap_add(weights, hop, samples), 1e-6)


def griffin_lim(
    magnitudes: tf.Tensor, noise: tf.Tensor, size: int, hop: int, iterations: int, momentum: float
) -> tf.Tensor:
    """A signal of given STFT magnitudes: [batch, frames, bins] -> [batch, samples].

    Args:
        noise: [batch, samples], whose phase is the first guess.
        iterations: projections onto the spectra that signals have.
        momentum: how far each goes beyond, alpha of Perraudin et al. (2013); librosa's default is
            0.99.
    """
    samples = tf.shape(noise)[1]

    def step(spectra: tf.Tensor, before: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Project, accelerate, restore the magnitudes."""
        projected = stft(inverse_stft(spectra, size, hop, samples), size, hop)
        return _with_phase_of(magnitudes, projected + momentum * (projected - before)), projected

    guess = stft(noise, size, hop)
    start = (_with_phase_of(magnitudes, guess), tf.zeros_like(guess))
    of_any_length = (tf.TensorShape([None, None, size // 2 + 1]),) * 2
    spectra, _ = tf.while_loop(
        lambda *_: True, step, start, of_any_length, maximum_iterations=iterations
    )
    return inverse_stft(spectra, size, hop, samples)


class StftDecoder(BuiltByCall, keras.Model):
    """Resynthesis from predicted STFT magnitudes."""

    def __init__(self, config: ConditioningConfig, own: StftDecoderConfig, statistics: Statistics):
        super().__init__(name="stft_decoder", autocast=False)
        self.own, self.hop = own, own.stride * HOP
        self.conditioning = Conditioning(config, statistics)
        self.frame_encoder = FrameEncoder(own.stride, own.kernel, own.units, own.layers)
        self.magnitude_head = keras.layers.Dense(own.fft_size // 2 + 1, name="log_magnitudes")

    def magnitudes(self, batch: dict[str, tf.Tensor]) -> tf.Tensor:
        """STFT magnitudes, [batch, Fourier frames, bins]."""
        log_magnitudes = tf.cast(
            self.magnitude_head(self.frame_encoder(self.conditioning(batch))), tf.float32
        )
        return tf.exp(log_magnitudes + QUIET)

    def call(self, batch):
        """Resynthesize a batch as the models do, with the batch's noise for the first phase:
        {audio: [batch, samples]}.
        """
        own = self.own
        audio = griffin_lim(
            self.magnitudes(batch),
            batch["noise"],
            own.fft_size,
            self.hop,
            own.iterations,
            own.momentum,
        )
        return {"audio": audio}

    def losses(self, batch: dict[str, tf.Tensor], loss: LossConfig, skip: int) -> tf.Tensor:
        """Mean squared difference of log magnitudes from the recording's own STFT, of each
        example: [batch]; `loss` has no say.
        """
        first = -(-skip // self.hop)
        target = tf.abs(stft(batch["audio"], self.own.fft_size, self.hop))
        wanted, found = (
            tf.math.log(magnitudes[:, first:] + FLOOR)
            for magnitudes in (target, self.magnitudes(batch))
        )
        return tf.reduce_mean(tf.square(wanted - found), axis=[1, 2])


def _with_phase_of(magnitudes: tf.Tensor, spectra: tf.Tensor) -> tf.Tensor:
    """Complex spectra with these magnitudes and the phase of those spectra."""
    return tf.cast(magnitudes / tf.maximum(tf.abs(spectra), 1e-12), tf.complex64) * spectra
