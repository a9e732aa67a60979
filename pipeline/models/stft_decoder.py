"""STFT decoder (paper, figure 1 and section 1.1): a network predicts the magnitudes of Fourier
frames, and Griffin-Lim finds their phase. The network is trained on the squared error of log
magnitudes, as spectrogram networks of speech synthesis are (Tacotron 2, Shen et al. 2018). Where
partials are not resolved, the squared error favours the mean; an absolute error would favour the
median, which falls into the gaps between partials and is quieter still. Phase comes from the fast
Griffin-Lim algorithm (Griffin and Lim 1984; Perraudin et al. 2013).
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
from pipeline.models.objective import Objective
from pipeline.models.strided_conv import FrameEncoder

FLOOR = 1e-3  # added to magnitudes before the logarithm; an amplitude of about 1e-5
QUIET = -5.0  # bias of the log magnitudes, so that training starts with quiet audio


class StftDecoderConfig(Params):
    """Sizes of the Fourier frames and of the network that predicts them; the search for phase."""

    stride: PositiveInt  # control frames per Fourier frame
    fft_size: PositiveInt
    kernel: PositiveInt  # control frames from which a Fourier frame is predicted
    units: PositiveInt
    layers: NonNegativeInt
    iterations: NonNegativeInt  # of Griffin-Lim
    momentum: NonNegativeFloat  # of fast Griffin-Lim; 0 is the original algorithm

    @model_validator(mode="after")
    def check_that_frames_overlap_evenly(self):
        """Require frames of two hops or more, in whole hops."""
        hops, rest = divmod(self.fft_size, self.stride * HOP)
        if rest or hops < 2:
            raise ValueError(f"fft_size must be a multiple of stride x {HOP}, at least twice that")
        return self


def stft(audio: tf.Tensor, size: int, hop: int) -> tf.Tensor:
    """Compute Hann-windowed spectra centred on every hop: [batch, samples] -> complex [batch,
    ceil(samples / hop), size / 2 + 1].
    """
    return tf.signal.rfft(centered_frames(audio, size, hop) * tf.signal.hann_window(size))


def inverse_stft(spectra: tf.Tensor, size: int, hop: int, samples: tf.Tensor) -> tf.Tensor:
    """Find the signal whose `stft` is nearest in the least-squares sense (Griffin and Lim 1984,
    equation 6).

    Args:
        spectra: [batch, frames, size / 2 + 1] complex.
        size: samples per frame.
        hop: samples between the centres of frames.
        samples: length of the signal.

    Returns:
        [batch, samples]
    """
    window = tf.signal.hann_window(size)
    weights = tf.tile(tf.square(window)[None, None], [1, tf.shape(spectra)[1], 1])
    added = centered_overlap_add(tf.signal.irfft(spectra, [size]) * window, hop, samples)
    return added / tf.maximum(centered_overlap_add(weights, hop, samples), 1e-6)


def griffin_lim(
    magnitudes: tf.Tensor, noise: tf.Tensor, size: int, hop: int, iterations: int, momentum: float
) -> tf.Tensor:
    """Find a signal with given STFT magnitudes by the fast Griffin-Lim algorithm.

    Args:
        magnitudes: [batch, frames, bins]
        noise: [batch, samples]; its phase is the initial estimate.
        size: samples per frame.
        hop: samples between the centres of frames.
        iterations: projections onto the consistent spectra, those that a signal can have.
        momentum: extrapolation beyond each projection, alpha of Perraudin et al. (2013); 0 is the
            original algorithm, 0.99 the default of librosa.

    Returns:
        [batch, samples]
    """
    samples = tf.shape(noise)[1]

    def step(spectra: tf.Tensor, previous: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Project, accelerate, restore the magnitudes."""
        projected = stft(inverse_stft(spectra, size, hop, samples), size, hop)
        return _with_phase_of(magnitudes, projected + momentum * (projected - previous)), projected

    guess = stft(noise, size, hop)
    start = (_with_phase_of(magnitudes, guess), tf.zeros_like(guess))
    any_length = (tf.TensorShape([None, None, size // 2 + 1]),) * 2
    spectra, _ = tf.while_loop(
        lambda *_: True, step, start, any_length, maximum_iterations=iterations
    )
    return inverse_stft(spectra, size, hop, samples)


class StftDecoder(BuiltByCall, keras.Model):
    """Resynthesizes from predicted STFT magnitudes."""

    def __init__(self, config: ConditioningConfig, own: StftDecoderConfig, statistics: Statistics):
        super().__init__(name="stft_decoder", autocast=False)
        self.own = own
        self.hop = own.stride * HOP
        self.conditioning = Conditioning(config, statistics)
        self.frame_encoder = FrameEncoder(own.stride, own.kernel, own.units, own.layers)
        self.magnitude_head = keras.layers.Dense(own.fft_size // 2 + 1, name="log_magnitudes")

    def magnitudes(self, batch: dict[str, tf.Tensor]) -> tf.Tensor:
        """Predict the STFT magnitudes of a batch: [batch, Fourier frames, bins]."""
        log_magnitudes = tf.cast(
            self.magnitude_head(self.frame_encoder(self.conditioning(batch))), tf.float32
        )
        return tf.exp(log_magnitudes + QUIET)

    def call(self, batch):
        """Resynthesize a batch, as every model does: {audio: [batch, samples]}. The phase of the
        batch's noise is the initial estimate.
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

    def losses(self, batch: dict[str, tf.Tensor], loss: Objective, skip: int) -> tf.Tensor:
        """Return the mean squared error of each example's log magnitudes: [batch].

        Fourier frames centred on the first `skip` samples do not count; `loss`, which weighs the
        spectral loss, is ignored.
        """
        first = -(-skip // self.hop)
        target = tf.abs(stft(batch["audio"], self.own.fft_size, self.hop))
        predicted = self.magnitudes(batch)
        log_target = tf.math.log(target[:, first:] + FLOOR)
        log_predicted = tf.math.log(predicted[:, first:] + FLOOR)
        return tf.reduce_mean(tf.square(log_target - log_predicted), axis=[1, 2])


def _with_phase_of(magnitudes: tf.Tensor, spectra: tf.Tensor) -> tf.Tensor:
    """Return complex spectra with the given magnitudes and the phase of `spectra`."""
    return tf.cast(magnitudes / tf.maximum(tf.abs(spectra), 1e-12), tf.complex64) * spectra
