"""Let a trained model play any recording: `make transfer AUDIO=path`."""

import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from pipeline.audio.files import BadAudio, read_audio, write_audio
from pipeline.common.cli import UserError, run_stage
from pipeline.common.settings import Settings
from pipeline.common.units import FRAME_RATE, HOP, SAMPLE_RATE
from pipeline.evaluation.timbre_transfer import rows
from pipeline.examples.assignment import read_assignment
from pipeline.examples.dataset import read_split
from pipeline.examples.schema import example_seconds
from pipeline.features.extract import FeaturesConfig
from pipeline.models.determinism import fix_order_of_sums
from pipeline.reporting.studies import TIMBRE_TRANSFER
from pipeline.resynthesis.tracked_set import ResynthesizeConfig
from pipeline.studies.source_lines import SourceLine
from pipeline.studies.target import Target, describe_target
from pipeline.studies.timbre_transfer import (
    TimbreTransferConfig,
    Transfer,
    load_autoencoder,
    transfer,
    write_transfers,
)

HIGHEST_PEAK = 0.99


def main(
    audio: Path,
    out: Annotated[
        Path | None, typer.Option(help="the WAV file to write; transfers/NAME.wav by default")
    ] = None,
    model: Annotated[Path, typer.Option(help="a trained DDSP autoencoder")] = Path(
        "models/solo_violin-0"
    ),
    assigned: Annotated[
        Path, typer.Option(help="where it stands what each experiment was trained on")
    ] = Path("data/assigned"),
    params: Path = Path("params.yaml"),
) -> None:
    """Reads AUDIO (whatever libsndfile reads, any rate, length and number of channels), MODEL and
    what it was trained on; writes OUT (mono, 16 kHz, as long as AUDIO) and prints how the source
    was adjusted and the figures of the table of timbre transfers.
    """
    fix_order_of_sums()
    settings = Settings.read(params)
    config = settings.section("timbre_transfer", TimbreTransferConfig)
    features = settings.section("features", FeaturesConfig)
    tracking = settings.section("resynthesize", ResynthesizeConfig)
    seconds = example_seconds(settings)
    length = round(seconds * FRAME_RATE)
    out = out or Path("transfers") / f"{audio.stem}.wav"
    samples = _read(audio)
    autoencoder, target = (
        load_autoencoder(model),
        describe_target(_training(model, assigned, seconds)),
    )
    padded = np.pad(samples, (0, max(0, length * HOP - len(samples))))  # a window at least
    made = transfer(
        autoencoder,
        SourceLine("recording", "recording", "recording", padded, None),
        target,
        features,
        config.room,
        tracking.noise_seed,
    )
    _write(out, made.audio[: len(samples)])
    with tempfile.TemporaryDirectory() as folder:
        write_transfers(Path(folder), [made], target, tracking, length)
        found = rows(Path(folder))["timbre_transfer"]
    print(describe(made, target, found, seconds))
    print(f"wrote {out}: {len(samples) / SAMPLE_RATE:.1f} s")


def describe(made: Transfer, target: Target, found: pd.DataFrame, seconds: float) -> str:
    """What was done to the source, and the metrics of the table that are defined, as means over
    the windows.
    """
    done = made.adjustment
    pitch = (
        f"f0: {done.octaves:+d} octaves (median pitch {done.pitch:.1f}, training data "
        f"{target.pitch:.1f}, MIDI)"
    )
    loudness = (
        f"loudness: mean {done.loudness_mean:.1f} to {target.loudness_mean:.1f} dB, standard "
        f"deviation {done.loudness_std:.1f} to {done.loudness_scale * done.loudness_std:.1f} dB, "
        "over frames above -70 dB"
    )
    lines = [
        "f0: not moved, CREPE is sure of no pitch" if np.isnan(done.pitch) else pitch,
        "loudness: as it was, no frame is above -70 dB"
        if np.isnan(done.loudness_mean)
        else loudness,
        (
            f"measured in windows of {seconds:g} s: {len(found)}; what the figures mean: "
            "reports/tables/timbre_transfer.md"
        ),
    ]
    for metric in TIMBRE_TRANSFER.metrics:
        weight = (
            found[metric.denominator].sum() if metric.denominator else found[metric.column].count()
        )
        lines += (
            [f"  {metric.label:48}{found[metric.column].sum() / weight:8.3f}"] if weight else []
        )
    return "\n".join(lines)


def _read(audio: Path) -> np.ndarray:
    try:
        return read_audio(audio)
    except BadAudio as error:
        raise UserError(f"{audio}: {error}; give a recording that can be read") from None


def _training(model: Path, assigned: Path, seconds: float) -> list[dict]:
    """The training examples of a model, by its experiment's name."""
    assignment = assigned / f"{model.name.rpartition('-')[0]}.json"
    if not assignment.exists():
        raise UserError(
            f"{assignment}: no such file; it says what {model} was trained on; run `make repro`, "
            "or `dvc repro assign`"
        )
    return read_split(read_assignment(assignment).examples, "train", seconds)


def _write(out: Path, samples: np.ndarray) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    write_audio(out, samples / max(1.0, np.abs(samples).max() / HIGHEST_PEAK))


if __name__ == "__main__":
    run_stage(main)
