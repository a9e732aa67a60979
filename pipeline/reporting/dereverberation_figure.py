"""Draw dereverberation: the rooms' decay curves and spectrograms, and distances to the truth."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.image import AxesImage

from pipeline.common.units import SAMPLE_RATE
from pipeline.evaluation.alignment import FFT, STEP, magnitudes
from pipeline.reporting.cells import TabulateConfig, aggregate
from pipeline.reporting.columns import Metric
from pipeline.reporting.drawing import note_empty, panels
from pipeline.studies.room_acoustics import BROADBAND, band_filter, decay_curve, read_responses

DRAWN_BANDS = (BROADBAND, "250", "1000", "4000")
COLORS = {"true": "black", "learned": "tab:blue", "noise": "tab:orange"}
LOWEST_DB = -60.0
DISTANCE = Metric(
    "log_spectral_distance_db",
    "log-spectral distance, dB\n(right: farther from the truth)",
    "log_spectral_distance_db",
)
POINTS = (  # by panel: a table, its column of lines, and the metric
    ("dereverberation", "signal", DISTANCE),
    ("acoustic_transfer", "response", DISTANCE),
)


def draw_dereverberation(
    rows: dict[str, pd.DataFrame], folder: Path, config: TabulateConfig, path: Path
) -> None:
    """Draw decay curves above; below, both rooms and the distances to the truth with intervals.

    Args:
        rows: by table, of one experiment and seed.
        folder: output of stage `dereverberation` for the same run.
        config: the `tabulate` section.
        path: of the PNG.
    """
    responses = read_responses(folder)
    with panels(2, len(DRAWN_BANDS), (3.5, 3.2), path) as (figure, axes):
        for axis, band in zip(axes[0], DRAWN_BANDS):
            draw_decay(axis, responses, band)
        axes[0][0].set_ylabel("energy to come, dB")
        axes[0][0].legend(frameon=False)
        images = [
            draw_room(axis, responses[name], f"{name} room")
            for axis, name in zip(axes[1], ("true", "learned"))
        ]
        figure.colorbar(images[0], ax=axes[1][:2], label="dB", location="right")
        axes[1][0].set_ylabel("kHz")
        for axis, (study, column, metric) in zip(axes[1][2:], POINTS):
            draw_distances(axis, rows[study], column, metric, config)
            axis.set_title(study.replace("_", " "))


def draw_decay(axis: plt.Axes, responses: dict[str, np.ndarray], band: str) -> None:
    """Draw each response's Schroeder decay curve in one band."""
    for name, response in responses.items():
        curve = decay_curve(band_filter(band)(response.astype(np.float64)))[:: STEP // 4]
        axis.plot(
            np.arange(len(curve)) * (STEP // 4) / SAMPLE_RATE,
            np.maximum(curve, LOWEST_DB),
            color=COLORS[name],
            label=name,
        )
    axis.set(
        title="all octave bands" if band == BROADBAND else f"octave at {band} Hz",
        xlabel="s",
        ylim=(LOWEST_DB, 2),
    )


def draw_room(axis: plt.Axes, response: np.ndarray, title: str) -> AxesImage:
    """Draw a response's spectrogram in dB relative to the peak of its reverberation.

    The response, [samples], is limited to the octave bands.
    """
    reverberation = response.copy()
    reverberation[0] = 0.0  # the direct sound would outshine the rest
    spectrum = magnitudes(band_filter(BROADBAND)(reverberation))
    decibels = (
        20 * np.log10(np.maximum(spectrum / spectrum.max(), 1e-6))
        if spectrum.any()
        else np.full_like(spectrum, LOWEST_DB)
    )
    extent = (0, len(response) / SAMPLE_RATE, 0, (FFT // 2) * SAMPLE_RATE / FFT / 1000)
    image = axis.imshow(
        decibels, origin="lower", aspect="auto", extent=extent, vmin=LOWEST_DB, vmax=0, cmap="magma"
    )
    axis.set(title=title, xlabel="s")
    return image


def draw_distances(
    axis: plt.Axes, rows: pd.DataFrame, column: str, metric: Metric, config: TabulateConfig
) -> None:
    """Draw each line's value with its interval; leave out the truth against itself."""
    cells = {
        name: aggregate(of_line, metric, config)
        for name, of_line in rows.groupby(column, sort=False)
        if of_line[metric.column].any()
    }
    axis.hlines(
        list(cells),
        [cell["low"] for cell in cells.values()],
        [cell["high"] for cell in cells.values()],
        color="tab:blue",
    )
    axis.plot([cell["value"] for cell in cells.values()], list(cells), "o", color="tab:blue")
    axis.set(xlabel=metric.label)
    axis.margins(y=0.2)
    axis.invert_yaxis()
    if not cells:
        note_empty(axis, "undefined for every line")
