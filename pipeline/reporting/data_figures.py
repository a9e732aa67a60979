"""Draw a data set by instrument: pitch, loudness, and CREPE's error against the played f0."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from pipeline.common.units import CONFIDENCE_THRESHOLD, SOUNDING_DB
from pipeline.reporting.drawing import literal, note_empty, panel

BOXES = "boxes: quartiles, whiskers: 5 and 95 %"


def draw_data_set(frames: pd.DataFrame, name: str, folder: Path) -> None:
    """Write pitch.png, loudness.png and, if the played f0 is known, f0_error.png.

    Instruments without a frame to draw are named; so is what is missing if none has any.

    Args:
        frames: from `pipeline.reporting.data_summary.collect_frames`.
        name: of the data set.
        folder: of the PNGs.
    """
    instruments = [instrument for instrument, _ in frames.groupby("instrument", observed=True)]
    confident = frames[frames.confidence >= CONFIDENCE_THRESHOLD]
    with panel(folder / "pitch.png", _height(instruments)) as axis:
        midi = 69 + 12 * np.log2(np.maximum(confident.f0_hz, 1e-3) / 440)
        values = confident.assign(midi=midi)
        _boxes(axis, values, "midi", instruments, "no confident frame")
        axis.set(
            title=f"{name}: pitch by instrument (confident frames)", xlabel=f"MIDI pitch; {BOXES}"
        )
    with panel(folder / "loudness.png", _height(instruments)) as axis:
        sounding = frames[frames.loudness_db > SOUNDING_DB]
        quiet = f"no frame above {SOUNDING_DB:.0f} dB"
        _boxes(axis, sounding, "loudness_db", instruments, quiet)
        axis.set(
            title=f"{name}: loudness by instrument, frames above {SOUNDING_DB:.0f} dB",
            xlabel=f"dB (0: full-scale 1 kHz sine); {BOXES}",
        )
    if frames.cents.notna().any():
        with panel(folder / "f0_error.png", _height(instruments)) as axis:
            known = frames.dropna(subset=["cents"])
            _boxes(axis, known, "cents", instruments, "no confident frame of known f0")
            axis.axvline(0, color="black", linewidth=0.6)
            axis.set(
                title=f"{name}: CREPE against the f0 that was played", xlabel=f"cents; {BOXES}"
            )


def _height(instruments: list[str]) -> float:
    return 1.2 + 0.25 * len(instruments)


def _boxes(
    axis: Axes, frames: pd.DataFrame, column: str, instruments: list[str], missing: str
) -> None:
    """Draw a box of `column` per instrument; `missing` says what one without frames lacks."""
    values = [frames[column][frames.instrument == name].to_numpy() for name in instruments]
    labels = [
        literal(str(name)) if len(drawn) else f"{literal(str(name))}: {missing}"
        for name, drawn in zip(instruments, values)
    ]
    axis.boxplot(
        values,
        orientation="horizontal",
        tick_labels=labels,
        showfliers=False,
        whis=(5, 95),
    )
    if not len(frames):
        note_empty(axis, missing)
