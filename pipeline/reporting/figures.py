"""Draw training curves, the ablations' differences, and spectrograms of resyntheses."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from pipeline.reporting.drawing import STYLE, save, spectrogram


def training_curves(logs: dict[str, pd.DataFrame], path: Path) -> None:
    """Draw training and validation loss against steps, one panel per experiment and seed.

    Objectives differ, so each panel has its own scale.
    """
    columns = min(4, len(logs))
    lines = -(-len(logs) // columns)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            lines,
            columns,
            figsize=(3.2 * columns, 2.6 * lines),
            squeeze=False,
            layout="constrained",
        )
        for axis in axes.flat[len(logs) :]:
            axis.remove()
        for axis, (name, log) in zip(axes.flat, logs.items()):
            axis.plot(log.step, log.loss, color="tab:blue", label="training crops")
            valid = log.dropna(subset=["valid_loss"])
            axis.plot(
                valid.step,
                valid.valid_loss,
                "o-",
                color="tab:orange",
                label="validation, whole examples",
            )
            axis.set(title=name, xlabel="step")
            # cut off the first steps, which would flatten the rest
            top = min(log.loss.max(), 2 * log.loss.median())
            axis.set_ylim(top=max(top, 1.05 * valid.valid_loss.max()))
        for line in axes:
            line[0].set_ylabel("training objective")
        axes[0][0].legend(frameon=False)
        save(figure, path)


def forest(cells: pd.DataFrame, metrics: dict[str, str], path: Path) -> None:
    """Draw each ablation's paired difference from its base with its interval.

    Args:
        cells: row, base, metric, value, low, high and seeds, from the table of ablations.
        metrics: title by metric; each gets a panel.
        path: of the PNG.
    """
    with plt.rc_context(STYLE):
        height = 1.2 + 0.3 * cells["row"].nunique()
        figure, axes = plt.subplots(
            1,
            len(metrics),
            figsize=(1.6 + 3.6 * len(metrics), height),
            sharey=True,
            squeeze=False,
            layout="constrained",
        )
        for axis, (metric, title) in zip(axes.flat, metrics.items()):
            differences = cells[cells.metric == metric]
            labels = [
                f"{name} (of {base})" for name, base in zip(differences["row"], differences.base)
            ]
            axis.hlines(labels, differences.low, differences.high, color="tab:blue")
            axis.plot(differences.value, labels, "o", color="tab:blue")
            axis.axvline(0, color="black", linewidth=0.8)
            axis.set_xlabel(title)
        axes[0][0].invert_yaxis()
        figure.suptitle(
            f"95 % intervals over test examples; trainings of each: {cells.seeds.max()}"
        )
        save(figure, path)


def spectrogram_comparison(
    title: str,
    originals: dict[str, np.ndarray],
    resyntheses: dict[str, np.ndarray],
    rows: pd.DataFrame,
    path: Path,
) -> None:
    """Draw log-magnitude spectrograms of test notes, original above resynthesis.

    Args:
        title: of the figure.
        originals: [samples] by example id.
        resyntheses: [samples] by example id.
        rows: of the notes to draw, indexed by example id.
        path: of the PNG.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            2, len(rows), figsize=(3 * len(rows), 5), sharex=True, sharey=True, squeeze=False
        )
        figure.subplots_adjust(
            left=0.7 / figure.get_figwidth(),
            right=0.98,
            top=0.83,
            bottom=0.1,
            hspace=0.08,
            wspace=0.06,
        )
        for column, (name, row) in enumerate(rows.iterrows()):
            for line, audio in enumerate((originals[name], resyntheses[name])):
                image = spectrogram(axes[line][column], audio)
            axes[0][column].set_title(
                f"{row.recording_id}\nspectral loss {row.spectral_loss:.2f}", fontsize=8
            )
            axes[1][column].set_xlabel("s")
        axes[0][0].set_ylabel("original\nkHz")
        axes[1][0].set_ylabel("resynthesis\nkHz")
        figure.colorbar(image, ax=axes, label="dB", shrink=0.6, pad=0.01, fraction=0.03)
        figure.suptitle(title)
        save(figure, path)


def pick_notes(rows: pd.DataFrame) -> pd.DataFrame:
    """Pick the notes with the best, quartile, median and worst spectral loss.

    A figure of the best notes alone would flatter the model.
    """
    ordered = rows.sort_values(["spectral_loss", "example_id"]).set_index("example_id")
    positions = np.unique(np.rint(np.linspace(0, len(ordered) - 1, 5)).astype(int))
    return ordered.iloc[positions]
