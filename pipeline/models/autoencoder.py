"""The DDSP autoencoder (paper, section 4.1): audio, f0 and loudness in, resynthesized audio out."""

from typing import Literal, NamedTuple

import keras
import tensorflow as tf
from pydantic import NonNegativeFloat, NonNegativeInt, model_validator

from pipeline.dsp.filtered_noise import filtered_noise
from pipeline.dsp.harmonic import (
    hann_envelope,
    harmonic_synthesis,
    linear_envelope,
    normalized_distribution,
)
from pipeline.dsp.reverb import Reverb
from pipeline.examples.schema import Statistics
from pipeline.models.conditioning import Conditioning, ConditioningConfig
from pipeline.models.f0_frames import FramesConfig, FramesF0Encoder
from pipeline.models.f0_resnet import ResnetConfig, ResnetF0Encoder
from pipeline.models.networks import BuiltByCall, exp_sigmoid
from pipeline.models.objective import Objective

# bias of the noise magnitudes, so that training starts with quiet noise (paper, appendix B.5)
QUIET_NOISE = -5.0


class ModelConfig(ConditioningConfig):
    """The `model` section of params.yaml, with an experiment's overrides merged in."""

    f0: Literal["given", "resnet", "frames"]  # given, or from the audio by one of two f0 encoders
    f0_resnet: ResnetConfig
    f0_frames: FramesConfig
    harmonics: NonNegativeInt  # 0: no harmonic synthesizer
    linear_envelopes: bool  # interpolate harmonic amplitudes linearly, without smoothing windows
    noise_bands: NonNegativeInt  # 0: no filtered noise
    reverb_seconds: NonNegativeFloat  # 0: no reverb

    @model_validator(mode="after")
    def check_that_it_sounds(self):
        """Require at least one synthesizer."""
        if not (self.harmonics or self.noise_bands):
            raise ValueError(
                "harmonics and noise_bands are both 0: there is no synthesizer; raise one"
            )
        return self


class Controls(NamedTuple):
    """Synthesizer controls per control frame; None for a synthesizer that the model lacks."""

    amplitude: tf.Tensor | None  # [batch, frames]
    distribution: tf.Tensor | None  # [batch, frames, harmonics], sums to 1
    noise_magnitudes: tf.Tensor | None  # [batch, frames, bands]


class Autoencoder(BuiltByCall, keras.Model):
    """The DDSP autoencoder: encoders, a decoder and differentiable synthesizers.

    f0 is given or encoded, loudness is given and z is encoded. A harmonic synthesizer, filtered
    noise and a reverb produce the audio.
    """

    def __init__(self, config: ModelConfig, statistics: Statistics):
        super().__init__(name="autoencoder", autocast=False)
        self.f0_encoder = _f0_encoder(config)
        self.conditioning = Conditioning(config, statistics)
        self.envelope = linear_envelope if config.linear_envelopes else hann_envelope
        self.amplitude_head = keras.layers.Dense(1, name="amplitude") if config.harmonics else None
        self.distribution_head = (
            keras.layers.Dense(config.harmonics, name="harmonic_distribution")
            if config.harmonics
            else None
        )
        self.noise_head = (
            keras.layers.Dense(config.noise_bands, name="noise_magnitudes")
            if config.noise_bands
            else None
        )
        self.reverb = Reverb(config.reverb_seconds) if config.reverb_seconds else None

    def controls(self, batch: dict[str, tf.Tensor]) -> Controls:
        """Compute the synthesizer controls of a batch.

        The batch holds `audio` [batch, samples], `f0_hz` and `loudness_db` [batch, frames]. Where a
        `voiced` [batch, frames] in the batch is false, the harmonics are silent.
        """
        hidden = self.conditioning(batch)
        amplitude = _nonnegative(self.amplitude_head, hidden)
        distribution = _nonnegative(self.distribution_head, hidden)
        if self.amplitude_head is not None:
            amplitude = amplitude[..., 0]
            if "voiced" in batch:
                amplitude = tf.where(batch["voiced"], amplitude, 0.0)
            distribution = normalized_distribution(batch["f0_hz"], distribution)
        return Controls(amplitude, distribution, _nonnegative(self.noise_head, hidden, QUIET_NOISE))

    def call(self, batch):
        """Resynthesize a batch.

        Args:
            batch: `audio` and `noise` (uniform in [-1, 1]) [batch, samples], `f0_hz` and
                `loudness_db` [batch, frames].

        Returns:
            `audio`, `dry` (before the reverb), `harmonic` and `noise` [batch, samples], and `f0_hz`
            [batch, frames], given or encoded.
        """
        if self.f0_encoder is not None:
            batch = batch | {"f0_hz": self.f0_encoder(batch["audio"])}
            batch.pop("voiced", None)  # it belongs to the given f0
        amplitude, distribution, magnitudes = self.controls(batch)
        silence = tf.zeros_like(batch["noise"])
        harmonic = silence
        noise = silence
        if self.amplitude_head is not None:
            harmonic = harmonic_synthesis(batch["f0_hz"], amplitude, distribution, self.envelope)
        if self.noise_head is not None:
            noise = filtered_noise(batch["noise"], magnitudes)
        dry = harmonic + noise
        audio = dry if self.reverb is None else self.reverb(dry)
        return {
            "audio": audio,
            "dry": dry,
            "harmonic": harmonic,
            "noise": noise,
            "f0_hz": batch["f0_hz"],
        }

    def losses(self, batch: dict[str, tf.Tensor], loss: Objective, skip: int) -> tf.Tensor:
        """Return the objective of each example without its first `skip` samples: [batch]."""
        return loss(batch["audio"][:, skip:], self(batch)["audio"][:, skip:])


def _f0_encoder(config: ModelConfig) -> keras.Layer | None:
    """Build the f0 encoder that the config names; None if f0 is given."""
    match config.f0:
        case "resnet":
            return ResnetF0Encoder(config.f0_resnet)
        case "frames":
            return FramesF0Encoder(config.f0_frames)
    return None


def _nonnegative(
    head: keras.Layer | None, hidden: tf.Tensor, bias: float = 0.0
) -> tf.Tensor | None:
    """Apply a head and map its output to positive controls; None without a head."""
    return None if head is None else exp_sigmoid(tf.cast(head(hidden), tf.float32) + bias)
