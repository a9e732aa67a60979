"""The picture of every study that was made: of its first experiment and seed, where it shows only one."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from pipeline.cells import TabulateConfig
from pipeline.common.params import by_study
from pipeline.common.settings import Settings
from pipeline.studies.dereverberation_figure import draw_dereverberation
from pipeline.studies.figures import control_figure, extrapolation_figure, phase_figure
from pipeline.studies.tables import TABLES
from pipeline.studies.timbre_transfer_figure import draw_transfers


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

STUDY_FIGURES: dict[str, DrawStudy] = by_study("pipeline.studies.all_figures.STUDY_FIGURES", {
    "control": _draw_control,
    "extrapolation": _draw_extrapolation,
    "dereverberation": _draw_dereverberation,
    "timbre_transfer": _draw_timbre_transfer,
    "phase": _draw_phase,
})


def draw_studies(settings: Settings, config: TabulateConfig, studies: Path, rows: Path, tables: Path, out: Path) -> None:
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
            found = {table.name: pd.read_parquet(rows / f"{table.name}-{run}.parquet") for table in TABLES if table.stage == study}
            draw(StudyResults(studies / study / run, found, tables, config), out / f"{study}.png")
