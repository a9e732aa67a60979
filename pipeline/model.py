"""The DDSP autoencoder (paper, section 4.1): audio, f0 and loudness in, resynthesized audio out."""

import json
from pathlib import Path
from typing import NamedTuple

import keras
import tensorflow as tf
from pydantic import PositiveInt

from pipeline.config import Params
from pipeline.examples import Statistics
from pipeline.filtered_noise import filtered_noise
from pipeline.harmonic import harmonic_synthesis, normalized_distribution
from pipeline.networks import Decoder, ZEncoder, exp_sigmoid, scaled_f0

QUIET_NOISE = -5.0  # bias of the noise magnitudes, so that noise starts quiet (paper, appendix B.5)


class ModelConfig(Params):
    """The `model` section of params.yaml, an experiment's override merged over it."""

    gru_units: PositiveInt
    mlp_units: PositiveInt
    mlp_layers: PositiveInt
    z_gru_units: PositiveInt
    z_dims: PositiveInt
    harmonics: PositiveInt
    noise_bands: PositiveInt
    use_z: bool


class Controls(NamedTuple):
    """What the decoder says to the synthesizers, per control frame."""

    amplitude: tf.Tensor  # [batch, frames]
    distribution: tf.Tensor  # [batch, frames, harmonics], sums to 1
    noise_magnitudes: tf.Tensor  # [batch, frames, bands]


class Resynthesis(NamedTuple):
    """The model's output: the sum, and each synthesizer alone, [batch, samples]."""

    audio: tf.Tensor
    harmonic: tf.Tensor
    noise: tf.Tensor


class Autoencoder(keras.Model):
    """Supervised DDSP autoencoder: f0 and loudness are given, z is encoded from the audio."""

    def __init__(self, config: ModelConfig, statistics: Statistics):
        super().__init__()
        self.config, self.statistics = config, statistics
        self.z_encoder = ZEncoder(config.z_gru_units, config.z_dims) if config.use_z else None
        self.decoder = Decoder(3 if config.use_z else 2, config.gru_units, config.mlp_units, config.mlp_layers)
        self.amplitude_head = keras.layers.Dense(1, name="amplitude")
        self.distribution_head = keras.layers.Dense(config.harmonics, name="harmonic_distribution")
        self.noise_head = keras.layers.Dense(config.noise_bands, name="noise_magnitudes")

    def controls(self, audio: tf.Tensor, f0_hz: tf.Tensor, loudness_db: tf.Tensor) -> Controls:
        """Encode and decode: [batch, samples], 2 x [batch, frames] -> synthesizer controls."""
        loudness = (loudness_db - self.statistics.loudness_mean) / self.statistics.loudness_std
        inputs = [scaled_f0(f0_hz)[..., None], loudness[..., None]]
        if self.z_encoder is not None:
            inputs.append(self.z_encoder(audio))
        hidden = self.decoder(inputs)
        return Controls(
            exp_sigmoid(self.amplitude_head(hidden))[..., 0],
            normalized_distribution(f0_hz, exp_sigmoid(self.distribution_head(hidden))),
            exp_sigmoid(self.noise_head(hidden) + QUIET_NOISE),
        )

    def call(self, batch: dict[str, tf.Tensor], noise_seed: tf.Tensor) -> Resynthesis:
        """Resynthesize a batch with `audio` [batch, samples], `f0_hz` and `loudness_db` [batch, frames]."""
        controls = self.controls(batch["audio"], batch["f0_hz"], batch["loudness_db"])
        harmonic = harmonic_synthesis(batch["f0_hz"], controls.amplitude, controls.distribution)
        noise = filtered_noise(controls.noise_magnitudes, noise_seed)
        return Resynthesis(harmonic + noise, harmonic, noise)


def build_model(config: ModelConfig, statistics: Statistics) -> Autoencoder:
    """An autoencoder with its weights created."""
    model = Autoencoder(config, statistics)
    frames = 64
    batch = {"audio": tf.zeros([1, frames * 64]), "f0_hz": tf.ones([1, frames]), "loudness_db": tf.zeros([1, frames])}
    model(batch, noise_seed=tf.constant([0, 0]))
    return model


def save_model(model: Autoencoder, folder: Path) -> None:
    """Write config.json and model.weights.h5 into an existing folder."""
    parts = {"model": model.config.model_dump(), "statistics": model.statistics.model_dump()}
    (folder / "config.json").write_text(json.dumps(parts, indent=2) + "\n")
    model.save_weights(folder / "model.weights.h5")


def load_model(folder: Path) -> Autoencoder:
    """The model `save_model` wrote."""
    parts = json.loads((folder / "config.json").read_text())
    model = build_model(ModelConfig(**parts["model"]), Statistics(**parts["statistics"]))
    model.load_weights(folder / "model.weights.h5")
    return model
