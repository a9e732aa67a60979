"""The rows of every study: a registry of what scores the folder that a study's stage wrote."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from pipeline.common.params import by_study
from pipeline.studies import dereverberation_rows, timbre_transfer_rows
from pipeline.studies.scores import control_rows, extrapolation_rows, phase_rows

ScoreStudy = Callable[[Path], dict[str, pd.DataFrame]]  # a study's folder -> {table: rows}

STUDY_ROWS: dict[str, ScoreStudy] = by_study("pipeline.studies.rows.STUDY_ROWS", {
    "control": control_rows,
    "extrapolation": extrapolation_rows,
    "dereverberation": dereverberation_rows.rows,
    "timbre_transfer": timbre_transfer_rows.rows,
    "phase": phase_rows,
})
