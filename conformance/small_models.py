"""Small models with random weights. Comparisons of a formula do not depend on sizes."""

import keras
import numpy as np
import tensorflow as tf

from conformance.inputs import normal, notes, uniform, vibrato_f0
from pipeline.common.units import HOP
from pipeline.examples.schema import Statistics
from pipeline.models.autoencoder import ModelConfig
from pipeline.models.conditioning import ConditioningConfig
from pipeline.models.f0_frames import FramesConfig
from pipeline.models.f0_resnet import ResnetConfig
from pipeline.models.objective import LossConfig

STATISTICS = Statistics(loudness_mean=-40.0, loudness_std=20.0)
CONDITIONING = ConditioningConfig(
    gru_units=8,
    mlp_units=12,
    mlp_layers=2,
    z_gru_units=6,
    z_dims=4,
    z_normalization="data_set",
    use_loudness=True,
    use_z=True,
    f0_bins=5,
)
F0_FRAMES = FramesConfig(lowest_midi=36.0, semitones=64, channels=4, stages=2, blocks=1)
F0_RESNET = ResnetConfig(stem_channels=4, channels=3, blocks=(2, 1, 1), bins=128)
MODEL = ModelConfig(
    **CONDITIONING.model_dump(),
    f0="given",
    f0_resnet=F0_RESNET,
    f0_frames=F0_FRAMES,
    harmonics=20,
    linear_envelopes=False,
    noise_bands=17,
    reverb_seconds=0.05,
)
LOSS = LossConfig(fft_sizes=(512, 64), alpha=1.0, perceptual_weight=0.5, perceptual_frames=2)
COUNT = 40  # control frames


def scramble(layer: keras.Layer) -> None:
    """Set all weights, including biases and gains, to random values."""
    weights = layer.get_weights()
    layer.set_weights([normal(*w.shape, seed=n, scale=0.3) for n, w in enumerate(weights)])


def weights_of(layer: keras.Layer) -> list[np.ndarray]:
    """Return a layer's weights in float64."""
    return [weight.astype(float) for weight in layer.get_weights()]


def batch_of_notes() -> dict[str, tf.Tensor]:
    """Return a batch as models take it: an excerpt of the notes with noise and random curves."""
    audio = notes()[:, 8000 : 8000 + COUNT * HOP] + normal(2, COUNT * HOP, scale=0.01)
    arrays = {
        "audio": audio,
        "noise": uniform(-1, 1, 2, COUNT * HOP),
        "f0_hz": vibrato_f0(COUNT),
        "loudness_db": uniform(-80, 0, 2, COUNT),
    }
    return {name: tf.constant(array) for name, array in arrays.items()}
