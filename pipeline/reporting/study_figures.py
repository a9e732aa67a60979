"""The figure of every study that was made: of its first experiment and seed where it shows one
alone.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from pipeline.audio.clips import Clip, read_clips, read_step_ms
from pipeline.common.params import by_study
from pipeline.common.settings import Settings
from pipeline.common.units import FRAME_RATE, SOUNDING_DB
from pipeline.evaluation.centroid import spectral_centroid
from pipeline.reporting.cells import TabulateConfig
from pipeline.reporting.dereverberation_figure import draw_dereverberation
from pipeline.reporting.drawing import panel, panels
from pipeline.reporting.studies import EXTRAPOLATION, TABLES
from pipeline.reporting.timbre_transfer_figure import draw_transfers
from pipeline.studies.conditions import CLIPS, PLAN, Condition, read_conditions

FEATURES = {
    "loudness": "loudness, dB",
    "f0": "f0, MIDI pitch",
    "centroid": "spectral centroid, kHz",
}


def control_figure(folder: Path, path: Path) -> None:
    """The first pair's ways, after the paper's figure of interpolations: conditioning solid,
    measured dashed, a colour per step.
    """
    plan, conditions = pd.read_csv(folder / PLAN), read_conditions(folder)
    clips, step_ms = read_clips(folder / CLIPS), read_step_ms(folder / CLIPS)
    mine = plan[plan.example_id == plan.example_id[0]]
    varied = list(dict.fromkeys(mine.varied))
    with panels(len(FEATURES), len(varied), (3.2, 2.1), path, sharex=True, sharey="row") as (
        figure,
        axes,
    ):
        for column, name in enumerate(varied):
            steps = mine[mine.varied == name]
            for colour, step in zip(
                plt.cm.viridis(np.linspace(0, 0.9, len(steps))), steps.itertuples()
            ):
                _draw_step(
                    axes[:, column], conditions[step.clip], clips[step.clip], step_ms, colour
                )
            axes[0][column].set_title(f"{name} varied")
            axes[-1][column].set_xlabel("s")
        for line, title in enumerate(FEATURES.values()):
            axes[line][0].set_ylabel(title)
        figure.suptitle(
            f"{plan.example_id[0]}: conditioning solid, measured dashed; first step dark",
            fontsize=9,
        )


def _draw_step(
    axes: np.ndarray, condition: Condition, clip: Clip, step_ms: int, colour: np.ndarray
) -> None:
    fine, coarse = (
        np.arange(len(clip.loudness_db)) / FRAME_RATE,
        np.arange(len(clip.f0_hz)) * step_ms / 1000,
    )
    sounding = condition.loudness_db > SOUNDING_DB
    axes[0].plot(fine, condition.loudness_db, color=colour)
    axes[0].plot(fine, clip.loudness_db, "--", color=colour)
    axes[1].plot(fine[sounding], librosa.hz_to_midi(condition.f0_hz[sounding]), color=colour)
    axes[1].plot(
        coarse,
        librosa.hz_to_midi(np.where(condition.pitched & (clip.f0_hz > 0), clip.f0_hz, np.nan)),
        "--",
        color=colour,
    )
    axes[2].plot(
        fine,
        np.where(clip.loudness_db > SOUNDING_DB, spectral_centroid(clip.audio), np.nan) / 1000,
        "--",
        color=colour,
        linewidth=0.8,
    )


def extrapolation_figure(cells: pd.DataFrame, path: Path) -> None:
    """Every metric against the shift, with 95 % intervals; undefined ones are left out."""
    shown = [metric for metric in EXTRAPOLATION.metrics if metric.name != "beyond_frames"]
    with panels(1, len(shown), (2.6, 2.6), path) as (_, axes):
        for axis, metric in zip(axes[0], shown):
            for experiment, mine in cells[
                (cells.metric == metric.name) & cells.value.notna()
            ].groupby("experiment", sort=False):
                bars = [mine.value - mine.low, mine.high - mine.value]
                axis.errorbar(
                    mine.octaves,
                    mine.value,
                    np.maximum(bars, 0),
                    fmt="o-",
                    capsize=3,
                    label=experiment,
                )
            axis.set(title=metric.label, xlabel="octaves", ylim=(0, None))
        axes[0][0].legend()


def phase_figure(rows: pd.DataFrame, path: Path) -> None:
    """Of every test example and version, waveform distance against spectral loss; the first
    version's loss to the original for scale.
    """
    with panel(path, 3.6) as axis:
        for version, mine in rows[rows.version != "first"].groupby("version", sort=False):
            axis.plot(
                mine.waveform_distance, mine.spectral_loss, ".", label=version.replace("_", " ")
            )
        axis.axhline(
            rows.spectral_loss_to_original[rows.version == "first"].mean(),
            color="black",
            linewidth=0.8,
            label="spectral loss of the first to the original, mean",
        )
        axis.set(
            xlabel="waveform distance to the first resynthesis",
            ylabel="spectral loss to it",
            ylim=(0, None),
        )
        axis.legend()


class StudyResults(NamedTuple):
    """What a study's picture may show."""

    folder: Path  # what the study's stage wrote for one experiment and seed
    rows: dict[str, pd.DataFrame]  # the same run's rows by table
    tables: Path  # the tables of all experiments
    config: TabulateConfig


def _draw_control(results: StudyResults, path: Path) -> None:
    control_figure(results.folder, path)


def _draw_extrapolation(results: StudyResults, path: Path) -> None:
    extrapolation_figure(pd.read_csv(results.tables / "extrapolation.csv"), path)


def _draw_dereverberation(results: StudyResults, path: Path) -> None:
    draw_dereverberation(results.rows, results.folder, results.config, path)


def _draw_timbre_transfer(results: StudyResults, path: Path) -> None:
    draw_transfers(results.rows["timbre_transfer"], results.folder, path)


def _draw_phase(results: StudyResults, path: Path) -> None:
    phase_figure(results.rows["phase"], path)


DrawStudy = Callable[[StudyResults, Path], None]


STUDY_FIGURES: dict[str, DrawStudy] = by_study(
    "pipeline.reporting.study_figures.STUDY_FIGURES",
    {
        "control": _draw_control,
        "extrapolation": _draw_extrapolation,
        "dereverberation": _draw_dereverberation,
        "timbre_transfer": _draw_timbre_transfer,
        "phase": _draw_phase,
    },
)


def draw_studies(
    settings: Settings, config: TabulateConfig, studies: Path, rows: Path, tables: Path, out: Path
) -> None:
    """Write out/STUDY.png of every study that params.yaml asks for.

    Args:
        settings: name the studies' experiments and the seeds.
        config: the `tabulate` section.
        studies: the folder that the studies' stages wrote.
        rows: the folder that stage `score` wrote.
        tables: the folder that stage `tabulate` wrote.
        out: the folder for the pictures.
    """
    for study, draw in STUDY_FIGURES.items():
        runs = settings.study_runs(study)
        if runs:
            experiment, seed = runs[0]
            run = f"{experiment}-{seed}"
            found = {
                table.name: pd.read_parquet(rows / f"{table.name}-{run}.parquet")
                for table in TABLES
                if table.stage == study
            }
            draw(StudyResults(studies / study / run, found, tables, config), out / f"{study}.png")
