"""The conditioning network: f0, loudness and z, decoded to hidden features (paper, section 4.1 and
figure 5). The DDSP autoencoder and the baselines use the same architecture, each with weights
trained separately; they differ in how they turn the hidden features into audio.
"""

from collections.abc import Iterable

import keras
import tensorflow as tf
from pydantic import NonNegativeInt, PositiveInt

from pipeline.common.params import Params
from pipeline.examples.schema import Statistics
from pipeline.models.networks import BuiltByCall, Decoder, f0_features
from pipeline.models.z_encoder import ZEncoder, ZNormalization


class ConditioningConfig(Params):
    """The part of the `model` section of params.yaml that all models share."""

    gru_units: NonNegativeInt  # 0: no recurrence, only MLPs
    mlp_units: PositiveInt
    mlp_layers: NonNegativeInt  # 0: no MLPs, as in the paper's tiny model
    z_gru_units: PositiveInt
    z_dims: PositiveInt
    z_normalization: ZNormalization  # of the MFCCs: over the data set, or over each example's time
    use_loudness: bool
    use_z: bool
    f0_bins: NonNegativeInt  # size of an additional soft one-hot f0 vector; 0: none


class Conditioning(BuiltByCall, keras.layers.Layer):
    """Map f0, loudness and audio of a batch to hidden features [batch, frames, units]."""

    def __init__(self, config: ConditioningConfig, statistics: Statistics):
        super().__init__(name="conditioning", autocast=False)
        self.statistics = statistics
        self.f0_bins = config.f0_bins
        self.use_loudness = config.use_loudness
        self.z_encoder = (
            ZEncoder(config.z_gru_units, config.z_dims, config.z_normalization)
            if config.use_z
            else None
        )
        skipped = 1 + config.use_loudness
        self.decoder = Decoder(
            skipped + config.use_z, skipped, config.gru_units, config.mlp_units, config.mlp_layers
        )

    def call(self, batch):
        """Return hidden features of `audio` [batch, samples], `f0_hz` and `loudness_db` [batch,
        frames]. A `z` [batch, frames, dims] in the batch replaces the encoded one. Where `audio` is
        a crop, the features that `whole_example` returned go with it.
        """
        inputs = [f0_features(batch["f0_hz"], self.f0_bins)]
        if self.use_loudness:
            loudness = (
                batch["loudness_db"] - self.statistics.loudness_mean
            ) / self.statistics.loudness_std
            inputs.append(loudness[..., None])
        if self.z_encoder is not None:
            inputs.append(
                batch["z"]
                if "z" in batch
                else self.z_encoder(batch["audio"], batch.get("mfcc_moments"))
            )
        return tf.cast(self.decoder(inputs), tf.float32)

    def whole_example(self, audio: tf.Tensor) -> dict[str, tf.Tensor]:
        """Measure what crops of an example need of the whole: [samples] -> {name: tensor}."""
        return {} if self.z_encoder is None else self.z_encoder.whole_example(audio)

    def adapt(self, batches: Iterable[dict[str, tf.Tensor]]) -> None:
        """Fit the z encoder's input statistics to batches of the training split."""
        if self.z_encoder is not None:
            self.z_encoder.adapt(batch["audio"] for batch in batches)
