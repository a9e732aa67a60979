"""The authors' package (PyPI ddsp 3.7.0) at work, for the training benchmark; runs in
benchmarks/reference, see `serving`. The solo-instrument model is the one of the package's
models/solo_instrument.gin, built in Python.
"""

import importlib
import os
import sys
import types
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # the package is written for Keras 2

import ddsp
import numpy as np
import tensorflow as tf

from benchmarks.serving import (
    BANDS,
    HOP,
    Differentiable,
    f0_curve,
    frames_of,
    loudness_curve,
    normal,
    serve,
    timed,
)

# `import ddsp.training` also wants Google Cloud, note_seq and TensorFlow Datasets: its modules are
# imported without it.
TRAINING = types.ModuleType("ddsp.training")
TRAINING.__path__ = [str(Path(ddsp.__file__).parent / "training")]
sys.modules["ddsp.training"] = TRAINING
decoders, preprocessing = (
    importlib.import_module(f"ddsp.training.{name}") for name in ("decoders", "preprocessing")
)

LEARNING_RATE, DECAY_STEPS, DECAY_RATE, CLIP_NORM = 3e-4, 10000, 0.98, 3.0  # optimization/base.gin


def harmonic(request):
    """Controls and signal of the harmonic synthesizer, from a network's outputs."""
    synth, f0 = (
        ddsp.synths.Harmonic(n_samples=frames_of(request) * HOP),
        tf.constant(f0_curve(request)[..., None]),
    )
    outputs = [tf.constant(normal(request, channels)) for channels in (1, request["harmonics"])]
    case = Differentiable(
        lambda amplitudes, distribution: synth(amplitudes, distribution, f0), outputs
    )
    return timed(case, request["gradient"])


def filtered_noise(request):
    """Controls and signal of the filtered-noise synthesizer."""
    synth = ddsp.synths.FilteredNoise(n_samples=frames_of(request) * HOP, window_size=0)
    return timed(Differentiable(synth, [tf.constant(normal(request, BANDS))]), request["gradient"])


def reverb(request):
    """The reverb with its trainable impulse response."""
    effect, audio = (
        ddsp.effects.Reverb(trainable=True, reverb_length=request["taps"]),
        tf.constant(normal(request)),
    )
    effect(audio)
    return timed(Differentiable(effect, [audio], effect.trainable_variables), request["gradient"])


def loss(request):
    """The multi-scale spectral loss."""
    target, audio, spectral = (
        tf.constant(normal(request)),
        tf.constant(normal(request, seed=2)),
        spectral_loss(),
    )
    return timed(
        Differentiable(lambda audio: spectral(target, audio), [audio]), request["gradient"]
    )


def spectral_loss():
    """The loss of models/ae.gin."""
    return ddsp.losses.SpectralLoss(loss_type="L1", mag_weight=1.0, logmag_weight=1.0)


def phase(request):
    """Writes the audio of equal harmonics to the file that the request names, and f0 beside it."""
    f0 = f0_curve(request, request["f0_hz"])[..., None]
    flat = np.full([*f0.shape[:2], request["harmonics"]], 1 / request["harmonics"], np.float32)
    audio = ddsp.core.harmonic_synthesis(
        f0,
        np.ones_like(f0),
        harmonic_distribution=flat,
        n_samples=frames_of(request) * HOP,
        use_angular_cumsum=request["angular"],
    )
    np.save(f"{request['out']}.f0.npy", f0.ravel())
    return lambda: np.save(request["out"], audio[0].numpy())


class SoloInstrument(tf.keras.Model):
    """The autoencoder of models/solo_instrument.gin: decoder, synthesizers, reverb. Loudness is
    given, not computed afresh.
    """

    def __init__(self, request):
        super().__init__()
        frames, units, harmonics = frames_of(request), request["units"], request["harmonics"]
        self.preprocessor = preprocessing.F0LoudnessPreprocessor(
            time_steps=frames, compute_loudness=False
        )
        splits = (("amps", 1), ("harmonic_distribution", harmonics), ("noise_magnitudes", BANDS))
        self.decoder = decoders.RnnFcDecoder(
            units, "gru", units, 3, input_keys=("ld_scaled", "f0_scaled"), output_splits=splits
        )
        self.processor_group = ddsp.processors.ProcessorGroup(
            dag=[
                (
                    ddsp.synths.Harmonic(n_samples=frames * HOP),
                    ["amps", "harmonic_distribution", "f0_hz"],
                ),
                (
                    ddsp.synths.FilteredNoise(n_samples=frames * HOP, window_size=0),
                    ["noise_magnitudes"],
                ),
                (ddsp.processors.Add(), ["filtered_noise/signal", "harmonic/signal"]),
                (
                    ddsp.effects.Reverb(trainable=True, reverb_length=request["taps"]),
                    ["add/signal"],
                ),
            ]
        )

    def call(self, features):
        """Resynthesized audio, as the package's Autoencoder computes it."""
        features = dict(features)
        features.update(self.preprocessor(features, training=True))
        features.update(self.decoder(features, training=True))
        return self.processor_group(features)


def batch_of(request):
    """Features as the package's data sets have them."""
    return {
        "audio": tf.constant(normal(request)),
        "f0_hz": tf.constant(f0_curve(request)),
        "loudness_db": tf.constant(loudness_curve(request)),
    }


def step(request):
    """A training step, as the package's Trainer takes it."""
    model, spectral, batch = SoloInstrument(request), spectral_loss(), batch_of(request)
    optimizer = tf.keras.optimizers.Adam(
        tf.keras.optimizers.schedules.ExponentialDecay(LEARNING_RATE, DECAY_STEPS, DECAY_RATE)
    )

    @tf.function
    def train_step(batch):
        """Loss, gradients, clipping, update."""
        with tf.GradientTape() as tape:
            value = spectral(batch["audio"], model(batch))
        gradients, _ = tf.clip_by_global_norm(
            tape.gradient(value, model.trainable_variables), CLIP_NORM
        )
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return value

    return lambda: train_step(batch).numpy()


def resynthesis(request):
    """The model's forward pass."""
    model, batch = SoloInstrument(request), batch_of(request)
    forward = tf.function(model.__call__)
    return lambda: forward(batch).numpy()


if __name__ == "__main__":
    cases = (harmonic, filtered_noise, reverb, loss, phase, step, resynthesis)
    serve({case.__name__: case for case in cases})
