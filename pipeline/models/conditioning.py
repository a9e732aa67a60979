"""What every model is conditioned on: f0, loudness and z, decoded to hidden features (paper,
section 4.1 and figure 5). The DDSP autoencoder and the models it is compared with have the same
conditioning network, each its own; they differ in what they make of the hidden features.
"""

from collections.abc import Iterable

import keras
import tensorflow as tf
from pydantic import NonNegativeInt, PositiveInt

from pipeline.common.params import Params
from pipeline.examples.schema import Statistics
from pipeline.models.networks import BuiltByCall, Decoder, ZEncoder, f0_features


class ConditioningConfig(Params):
    """The part of the `model` section of params.yaml that all models share."""

    gru_units: NonNegativeInt  # 0: no recurrence, MLPs alone
    mlp_units: PositiveInt
    mlp_layers: NonNegativeInt  # 0: no MLPs at all, as in the paper's tiny model
    z_gru_units: PositiveInt
    z_dims: PositiveInt
    use_loudness: bool
    use_z: bool
    f0_bins: NonNegativeInt  # f0 also as a soft one-hot vector over so many bins


class Conditioning(BuiltByCall, keras.layers.Layer):
    """f0, loudness and audio of a batch -> hidden features, [batch, frames, units]."""

    def __init__(self, config: ConditioningConfig, statistics: Statistics):
        super().__init__(name="conditioning", autocast=False)
        self.statistics, self.f0_bins, self.use_loudness = (
            statistics,
            config.f0_bins,
            config.use_loudness,
        )
        self.z_encoder = ZEncoder(config.z_gru_units, config.z_dims) if config.use_z else None
        past = 1 + config.use_loudness
        self.decoder = Decoder(
            past + config.use_z, past, config.gru_units, config.mlp_units, config.mlp_layers
        )

    def call(self, batch):
        """Hidden features of `audio` [batch, samples], `f0_hz` and `loudness_db` [batch,
        frames]; `z` [batch, frames, dims] may be given.
        """
        inputs = [f0_features(batch["f0_hz"], self.f0_bins)]
        if self.use_loudness:
            loudness = (
                batch["loudness_db"] - self.statistics.loudness_mean
            ) / self.statistics.loudness_std
            inputs.append(loudness[..., None])
        if self.z_encoder is not None:
            inputs.append(batch["z"] if "z" in batch else self.z_encoder(batch["audio"]))
        return tf.cast(self.decoder(inputs), tf.float32)

    def adapt(self, batches: Iterable[dict[str, tf.Tensor]]) -> None:
        """Take from the training split what the encoders standardize with."""
        if self.z_encoder is not None:
            self.z_encoder.adapt(batch["audio"] for batch in batches)
