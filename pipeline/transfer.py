"""Transfer the timbre of a trained model to any recording: `make transfer AUDIO=path`."""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from pipeline.audio.files import WRITTEN, BadAudio, read_audio, write_audio
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
from pipeline.studies.adjustment import Adjustment
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
        Path | None, typer.Option(help="the WAV or FLAC to write; transfers/NAME.wav by default")
    ] = None,
    model: Annotated[Path, typer.Option(help="a trained DDSP autoencoder")] = Path(
        "models/solo_violin-0"
    ),
    assigned: Annotated[
        Path, typer.Option(help="the folder of stage assign, which names training data")
    ] = Path("data/assigned"),
    params: Path = Path("params.yaml"),
) -> None:
    """Read AUDIO (any format that libsndfile reads, any rate, length and number of channels), MODEL
    and its training data; write OUT (mono, 16 kHz, as long as AUDIO).

    Print how the source was adjusted, and the metrics of the table of timbre transfers.
    """
    out = _check_output(out or Path("transfers") / f"{audio.stem}.wav", audio)
    fix_order_of_sums()
    settings = Settings.read(params)
    config = settings.section("timbre_transfer", TimbreTransferConfig)
    features = settings.section("features", FeaturesConfig)
    tracking = settings.section("resynthesize", ResynthesizeConfig)
    seconds = example_seconds(settings)
    samples = _read(audio)
    training = _find_training(model, assigned)  # before the model, which takes seconds to load
    autoencoder = load_autoencoder(model)
    target = describe_target(read_split(training, "train", seconds))
    length = round(seconds * FRAME_RATE)
    padded = np.pad(samples, (0, max(0, length * HOP - len(samples))))  # to at least one window
    transferred = transfer(
        autoencoder,
        SourceLine("recording", "recording", "recording", padded, None),
        target,
        features,
        config.room,
        tracking.noise_seed,
    )
    _write(out, transferred.audio[: len(samples)])
    with tempfile.TemporaryDirectory() as folder:
        write_transfers(Path(folder), [transferred], target, tracking, length)
        metric_rows = rows(Path(folder))["timbre_transfer"]
    print(describe(transferred, target, metric_rows, seconds))
    print(f"wrote {out}: {len(samples) / SAMPLE_RATE:.1f} s")


def describe(
    transferred: Transfer, target: Target, metric_rows: pd.DataFrame, seconds: float
) -> str:
    """Describe how the source was adjusted, and list the defined metrics.

    Args:
        transferred: the transfer.
        target: the statistics of the training data.
        metric_rows: one row of metrics per window.
        seconds: the length of a window.
    """
    adjustment = transferred.adjustment
    lines = [
        _describe_pitch(adjustment, target),
        _describe_loudness(adjustment, target),
        (
            f"measured in windows of {seconds:g} s: {len(metric_rows)}; the metrics are explained "
            "in reports/tables/timbre_transfer.md"
        ),
    ]
    for metric in TIMBRE_TRANSFER.metrics:
        values = metric_rows[metric.column]
        weight = metric_rows[metric.denominator].sum() if metric.denominator else values.count()
        if weight:
            lines.append(f"  {metric.label:48}{values.sum() / weight:8.3f}")
    return "\n".join(lines)


def _describe_pitch(adjustment: Adjustment, target: Target) -> str:
    if np.isnan(adjustment.pitch):
        return "f0: not moved, CREPE is sure of no pitch"
    if np.isnan(target.pitch):
        return "f0: not moved, CREPE is sure of no pitch in the training data"
    return (
        f"f0: {adjustment.octaves:+d} octaves (median pitch {adjustment.pitch:.1f}, training data "
        f"{target.pitch:.1f}, MIDI)"
    )


def _describe_loudness(adjustment: Adjustment, target: Target) -> str:
    if np.isnan(adjustment.loudness_mean):
        return "loudness: not changed, no frame is above -70 dB"
    if np.isnan(target.loudness_mean):
        return "loudness: not changed, no frame of the training data is above -70 dB"
    std = adjustment.loudness_std
    return (
        f"loudness: mean {adjustment.loudness_mean:.1f} to {target.loudness_mean:.1f} dB, standard "
        f"deviation {std:.1f} to {adjustment.loudness_scale * std:.1f} dB, over frames above -70 dB"
    )


def _read(audio: Path) -> np.ndarray:
    try:
        return read_audio(audio)
    except BadAudio as error:
        raise UserError(f"{audio}: {error}; give a recording that can be decoded") from None


def _check_output(out: Path, audio: Path) -> Path:
    """Return `out`; raise a UserError unless it is a new file that can be written."""
    if out.suffix not in WRITTEN:
        raise UserError(f"{out}: name a file that ends in {' or '.join(WRITTEN)}")
    if out.exists() and audio.exists() and out.samefile(audio):
        raise UserError(f"{out}: is the recording itself; name another file (OUT=...)")
    if out.exists() or out.is_symlink():
        raise UserError(f"{out}: exists; remove it or name another file (OUT=...)")
    folder = next(parent for parent in out.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UserError(
            f"{out}: cannot be written into {os.path.relpath(folder)}; name another file (OUT=...)"
        )
    return out


def _find_training(model: Path, assigned: Path) -> Path:
    """Find the examples that a model was trained on by its experiment's name."""
    assignment = assigned / f"{model.name.rpartition('-')[0]}.json"
    if not assignment.exists():
        raise UserError(
            f"{assignment}: no such file; it names the training data of {model}; run `make repro` "
            "or `dvc repro assign`"
        )
    return read_assignment(assignment).examples


def _write(out: Path, samples: np.ndarray) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    write_audio(out, samples / max(1.0, np.abs(samples).max() / HIGHEST_PEAK))


if __name__ == "__main__":
    run_stage(main)
