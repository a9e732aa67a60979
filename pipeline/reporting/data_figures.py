"""Draw a data set by instrument: pitch, loudness, and CREPE's error against the played f0."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from pandas.api.typing import SeriesGroupBy

from pipeline.common.units import CONFIDENCE_THRESHOLD, SOUNDING_DB
from pipeline.reporting.drawing import panel

BOXES = "boxes: quartiles, whiskers: 5 and 95 %"


def draw_data_set(frames: pd.DataFrame, name: str, folder: Path) -> None:
    """Write pitch.png, loudness.png and, if the played f0 is known, f0_error.png.

    Args:
        frames: from `pipeline.reporting.data_summary.collect_frames`.
        name: of the data set.
        folder: of the PNGs.
    """
    confident = frames[frames.confidence >= CONFIDENCE_THRESHOLD]
    with panel(folder / "pitch.png", _height(frames)) as axis:
        midi = 69 + 12 * np.log2(np.maximum(confident.f0_hz, 1e-3) / 440)
        _boxes(axis, midi.groupby(confident.instrument, observed=True))
        axis.set(
            title=f"{name}: pitch by instrument (confident frames)", xlabel=f"MIDI pitch; {BOXES}"
        )
    with panel(folder / "loudness.png", _height(frames)) as axis:
        sounding = frames[frames.loudness_db > SOUNDING_DB]
        _boxes(axis, sounding.loudness_db.groupby(sounding.instrument, observed=True))
        axis.set(
            title=f"{name}: loudness by instrument, frames above {SOUNDING_DB:.0f} dB",
            xlabel=f"dB (0: full-scale 1 kHz sine); {BOXES}",
        )
    if frames.cents.notna().any():
        with panel(folder / "f0_error.png", _height(frames)) as axis:
            known = frames.dropna(subset=["cents"])
            _boxes(axis, known.cents.groupby(known.instrument, observed=True))
            axis.axvline(0, color="black", linewidth=0.6)
            axis.set(
                title=f"{name}: CREPE against the f0 that was played", xlabel=f"cents; {BOXES}"
            )


def _height(frames: pd.DataFrame) -> float:
    return 1.2 + 0.25 * frames.instrument.nunique()


def _boxes(axis: Axes, groups: SeriesGroupBy) -> None:
    names = [str(name) for name, _ in groups]
    axis.boxplot(
        [values.to_numpy() for _, values in groups],
        orientation="horizontal",
        tick_labels=names,
        showfliers=False,
        whis=(5, 95),
    )
