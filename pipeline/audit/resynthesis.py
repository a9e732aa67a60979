"""Resynthesize a sample of examples from the checkpoints and measure them again."""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from pipeline.audit.checks import Check, Project, read_json
from pipeline.audit.measures import (
    CONFIDENT,
    STATED_CLOSE,
    close,
    f0_distance,
    finite_difference,
    loudness,
    loudness_0_0_6,
    spectral_loss,
)
from pipeline.audit.models import NO_CHECKPOINTS, has_checkpoint
from pipeline.examples.dataset import read_split
from pipeline.features.f0 import F0Track, track_f0
from pipeline.models.recipe import load_model
from pipeline.resynthesis.render import resynthesize

SAMPLE = 12  # examples at least, and at least one of each run
WORST = 3  # examples with the largest errors, added to the sample


def pick(project: Project) -> dict[str, list[str]]:
    """Pick examples by run: one or more drawn with a seed, and those with the largest errors."""
    available = [
        run for run in project.runs() if has_checkpoint(project, run) and run in project.rows
    ]
    if not available:
        return {}
    random = np.random.default_rng(project.params["tabulate"]["seed"])
    picked = {run: [] for run in available}
    turns = (run for _ in range(SAMPLE) for run in available)
    for run in islice(turns, max(SAMPLE, len(available))):
        ids = sorted(set(project.rows[run]["example_id"]) - set(picked[run]))
        if ids:
            picked[run].append(ids[random.integers(len(ids))])
    errors = [
        (loss, run, name)
        for run in available
        for loss, name in zip(project.rows[run]["spectral_loss"], project.rows[run]["example_id"])
    ]
    for _, run, name in sorted(errors, reverse=True)[:WORST]:
        if name not in picked[run]:
            picked[run].append(name)
    return picked


def check_resynthesis(project: Project) -> Check:
    """Compare the sample's rows with what its checkpoints give now."""
    picked = pick(project)
    findings = []
    largest = 0.0
    for run, names in picked.items():
        for name, figures in _measure_run(project, run, names):
            row = project.rows[run]["example_id"] == name
            for metric, value in figures.items():
                stated = float(project.rows[run][metric][row][0])
                largest = max(largest, finite_difference(stated, value))
                if not close(stated, value):
                    findings.append(
                        f"{run}, {name}: {metric} is {stated:.6g}, its checkpoint gives {value:.6g}"
                    )
    count = sum(map(len, picked.values()))
    return Check(
        "checkpoints reproduce the rows",
        f"{count} examples of {len(picked)} runs, the {WORST} largest errors included; "
        f"{STATED_CLOSE}; largest difference {largest:.2g}",
        count,
        findings,
        "" if count else NO_CHECKPOINTS,
    )


def held_out_examples(project: Project, experiment: str) -> dict[str, dict]:
    """Read an experiment's test examples and noise, in the order of the resynthesize stage."""
    folder = project.root / "data" / "examples" / project.data_of(experiment)
    seconds = project.params["examples"]["seconds"]
    noise_seed = project.params["resynthesize"]["noise_seed"]
    return {row["example_id"]: row for row in read_split(folder, "test", seconds, noise_seed)}


def track(audio: np.ndarray, settings: dict) -> F0Track:
    """Track f0 with CREPE as the section `resynthesize` sets it."""
    return track_f0(audio, settings["crepe"], settings["f0_step_ms"])


def _measure_run(
    project: Project, run: str, names: list[str]
) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the name and metrics of each picked example of a run."""
    experiment = project.runs()[run][0]
    examples = held_out_examples(project, experiment)
    yardsticks = project.root / "data" / "yardsticks" / project.data_of(experiment)
    deviation = read_json(yardsticks / "statistics.json")["loudness_std_0_0_6"]
    for name, audio in _resynthesize(project, run, names, examples):
        original = examples[name]["audio"]
        curves = [loudness_0_0_6(sound) for sound in (original, audio)]
        l1_std = float(np.abs(curves[0] - curves[1]).mean() / deviation)
        figures = _measure(original, audio, project.params["resynthesize"])
        yield name, figures | {"loudness_l1_std_0_0_6": l1_std}


def _measure(original: np.ndarray, audio: np.ndarray, settings: dict) -> dict[str, float]:
    """Compare a resynthesis with its original, [samples] each."""
    expected = track(original, settings)
    actual = track(audio, settings)
    return {
        "spectral_loss": spectral_loss(original, audio),
        "loudness_l1_db": float(np.abs(loudness(original) - loudness(audio)).mean()),
        "f0_l1": f0_distance(expected.f0_hz, actual.f0_hz, expected.confidence >= CONFIDENT),
    }


def _resynthesize(
    project: Project, run: str, names: list[str], examples: dict[str, dict]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the name and audio, [samples], of each picked example of a run.

    An example is resynthesized with the others of its batch: last bits depend on the batch, and
    audio that a model samples depends on last bits.
    """
    model = load_model(project.root / "models" / run)
    size = project.params["resynthesize"]["batch_size"]
    order = list(examples)
    for start in sorted({order.index(name) // size * size for name in names}):
        batch = order[start : start + size]
        sounds = resynthesize(model, [examples[name] for name in batch], size)
        for name, audio in zip(batch, sounds):
            if name in names:
                yield name, audio
