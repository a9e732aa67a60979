"""Worker of the training benchmark that runs this project (see `serving`)."""

from itertools import repeat
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from benchmarks.serving import (
    BANDS,
    Differentiable,
    f0_curve,
    frames_of,
    loudness_curve,
    normal,
    serve,
    timed,
)
from pipeline.common.settings import Settings
from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.dsp.filtered_noise import filtered_noise as filter_noise
from pipeline.dsp.harmonic import harmonic_synthesis, normalized_distribution
from pipeline.dsp.reverb import Reverb
from pipeline.dsp.spectral_loss import multi_scale_spectral_loss
from pipeline.examples.schema import Statistics
from pipeline.models.autoencoder import QUIET_NOISE
from pipeline.models.determinism import fix_order_of_sums
from pipeline.models.networks import exp_sigmoid
from pipeline.models.objective import LossConfig, Objective
from pipeline.models.recipe import build_model, read_recipe
from pipeline.training.config import TrainConfig
from pipeline.training.devices import device_strategy
from pipeline.training.trainer import Pace, Task, Trainer

STATISTICS = Statistics(loudness_mean=-40.0, loudness_std=10.0)


def harmonic(request):
    """Compute controls and signal of the harmonic synthesizer from a network's outputs."""
    f0 = tf.constant(f0_curve(request))
    outputs = [tf.constant(normal(request, channels)) for channels in (1, request["harmonics"])]

    def synthesize(amplitude, distribution):
        """Apply nonlinearities, normalize and synthesize."""
        return harmonic_synthesis(
            f0,
            exp_sigmoid(amplitude)[..., 0],
            normalized_distribution(f0, exp_sigmoid(distribution)),
        )

    return timed(Differentiable(synthesize, outputs), request["gradient"])


def filtered_noise(request):
    """Compute controls and signal of the filtered-noise synthesizer; like the reference, also draw
    the noise.
    """

    def synthesize(magnitudes):
        """Apply the nonlinearity, draw noise and filter it."""
        noise = tf.random.uniform([request["batch"], frames_of(request) * HOP], -1.0, 1.0)
        return filter_noise(noise, exp_sigmoid(magnitudes + QUIET_NOISE))

    return timed(
        Differentiable(synthesize, [tf.constant(normal(request, BANDS))]), request["gradient"]
    )


def reverb(request):
    """Apply the reverb with its trainable impulse response."""
    effect = Reverb(request["taps"] / SAMPLE_RATE)
    audio = tf.constant(normal(request))
    effect(audio)
    return timed(Differentiable(effect, [audio], [effect.tail.value]), request["gradient"])


def loss(request):
    """Compute the multi-scale spectral loss."""
    target = tf.constant(normal(request))
    audio = tf.constant(normal(request, seed=2))
    return timed(
        Differentiable(lambda audio: multi_scale_spectral_loss(target, audio), [audio]),
        request["gradient"],
    )


def phase(request):
    """Write the audio of equal harmonics to the file that the request names, and f0 next to it."""
    f0 = f0_curve(request, request["f0_hz"])
    flat = np.full([*f0.shape, request["harmonics"]], 1 / request["harmonics"], np.float32)
    audio = harmonic_synthesis(tf.constant(f0), tf.ones_like(f0), tf.constant(flat))
    np.save(f"{request['out']}.f0.npy", f0.ravel())
    return lambda: np.save(request["out"], audio[0].numpy())


def batch_of(request):
    """Return a batch as models take it."""
    shape = [request["batch"], frames_of(request) * HOP]
    noise = np.random.default_rng(3).uniform(-1, 1, shape).astype(np.float32)
    return {
        "audio": tf.constant(normal(request)),
        "noise": tf.constant(noise),
        "f0_hz": tf.constant(f0_curve(request)),
        "loudness_db": tf.constant(loudness_curve(request)),
    }


def settings_of(request):
    """Set up TensorFlow as the train stage does.

    Returns:
        Recipe, loss and training settings of the experiment that the request names.
    """
    settings = Settings.read(Path(request["params"]))
    name = request["experiment"]
    config = settings.section("train", TrainConfig, name)
    keras.config.set_dtype_policy(config.precision)
    fix_order_of_sums()
    return (
        read_recipe(settings, name),
        Objective(settings.section("loss", LossConfig, name)),
        config,
    )


def step(request):
    """Make a training step of the train stage."""
    recipe, objective, config = settings_of(request)
    model = build_model(recipe, STATISTICS)
    batch = batch_of(request)
    task = Task(
        model.variables,
        model.trainable_variables,
        lambda batch: model.losses(batch, objective, 0),
        repeat,
        list,
    )
    schedule = keras.optimizers.schedules.ExponentialDecay(
        config.learning_rate, config.decay_steps, config.decay_rate
    )
    pace = Pace(
        config.steps,
        schedule,
        config.clip_norm,
        config.log_every,
        config.validate_every,
        config.checkpoint_seconds,
    )
    trainer = Trainer(task, pace, device_strategy(1))
    return lambda: float(trainer.update(batch))


def resynthesis(request):
    """Run the model's forward pass."""
    recipe, *_ = settings_of(request)
    model = build_model(recipe, STATISTICS)
    batch = batch_of(request)
    forward = tf.function(lambda batch: model(batch)["audio"])
    return lambda: forward(batch).numpy()


if __name__ == "__main__":
    cases = (harmonic, filtered_noise, reverb, loss, phase, step, resynthesis)
    serve({case.__name__: case for case in cases})
