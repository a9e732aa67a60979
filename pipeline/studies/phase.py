"""Phase invariance (paper, sections 2.1 and 3): play the same controls with other initial phases
and with other noise.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from pipeline.audio.clips import store_audio
from pipeline.common.cli import UserError, progress
from pipeline.common.files import atomic_folder, digest, write_text
from pipeline.dsp.harmonic import phase_cycles
from pipeline.dsp.interpolation import next_frame
from pipeline.resynthesis.render import input_batches
from pipeline.studies.conditions import PLAN
from pipeline.studies.held_out import HeldOut, StudyConfig

VERSIONS = ("original", "first", "other_phases", "other_noise")


class PhaseConfig(StudyConfig):
    """The `phase` section of params.yaml."""

    seed: int  # for drawing phases and noise


def harmonics_with_phases(
    f0_hz: np.ndarray, amplitudes: np.ndarray, envelope: np.ndarray, phases: np.ndarray
) -> np.ndarray:
    """Synthesize the paper's oscillator with its initial phases (equations 1 and 2),
    sum_k A_k(n) sin(2 pi k phi(n) + phi_0k).

    This is a plain sum, harmonic by harmonic, because the two-level sum of
    `pipeline.dsp.sines.sum_of_sines` takes no initial phases.

    Args:
        f0_hz: [frames] Hz.
        amplitudes: [frames, harmonics], 0 above Nyquist.
        envelope: [2, 64] weights of a frame and of the following frame.
        phases: [harmonics] initial phases, radians.

    Returns:
        [frames * 64] samples.
    """
    cycles = phase_cycles(tf.constant(f0_hz[None]))[0].numpy().astype(np.float64)
    following = next_frame(tf.constant(amplitudes[None]))[0].numpy()
    audio = np.zeros_like(cycles)
    for number in np.flatnonzero(amplitudes.any(axis=0)):
        smooth = (
            amplitudes[:, number, None] * envelope[0] + following[:, number, None] * envelope[1]
        )
        audio += smooth * np.sin(2 * np.pi * (number + 1) * cycles + phases[number])
    return audio.reshape(-1).astype(np.float32)


def versions_of(
    model: keras.Model, batch: dict[str, tf.Tensor], other_noise: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Run the model as needed for all versions of a batch.

    Args:
        model: a DDSP autoencoder with harmonics.
        batch: its inputs.
        other_noise: [batch, samples], instead of the batch's noise.

    Returns:
        first, other_noise (both audio) and noise (filtered), [batch, samples]; amplitudes
        [batch, frames, harmonics].
    """
    first = model(batch)
    controls = model.controls(batch)
    return {
        "first": first["audio"],
        "noise": first["noise"],
        "other_noise": model(batch | {"noise": other_noise})["audio"],
        "amplitudes": controls.amplitude[..., None] * controls.distribution,
    }


def with_other_phases(
    model: keras.Model, example: dict, outputs: dict[str, np.ndarray], random: np.random.Generator
) -> np.ndarray:
    """Play an example with random initial phases and the noise of its first version.

    Args:
        model: its reverb is applied, if it has one.
        example: holds f0_hz [frames].
        outputs: the example's noise [samples] and amplitudes [frames, harmonics], as
            `versions_of` returns them.
        random: draws the phases.

    Returns:
        [samples].
    """
    phases = random.uniform(0, 2 * np.pi, outputs["amplitudes"].shape[1])
    dry = outputs["noise"] + harmonics_with_phases(
        example["f0_hz"], outputs["amplitudes"], model.envelope().numpy(), phases
    )
    return dry if model.reverb is None else model.reverb(tf.constant(dry[None]))[0].numpy()


def play_versions(
    model: keras.Model, examples: list[dict], seed: int, batch_size: int
) -> Iterator[tuple[dict, dict[str, np.ndarray]]]:
    """Play every version of every example.

    Phases and noise are drawn per example from the seed and the example's id, so they do not depend
    on the other examples.

    Args:
        model: a DDSP autoencoder with harmonics that takes f0 as an input.
        examples: model inputs with their example_id.
        seed: for drawing phases and noise.
        batch_size: examples per batch.

    Yields:
        An example, and {version: [samples]} for all of VERSIONS.
    """
    run = tf.function(partial(versions_of, model), autograph=False, reduce_retracing=True)
    for members, batch in input_batches(examples, batch_size):
        randoms = [
            np.random.default_rng(int(digest(seed, example["example_id"])[:16], 16))
            for example in members
        ]
        noise = np.stack(
            [
                random.uniform(-1, 1, len(example["noise"]))
                for random, example in zip(randoms, members)
            ]
        ).astype(np.float32)
        batch_outputs = {
            name: value.numpy() for name, value in run(batch, tf.constant(noise)).items()
        }
        for number, (example, random) in enumerate(zip(members, randoms)):
            outputs = {name: value[number] for name, value in batch_outputs.items()}
            yield (
                example,
                {
                    "original": example["audio"],
                    "first": outputs["first"],
                    "other_phases": with_other_phases(model, example, outputs, random),
                    "other_noise": outputs["other_noise"],
                },
            )


def make_phase(
    model: keras.Model, config: PhaseConfig, split: HeldOut, batch_size: int, out: Path
) -> None:
    """Write every version of every test example.

    Args:
        model: must take f0 as an input and have harmonics.
        config: the seed.
        split: the test examples.
        batch_size: examples per batch.
        out: folder to write: VERSION/audio/ID.flac, and plan.csv (example_id, group).

    Raises:
        UserError: if the model encodes f0 itself or has no harmonics.
    """
    if model.f0_encoder is not None or model.amplitude_head is None:
        raise UserError(
            "phase: the model must be given its f0 and have harmonics; remove it from "
            "phase.experiments"
        )
    examples = list(split.examples.values())
    with atomic_folder(out) as folder:
        for version in VERSIONS:
            (folder / version).mkdir()
        played = play_versions(model, examples, config.seed, batch_size)
        label = f"phase: {model.name}"
        for example, versions in progress(played, label, len(examples), unit="example"):
            for version, audio in versions.items():
                store_audio(folder / version, example["example_id"], audio)
        write_text(folder / PLAN, split.recordings[["group"]].rename_axis("example_id").to_csv())
