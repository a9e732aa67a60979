"""A sample of examples resynthesized from the checkpoints and measured again."""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from pipeline.audit.checks import Check, Project
from pipeline.audit.measures import (
    CONFIDENT,
    STATED_CLOSE,
    close,
    f0_distance,
    loudness,
    spectral_loss,
)
from pipeline.audit.models import NO_CHECKPOINTS
from pipeline.examples.dataset import read_split
from pipeline.features.f0 import F0Track, track_f0
from pipeline.models.recipe import load_model
from pipeline.resynthesis.render import resynthesize

# at least so many examples, one of each run at the least; and the largest errors
SAMPLE, WORST = 12, 3


def has_checkpoint(project: Project, run: str) -> bool:
    """Whether a training's weights are on disk."""
    return (project.root / "models" / run / "model.weights.h5").exists()


def pick(project: Project) -> dict[str, list[str]]:
    """Examples by run: one or more drawn with a seed, and those with the largest errors of all."""
    available = [
        run for run in project.runs() if has_checkpoint(project, run) and run in project.rows
    ]
    random, picked = (
        np.random.default_rng(project.params["tabulate"]["seed"]),
        {run: [] for run in available},
    )
    for run in islice(
        (run for _ in range(SAMPLE) for run in available),
        max(SAMPLE, len(available)) if available else 0,
    ):
        ids = sorted(set(project.rows[run]["example_id"]) - set(picked[run]))
        picked[run] += [ids[random.integers(len(ids))]] if ids else []
    errors = [
        (loss, run, name)
        for run in available
        for loss, name in zip(project.rows[run]["spectral_loss"], project.rows[run]["example_id"])
    ]
    for _, run, name in sorted(errors, reverse=True)[:WORST]:
        picked[run] += [name] if name not in picked[run] else []
    return picked


def check_resynthesis(project: Project) -> Check:
    """The sample's rows against what its checkpoints give now."""
    picked, findings, largest = pick(project), [], 0.0
    for run, names in picked.items():
        examples = held_out_examples(project, project.runs()[run][0])
        for name, audio in _resynthesize(project, run, names, examples):
            row = project.rows[run]["example_id"] == name
            for metric, value in _measure(
                examples[name]["audio"], audio, project.params["resynthesize"]
            ).items():
                stated = float(project.rows[run][metric][row][0])
                largest = max(largest, abs(stated - value) if np.isfinite(stated - value) else 0.0)
                if not close(stated, value):
                    findings.append(
                        f"{run}, {name}: {metric} is {stated:.6g}, its checkpoint gives {value:.6g}"
                    )
    count = sum(map(len, picked.values()))
    looked = (
        f"{count} examples of {len(picked)} runs, the {WORST} largest errors among them; "
        f"{STATED_CLOSE}; largest difference {largest:.2g}"
    )
    return Check(
        "checkpoints give the rows", looked, count, findings, "" if count else NO_CHECKPOINTS
    )


def held_out_examples(project: Project, experiment: str) -> dict[str, dict]:
    """An experiment's test examples with their noise, in the order of the resynthesize stage."""
    folder = project.root / "data" / "examples" / project.data_of(experiment)
    settings = project.params["resynthesize"]
    return {
        row["example_id"]: row
        for row in read_split(
            folder, "test", project.params["examples"]["seconds"], settings["noise_seed"]
        )
    }


def track(audio: np.ndarray, settings: dict) -> F0Track:
    """CREPE as the `resynthesize` section has it."""
    return track_f0(audio, settings["crepe"], settings["f0_step_ms"])


def _measure(original: np.ndarray, audio: np.ndarray, settings: dict) -> dict[str, float]:
    one, other = track(original, settings), track(audio, settings)
    return {
        "spectral_loss": spectral_loss(original, audio),
        "loudness_l1_db": float(np.abs(loudness(original) - loudness(audio)).mean()),
        "f0_l1": f0_distance(one.f0_hz, other.f0_hz, one.confidence >= CONFIDENT),
    }


def _resynthesize(
    project: Project, run: str, names: list[str], examples: dict[str, dict]
) -> Iterator[tuple[str, np.ndarray]]:
    """Name and audio of each; with the other examples of its batch, because sampled audio hangs
    on the last bit.
    """
    model, size, order = (
        load_model(project.root / "models" / run),
        project.params["resynthesize"]["batch_size"],
        list(examples),
    )
    for start in sorted({order.index(name) // size * size for name in names}):
        batch = order[start : start + size]
        for name, audio in zip(
            batch, resynthesize(model, [examples[name] for name in batch], size)
        ):
            if name in names:
                yield name, audio
