"""Draw timbre transfers: for each instrument one window's source above the model's output."""

from pathlib import Path

import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from pipeline.audio.clips import Clip, read_clips, read_step_ms
from pipeline.common.units import CONFIDENCE_THRESHOLD, FRAME_RATE, SOUNDING_DB
from pipeline.reporting.drawing import literal, panels, spectrogram
from pipeline.studies.conditions import Condition, read_conditions


def draw_transfers(rows: pd.DataFrame, folder: Path, path: Path) -> None:
    """Draw spectrograms of source and output, and below them the requested and measured f0.

    Args:
        rows: of one experiment and seed; each instrument's window of median raw pitch accuracy is
            drawn.
        folder: output of stage `timbre_transfer`.
        path: of the PNG.
    """
    shown = pick_windows(rows)
    sources = read_clips(folder / "source")
    outputs = read_clips(folder / "output")
    conditions = read_conditions(folder / "output")
    with panels(3, len(shown), (3.3, 2.1), path, sharex=True, sharey="row") as (figure, axes):
        for column, row in zip(axes.T, shown.itertuples()):
            name = row.example_id
            accuracy = "undefined: no confident frame" if np.isnan(row.rpa) else f"{row.rpa:.2f}"
            for axis, clip in zip(column, (sources[name], outputs[name])):
                image = spectrogram(axis, clip.audio)
            _draw_f0(
                column[2],
                sources[name],
                outputs[name],
                conditions[name],
                row.octaves,
                read_step_ms(folder / "source"),
            )
            column[0].set_title(
                f"{literal(row.instrument)}, {literal(row.group)}, {row.octaves:+.0f} octaves\n"
                f"raw pitch accuracy {accuracy}",
                fontsize=8,
            )
            column[2].set_xlabel("s")
        for axis, label in zip(axes[:, 0], ("source\nkHz", "output\nkHz", "f0, MIDI")):
            axis.set_ylabel(label)
        axes[2][0].legend(frameon=False, fontsize=7)
        figure.colorbar(image, ax=axes[:2], label="dB", shrink=0.7)


def pick_windows(rows: pd.DataFrame) -> pd.DataFrame:
    """Pick each instrument's window of median raw pitch accuracy.

    Windows without a confident frame have none; an instrument that has only such windows shows one
    of them. The real test clips, which are shifted by no octaves, are left out.
    """
    picked = []
    for _, windows in rows.dropna(subset=["octaves"]).groupby("instrument", sort=False):
        tracked = windows.dropna(subset=["rpa"])
        ordered = (tracked if len(tracked) else windows).sort_values(["rpa", "example_id"])
        picked.append(ordered.iloc[[len(ordered) // 2]])
    return pd.concat(picked)


def _draw_f0(
    axis: plt.Axes, source: Clip, output: Clip, condition: Condition, octaves: float, step_ms: int
) -> None:
    seconds = np.arange(len(condition.f0_hz)) / FRAME_RATE
    tracked_seconds = np.arange(len(source.f0_hz)) * step_ms / 1000
    requested = np.where(condition.loudness_db > SOUNDING_DB, condition.f0_hz, np.nan)
    axis.plot(
        seconds, librosa.hz_to_midi(requested), color="black", linewidth=0.8, label="asked for"
    )
    for clip, factor, marker, label in (
        (source, 2.0**octaves, "o", "source, moved"),
        (output, 1.0, "x", "output"),
    ):
        confident = clip.confidence >= CONFIDENCE_THRESHOLD
        axis.plot(
            tracked_seconds[confident],
            librosa.hz_to_midi(factor * clip.f0_hz[confident]),
            marker,
            markersize=4,
            fillstyle="none",
            label=label,
        )
