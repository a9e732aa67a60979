"""Drawing: one style for all figures, their panels, a spectrogram, and PNG files of few bytes."""

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

matplotlib.use("Agg")
FFT, HOP_SAMPLES = 1024, 256
STYLE = {"savefig.dpi": 110, "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
SAVE = {"metadata": {"Software": None}}  # the same picture is the same file
COLOURS = 256  # a palette that covers the whole range of colours evenly: a quarter of the bytes


@contextmanager
def panel(path: Path, height: float) -> Iterator[plt.Axes]:
    """One set of axes, written to `path` when the block ends."""
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
    """A figure of [lines, columns] axes, each of `size` inches, written to `path` when the block
    ends.
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
    """Draw the log-magnitude spectrogram of [samples] at 16 kHz, in kHz against seconds; returns
    the image, for a colour bar.
    """
    magnitude = np.abs(librosa.stft(audio, n_fft=FFT, hop_length=HOP_SAMPLES))
    decibels = 20 * np.log10(np.maximum(magnitude / (FFT / 4), 1e-6))  # 0 dB: a full-scale sine
    extent = (0, len(audio) / SAMPLE_RATE, 0, SAMPLE_RATE / 2000)
    return axis.imshow(
        decibels, origin="lower", aspect="auto", extent=extent, vmin=-90, vmax=-10, cmap="magma"
    )


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
