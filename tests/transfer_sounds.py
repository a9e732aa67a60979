"""Sources, a model and its target for tests of timbre transfer."""

import numpy as np

from batches import STATISTICS
from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.models.autoencoder import ModelConfig
from pipeline.models.recipe import Recipe, build_model
from pipeline.studies.target import Target

TARGET = Target(
    pitch=72.0, loudness_mean=-30.0, loudness_std=8.0, timbre_mean=[0.0] * 12, timbre_std=[2.0] * 12
)


def tone(f0_hz, seconds=4.0, harmonics=8, amplitude=0.1):
    """Return a sum of harmonics that fall by 6 dB per octave: [samples]."""
    n = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return sum(
        amplitude / k * np.sin(2 * np.pi * k * f0_hz * n) for k in range(1, harmonics + 1)
    ).astype(np.float32)


def model_of(values, random, **changes):
    """Build a small model with random weights and a random room."""
    model = build_model(Recipe(ModelConfig(**values | changes)), STATISTICS)
    for weight in model.trainable_variables:
        weight.assign(
            random.normal(size=weight.shape) * (0.01 if "impulse" in weight.name else 0.3)
        )
    return model


def curves(random, frames):
    """Return a model's inputs, with wandering f0 and swelling loudness."""
    semitones = np.cumsum(random.normal(size=frames)) * 0.02
    inputs = {
        "audio": random.normal(size=frames * HOP) * 0.1,
        "noise": random.uniform(-1, 1, frames * HOP),
        "f0_hz": 440 * 2 ** (semitones / 12),
        "loudness_db": -30 + 10 * np.sin(np.arange(frames) / 40),
    }
    return {name: values.astype(np.float32) for name, values in inputs.items()}
