"""The picture of the timbre transfers: for each instrument a window's source above what the
model made of it.
"""

from pathlib import Path

import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from pipeline.audio.clips import Clip, read_clips, read_step_ms
from pipeline.common.units import CONFIDENCE_THRESHOLD, FRAME_RATE, SOUNDING_DB
from pipeline.reporting.drawing import panels, spectrogram
from pipeline.studies.conditions import Condition, read_conditions


def draw_transfers(rows: pd.DataFrame, folder: Path, path: Path) -> None:
    """Spectrograms of source and output, and below f0 as asked for and as measured on both, one
    window per instrument.

    Args:
        rows: of one experiment and seed; the window in the middle of an instrument's by raw pitch
            accuracy is shown.
        folder: what stage `timbre_transfer` wrote.
    """
    shown = pick_windows(rows)
    sources, outputs, conditions = (
        read_clips(folder / "source"),
        read_clips(folder / "output"),
        read_conditions(folder / "output"),
    )
    with panels(3, len(shown), (3.3, 2.1), path, sharex=True, sharey="row") as (figure, axes):
        for column, row in zip(axes.T, shown.itertuples()):
            name = row.example_id
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
                f"{row.instrument}, {row.group}, {row.octaves:+.0f} octaves\n"
                f"raw pitch accuracy {row.rpa:.2f}",
                fontsize=8,
            )
            column[2].set_xlabel("s")
        for axis, label in zip(axes[:, 0], ("source\nkHz", "output\nkHz", "f0, MIDI")):
            axis.set_ylabel(label)
        axes[2][0].legend(frameon=False, fontsize=7)
        figure.colorbar(image, ax=axes[:2], label="dB", shrink=0.7)


def pick_windows(rows: pd.DataFrame) -> pd.DataFrame:
    """Of every instrument the window in the middle by raw pitch accuracy; the real test clips
    have none.
    """
    tracked = rows.dropna(subset=["rpa"])
    ordered = [
        mine.sort_values(["rpa", "example_id"])
        for _, mine in tracked.groupby("instrument", sort=False)
    ]
    return pd.concat([mine.iloc[[len(mine) // 2]] for mine in ordered])


def _draw_f0(
    axis: plt.Axes, source: Clip, output: Clip, condition: Condition, octaves: float, step_ms: int
) -> None:
    seconds, coarse = (
        np.arange(len(condition.f0_hz)) / FRAME_RATE,
        np.arange(len(source.f0_hz)) * step_ms / 1000,
    )
    asked = np.where(condition.loudness_db > SOUNDING_DB, condition.f0_hz, np.nan)
    axis.plot(seconds, librosa.hz_to_midi(asked), color="black", linewidth=0.8, label="asked for")
    for clip, factor, marker, label in (
        (source, 2.0**octaves, "o", "source, moved"),
        (output, 1.0, "x", "output"),
    ):
        heard = clip.confidence >= CONFIDENCE_THRESHOLD
        axis.plot(
            coarse[heard],
            librosa.hz_to_midi(factor * clip.f0_hz[heard]),
            marker,
            markersize=4,
            fillstyle="none",
            label=label,
        )
