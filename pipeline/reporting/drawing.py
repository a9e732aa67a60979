"""Draw figures in one style: panels, spectrograms, and small PNG files."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import librosa
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from pipeline.common.units import SAMPLE_RATE

matplotlib.rcdefaults()  # a user's matplotlibrc would change the pictures
matplotlib.use("Agg")
FFT, HOP_SAMPLES = 1024, 256
STYLE = {"savefig.dpi": 110, "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
SAVE = {"metadata": {"Software": None}}  # no version, so that equal pictures are equal files
COLOURS = 256  # of a palette that covers the colours evenly; a quarter of the bytes


@contextmanager
def panel(path: Path, height: float) -> Iterator[plt.Axes]:
    """Yield one set of axes; write it to `path` when the block ends."""
    with panels(1, 1, (6.4, height), path) as (_, axes):
        yield axes[0][0]


@contextmanager
def panels(
    lines: int,
    columns: int,
    size: tuple[float, float],
    path: Path,
    sharex: bool = False,
    sharey: bool | str = False,
) -> Iterator[tuple[plt.Figure, np.ndarray]]:
    """Yield a figure and its axes, [lines, columns]; write it to `path` when the block ends.

    Args:
        lines: of panels.
        columns: of panels.
        size: width and height of a panel in inches.
        path: of the PNG.
        sharex: as in `plt.subplots`.
        sharey: as in `plt.subplots`.
    """
    with plt.rc_context(STYLE):
        whole = (size[0] * columns, size[1] * lines)
        figure, axes = plt.subplots(
            lines,
            columns,
            figsize=whole,
            sharex=sharex,
            sharey=sharey,
            squeeze=False,
            layout="constrained",
        )
        yield figure, axes
        save(figure, path)


def spectrogram(axis: plt.Axes, audio: np.ndarray):
    """Draw the log-magnitude spectrogram of [samples] at 16 kHz, in kHz against seconds.

    Return the image, for a colour bar.
    """
    magnitude = np.abs(librosa.stft(audio, n_fft=FFT, hop_length=HOP_SAMPLES))
    decibels = 20 * np.log10(np.maximum(magnitude / (FFT / 4), 1e-6))  # 0 dB: a full-scale sine
    extent = (0, len(audio) / SAMPLE_RATE, 0, SAMPLE_RATE / 2000)
    return axis.imshow(
        decibels, origin="lower", aspect="auto", extent=extent, vmin=-90, vmax=-10, cmap="magma"
    )


def literal(text: str) -> str:
    """Prepare a user's text for a label: one line, and dollar signs begin no formula."""
    return " ".join(text.split()).replace("$", r"\$")


def note_empty(axis: plt.Axes, text: str) -> None:
    """Say in the middle of a panel why nothing is drawn there."""
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", fontsize=8)


def save(figure: plt.Figure, path: Path) -> None:
    """Write a figure to `path` as a PNG with a palette, and close it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = io.BytesIO()
    figure.savefig(drawn, **SAVE)
    plt.close(figure)
    with Image.open(drawn) as image:
        image.convert("RGB").quantize(
            COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
        ).save(path, optimize=True)
