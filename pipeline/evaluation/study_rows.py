"""The rows of every study: a registry of what scores the folder that a study's stage wrote."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from pipeline.common.params import by_study
from pipeline.evaluation import dereverberation, timbre_transfer
from pipeline.evaluation.control import control_rows
from pipeline.evaluation.extrapolation import extrapolation_rows
from pipeline.evaluation.phase import phase_rows

ScoreStudy = Callable[[Path], dict[str, pd.DataFrame]]  # a study's folder -> {table: rows}

STUDY_ROWS: dict[str, ScoreStudy] = by_study(
    "pipeline.evaluation.study_rows.STUDY_ROWS",
    {
        "control": control_rows,
        "extrapolation": extrapolation_rows,
        "dereverberation": dereverberation.rows,
        "timbre_transfer": timbre_transfer.rows,
        "phase": phase_rows,
    },
)
