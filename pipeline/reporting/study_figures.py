"""Draw a figure per study; those that show a single run show the first experiment and seed."""

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
from pipeline.reporting.drawing import note_empty, panel, panels
from pipeline.reporting.studies import EXTRAPOLATION, TABLES
from pipeline.reporting.timbre_transfer_figure import draw_transfers
from pipeline.studies.conditions import CLIPS, PLAN, Condition, read_conditions

FEATURES = {
    "loudness": "loudness, dB",
    "f0": "f0, MIDI pitch",
    "centroid": "spectral centroid, kHz",
}


def control_figure(folder: Path, path: Path) -> None:
    """Draw the first pair's interpolations, after the paper's figure of interpolations.

    Conditioning is solid, measured features are dashed; each step has a colour.
    """
    plan = pd.read_csv(folder / PLAN)
    conditions = read_conditions(folder)
    clips = read_clips(folder / CLIPS)
    step_ms = read_step_ms(folder / CLIPS)
    pair = plan[plan.example_id == plan.example_id[0]]
    varied = list(dict.fromkeys(pair.varied))
    with panels(len(FEATURES), len(varied), (3.2, 2.1), path, sharex=True, sharey="row") as (
        figure,
        axes,
    ):
        for column, name in enumerate(varied):
            steps = pair[pair.varied == name]
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
    seconds = np.arange(len(clip.loudness_db)) / FRAME_RATE
    tracked_seconds = np.arange(len(clip.f0_hz)) * step_ms / 1000
    sounding = condition.loudness_db > SOUNDING_DB
    axes[0].plot(seconds, condition.loudness_db, color=colour)
    axes[0].plot(seconds, clip.loudness_db, "--", color=colour)
    axes[1].plot(seconds[sounding], librosa.hz_to_midi(condition.f0_hz[sounding]), color=colour)
    axes[1].plot(
        tracked_seconds,
        librosa.hz_to_midi(np.where(condition.pitched & (clip.f0_hz > 0), clip.f0_hz, np.nan)),
        "--",
        color=colour,
    )
    axes[2].plot(
        seconds,
        np.where(clip.loudness_db > SOUNDING_DB, spectral_centroid(clip.audio), np.nan) / 1000,
        "--",
        color=colour,
        linewidth=0.8,
    )


def extrapolation_figure(cells: pd.DataFrame, path: Path) -> None:
    """Draw every metric against the shift with 95 % intervals; leave out undefined values."""
    shown = [metric for metric in EXTRAPOLATION.metrics if metric.name != "beyond_frames"]
    with panels(1, len(shown), (2.6, 2.6), path) as (_, axes):
        for axis, metric in zip(axes[0], shown):
            of_metric = cells[(cells.metric == metric.name) & cells.value.notna()]
            for experiment, curve in of_metric.groupby("experiment", sort=False):
                bars = [curve.value - curve.low, curve.high - curve.value]
                axis.errorbar(
                    curve.octaves,
                    curve.value,
                    np.maximum(bars, 0),
                    fmt="o-",
                    capsize=3,
                    label=experiment,
                )
            axis.set(title=metric.label, xlabel="octaves", ylim=(0, None))
            if of_metric.empty:
                note_empty(axis, "undefined at every shift")
        drawn = [axis for axis in axes[0] if axis.has_data()]
        if drawn:
            drawn[0].legend()


def phase_figure(rows: pd.DataFrame, path: Path) -> None:
    """Draw waveform distance against spectral loss for every test example and version.

    A line marks the first version's mean spectral loss to the original, for scale.
    """
    with panel(path, 3.6) as axis:
        for version, of_version in rows[rows.version != "first"].groupby("version", sort=False):
            axis.plot(
                of_version.waveform_distance,
                of_version.spectral_loss,
                ".",
                label=version.replace("_", " "),
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
    """Inputs of a study's figure."""

    folder: Path  # output of the study's stage for one experiment and seed
    rows: dict[str, pd.DataFrame]  # the same run's rows by table
    tables: Path  # folder of the tables, which cover all experiments
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
    """Write OUT/STUDY.png for every study that params.yaml asks for.

    Args:
        settings: name the studies' experiments and the seeds.
        config: the `tabulate` section.
        studies: output folder of the studies' stages.
        rows: output folder of stage `score`.
        tables: output folder of stage `tabulate`.
        out: folder of the figures.
    """
    for study, draw in STUDY_FIGURES.items():
        runs = settings.study_runs(study)
        if not runs:
            continue
        experiment, seed = runs[0]
        run = f"{experiment}-{seed}"
        run_rows = {
            table.name: pd.read_parquet(rows / f"{table.name}-{run}.parquet")
            for table in TABLES
            if table.stage == study
        }
        results = StudyResults(studies / study / run, run_rows, tables, config)
        draw(results, out / f"{study}.png")
