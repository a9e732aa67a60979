"""Phase invariance (paper, section 2.1 and 3): the same controls with other initial phases, and with other noise."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from pipeline.clips import store_audio
from pipeline.command import UserError, progress
from pipeline.files import atomic_folder, write_text
from pipeline.harmonic import next_frame, phase_cycles
from pipeline.studies.config import StudyConfig

VERSIONS = ("original", "first", "other_phases", "other_noise")


class PhaseConfig(StudyConfig):
    """The `phase` section of params.yaml."""

    seed: int  # of phases and noise


def harmonics_with_phases(f0_hz: np.ndarray, amplitudes: np.ndarray, envelope: np.ndarray, phases: np.ndarray) -> np.ndarray:
    """sum_k A_k(n) sin(2 pi k phi(n) + phi_0k), the paper's oscillator with its initial phases (equations 1 and 2): [frames * 64].

    A plain sum, harmonic by harmonic: the two-level sum of `pipeline.harmonic` knows no initial phases.

    Args:
        f0_hz: [frames] Hz.
        amplitudes: [frames, harmonics], silent above Nyquist.
        envelope: [2, 64] weights of a frame and of the next.
        phases: [harmonics] radians.
    """
    cycles = phase_cycles(tf.constant(f0_hz[None]))[0].numpy().astype(np.float64)
    following = next_frame(tf.constant(amplitudes[None]))[0].numpy()
    audio = np.zeros_like(cycles)
    for number, phase in enumerate(phases):
        smooth = amplitudes[:, number, None] * envelope[0] + following[:, number, None] * envelope[1]
        audio += smooth * np.sin(2 * np.pi * (number + 1) * cycles + phase)
    return audio.reshape(-1).astype(np.float32)


def versions_of(model: keras.Model, example: dict, random: np.random.Generator) -> dict[str, np.ndarray]:
    """An example's original and resyntheses, [samples] each."""
    batch = {name: tf.constant(example[name][None]) for name in ("audio", "f0_hz", "loudness_db", "noise")}
    first = model(batch)
    amplitude, distribution, _ = model.controls(batch)
    amplitudes = (amplitude[..., None] * distribution)[0].numpy()
    phases = random.uniform(0, 2 * np.pi, amplitudes.shape[1])
    harmonic = harmonics_with_phases(example["f0_hz"], amplitudes, model.envelope().numpy(), phases)
    moved = first["noise"] + harmonic[None]
    noise = random.uniform(-1, 1, example["noise"].shape).astype(np.float32)
    other_noise = model(batch | {"noise": tf.constant(noise[None])})["audio"]
    other_phases = moved if model.reverb is None else model.reverb(moved)
    sounds = {"first": first["audio"], "other_phases": other_phases, "other_noise": other_noise}
    return {"original": example["audio"]} | {name: sound[0].numpy() for name, sound in sounds.items()}


def make_phase(model: keras.Model, config: PhaseConfig, test: dict[str, dict], groups: dict[str, str], out: Path) -> None:
    """Write out/VERSION/audio/ID.flac of every test example and version, and plan.csv: example_id and group."""
    if model.f0_encoder is not None or model.amplitude_head is None:
        raise UserError("phase: only a model that is given its f0 and has harmonics can be compared; remove it from phase.experiments")
    random = np.random.default_rng(config.seed)
    with atomic_folder(out) as folder:
        for version in VERSIONS:
            (folder / version).mkdir()
        for name in progress(sorted(test), f"phase: {model.name}", unit="example"):
            for version, audio in versions_of(model, test[name], random).items():
                store_audio(folder / version, name, audio)
        table = pd.DataFrame({"example_id": sorted(test), "group": [groups[name] for name in sorted(test)]})
        write_text(folder / "plan.csv", table.to_csv(index=False))
