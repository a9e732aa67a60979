"""Phase invariance (paper, section 2.1 and 3): the same controls with other initial phases, and
with other noise.
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

    seed: int  # of phases and noise


def harmonics_with_phases(
    f0_hz: np.ndarray, amplitudes: np.ndarray, envelope: np.ndarray, phases: np.ndarray
) -> np.ndarray:
    """sum_k A_k(n) sin(2 pi k phi(n) + phi_0k), the paper's oscillator with its initial phases
    (equations 1 and 2): [frames * 64].

    A plain sum, harmonic by harmonic: the two-level sum of `pipeline.harmonic.sum_of_sines` knows
    no initial phases.

    Args:
        f0_hz: [frames] Hz.
        amplitudes: [frames, harmonics], silent above Nyquist.
        envelope: [2, 64] weights of a frame and of the next.
        phases: [harmonics] radians.
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
    """What is needed of a model for all versions of a batch: first, other_noise and noise
    [batch, samples], amplitudes [batch, frames, harmonics].
    """
    first, controls = model(batch), model.controls(batch)
    return {
        "first": first["audio"],
        "noise": first["noise"],
        "other_noise": model(batch | {"noise": other_noise})["audio"],
        "amplitudes": controls.amplitude[..., None] * controls.distribution,
    }


def other_phases(
    model: keras.Model, example: dict, found: dict[str, np.ndarray], random: np.random.Generator
) -> np.ndarray:
    """The sound of one example with random initial phases, its noise as in the first version:
    [samples].
    """
    phases = random.uniform(0, 2 * np.pi, found["amplitudes"].shape[1])
    dry = found["noise"] + harmonics_with_phases(
        example["f0_hz"], found["amplitudes"], model.envelope().numpy(), phases
    )
    return dry if model.reverb is None else model.reverb(tf.constant(dry[None]))[0].numpy()


def play(
    model: keras.Model, examples: list[dict], seed: int, batch_size: int
) -> Iterator[tuple[dict, dict[str, np.ndarray]]]:
    """Each example with its versions, [samples] each; what is drawn for one does not hang on the
    others.
    """
    run = tf.function(partial(versions_of, model), autograph=False, reduce_retracing=True)
    for part, batch in input_batches(examples, batch_size):
        randoms = [
            np.random.default_rng(int(digest(seed, example["example_id"])[:16], 16))
            for example in part
        ]
        noise = np.stack(
            [random.uniform(-1, 1, len(example["noise"])) for random, example in zip(randoms, part)]
        ).astype(np.float32)
        found = {name: value.numpy() for name, value in run(batch, tf.constant(noise)).items()}
        for number, (example, random) in enumerate(zip(part, randoms)):
            mine = {name: value[number] for name, value in found.items()}
            sounds = {
                "original": example["audio"],
                "other_phases": other_phases(model, example, mine, random),
            }
            yield example, {version: sounds.get(version, mine.get(version)) for version in VERSIONS}


def make_phase(
    model: keras.Model, config: PhaseConfig, split: HeldOut, batch_size: int, out: Path
) -> None:
    """Write out/VERSION/audio/ID.flac of every test example and version, and plan.csv:
    example_id and group.
    """
    if model.f0_encoder is not None or model.amplitude_head is None:
        raise UserError(
            "phase: only a model that is given its f0 and has harmonics can be compared; remove "
            "it from phase.experiments"
        )
    examples = list(split.examples.values())
    with atomic_folder(out) as folder:
        for version in VERSIONS:
            (folder / version).mkdir()
        played = play(model, examples, config.seed, batch_size)
        for example, versions in progress(
            played, f"phase: {model.name}", len(examples), unit="example"
        ):
            for version, audio in versions.items():
                store_audio(folder / version, example["example_id"], audio)
        write_text(folder / PLAN, split.recordings[["group"]].rename_axis("example_id").to_csv())
