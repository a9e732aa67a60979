"""Worker of the training benchmark that runs the authors' package (PyPI ddsp 3.7.0) in the
environment of benchmarks/reference (see `serving`). The model is that of the package's
models/solo_instrument.gin, built in Python.
"""

from benchmarks.authors import training_module  # isort: skip, sets up Keras 2 for TensorFlow

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

decoders = training_module("decoders")
preprocessing = training_module("preprocessing")

LEARNING_RATE = 3e-4  # this and the next three as in optimization/base.gin
DECAY_STEPS = 10000
DECAY_RATE = 0.98
CLIP_NORM = 3.0


def harmonic(request):
    """Compute controls and signal of the harmonic synthesizer from a network's outputs."""
    synth = ddsp.synths.Harmonic(n_samples=frames_of(request) * HOP)
    f0 = tf.constant(f0_curve(request)[..., None])
    outputs = [tf.constant(normal(request, channels)) for channels in (1, request["harmonics"])]
    case = Differentiable(
        lambda amplitudes, distribution: synth(amplitudes, distribution, f0), outputs
    )
    return timed(case, request["gradient"])


def filtered_noise(request):
    """Compute controls and signal of the filtered-noise synthesizer."""
    synth = ddsp.synths.FilteredNoise(n_samples=frames_of(request) * HOP, window_size=0)
    return timed(Differentiable(synth, [tf.constant(normal(request, BANDS))]), request["gradient"])


def reverb(request):
    """Apply the reverb with its trainable impulse response."""
    effect = ddsp.effects.Reverb(trainable=True, reverb_length=request["taps"])
    audio = tf.constant(normal(request))
    effect(audio)
    return timed(Differentiable(effect, [audio], effect.trainable_variables), request["gradient"])


def loss(request):
    """Compute the multi-scale spectral loss."""
    target = tf.constant(normal(request))
    audio = tf.constant(normal(request, seed=2))
    spectral = spectral_loss()
    return timed(
        Differentiable(lambda audio: spectral(target, audio), [audio]), request["gradient"]
    )


def spectral_loss():
    """Return the loss of models/ae.gin."""
    return ddsp.losses.SpectralLoss(loss_type="L1", mag_weight=1.0, logmag_weight=1.0)


def phase(request):
    """Write the audio of equal harmonics to the file that the request names, and f0 next to it."""
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
    """The autoencoder of models/solo_instrument.gin: decoder, synthesizers and reverb. Loudness is
    given, not computed.
    """

    def __init__(self, request):
        super().__init__()
        frames = frames_of(request)
        units = request["units"]
        harmonics = request["harmonics"]
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
        """Resynthesize as the package's Autoencoder does."""
        features = dict(features)
        features.update(self.preprocessor(features, training=True))
        features.update(self.decoder(features, training=True))
        return self.processor_group(features)


def batch_of(request):
    """Return features as in the package's data sets."""
    return {
        "audio": tf.constant(normal(request)),
        "f0_hz": tf.constant(f0_curve(request)),
        "loudness_db": tf.constant(loudness_curve(request)),
    }


def step(request):
    """Make a training step as the package's Trainer does."""
    model = SoloInstrument(request)
    spectral = spectral_loss()
    batch = batch_of(request)
    optimizer = tf.keras.optimizers.Adam(
        tf.keras.optimizers.schedules.ExponentialDecay(LEARNING_RATE, DECAY_STEPS, DECAY_RATE)
    )

    @tf.function
    def train_step(batch):
        """Compute loss and gradients, clip them and update the weights."""
        with tf.GradientTape() as tape:
            value = spectral(batch["audio"], model(batch))
        gradients, _ = tf.clip_by_global_norm(
            tape.gradient(value, model.trainable_variables), CLIP_NORM
        )
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return value

    return lambda: train_step(batch).numpy()


def resynthesis(request):
    """Run the model's forward pass."""
    model = SoloInstrument(request)
    batch = batch_of(request)
    forward = tf.function(model.__call__)
    return lambda: forward(batch).numpy()


if __name__ == "__main__":
    cases = (harmonic, filtered_noise, reverb, loss, phase, step, resynthesis)
    serve({case.__name__: case for case in cases})
