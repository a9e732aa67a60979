"""The DDSP autoencoder (paper, section 4.1): audio, f0 and loudness in, resynthesized audio out."""

from typing import Literal, NamedTuple

import keras
import tensorflow as tf
from pydantic import NonNegativeFloat, PositiveInt

from pipeline.conditioning import Conditioning, ConditioningConfig
from pipeline.examples import Statistics
from pipeline.f0_encoder import F0Encoder, F0EncoderConfig
from pipeline.filtered_noise import filtered_noise
from pipeline.harmonic import harmonic_synthesis, normalized_distribution
from pipeline.networks import BuiltByCall, exp_sigmoid
from pipeline.objective import LossConfig, resynthesis_losses
from pipeline.reverb import Reverb

QUIET_NOISE = -5.0  # bias of the noise magnitudes, so that noise starts quiet (paper, appendix B.5)


class ModelConfig(ConditioningConfig):
    """The `model` section of params.yaml, an experiment's override merged over it."""

    f0: Literal["given", "encoded"]  # encoded: by an encoder of our own, from the audio
    f0_encoder: F0EncoderConfig
    harmonics: PositiveInt
    noise_bands: PositiveInt
    reverb_seconds: NonNegativeFloat  # 0: no reverb


class Controls(NamedTuple):
    """What the decoder says to the synthesizers, per control frame."""

    amplitude: tf.Tensor  # [batch, frames]
    distribution: tf.Tensor  # [batch, frames, harmonics], sums to 1
    noise_magnitudes: tf.Tensor  # [batch, frames, bands]


class Autoencoder(BuiltByCall, keras.Model):
    """f0 is given or encoded, loudness is given, z is encoded; a harmonic synthesizer, filtered noise and a reverb make the sound."""

    def __init__(self, config: ModelConfig, statistics: Statistics):
        super().__init__(name="autoencoder", autocast=False)
        self.f0_encoder = F0Encoder(config.f0_encoder) if config.f0 == "encoded" else None
        self.conditioning = Conditioning(config, statistics)
        self.amplitude_head = keras.layers.Dense(1, name="amplitude")
        self.distribution_head = keras.layers.Dense(config.harmonics, name="harmonic_distribution")
        self.noise_head = keras.layers.Dense(config.noise_bands, name="noise_magnitudes")
        self.reverb = Reverb(config.reverb_seconds) if config.reverb_seconds else None

    def controls(self, batch: dict[str, tf.Tensor]) -> Controls:
        """Encode and decode `audio` [batch, samples], `f0_hz` and `loudness_db` [batch, frames]."""
        hidden = self.conditioning(batch)
        amplitude, distribution, noise = (
            tf.cast(head(hidden), tf.float32) for head in (self.amplitude_head, self.distribution_head, self.noise_head)
        )
        return Controls(
            exp_sigmoid(amplitude)[..., 0],
            normalized_distribution(batch["f0_hz"], exp_sigmoid(distribution)),
            exp_sigmoid(noise + QUIET_NOISE),
        )

    def call(self, batch):
        """Resynthesize: {audio, dry, harmonic, noise: [batch, samples], f0_hz: [batch, frames]}.

        The batch holds `audio` and `noise` (uniform in [-1, 1]) [batch, samples], `f0_hz` and `loudness_db` [batch, frames].
        """
        if self.f0_encoder is not None:
            batch = batch | {"f0_hz": self.f0_encoder(batch["audio"])}
        controls = self.controls(batch)
        harmonic = harmonic_synthesis(batch["f0_hz"], controls.amplitude, controls.distribution)
        noise = filtered_noise(batch["noise"], controls.noise_magnitudes)
        dry = harmonic + noise
        audio = dry if self.reverb is None else self.reverb(dry)
        return {"audio": audio, "dry": dry, "harmonic": harmonic, "noise": noise, "f0_hz": batch["f0_hz"]}

    def losses(self, batch: dict[str, tf.Tensor], loss: LossConfig, skip: int) -> tf.Tensor:
        """The training objective of each example, its first `skip` samples left out: [batch]."""
        return resynthesis_losses(batch["audio"][:, skip:], self(batch)["audio"][:, skip:], loss)
