"""Registry of the studies' rows: the functions that score what each study played."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from pipeline.common.params import by_study
from pipeline.evaluation import control, dereverberation, extrapolation, phase, timbre_transfer

ScoreStudy = Callable[[Path], dict[str, pd.DataFrame]]  # a study's folder -> {table: rows}

STUDY_ROWS: dict[str, ScoreStudy] = by_study(
    "pipeline.evaluation.study_rows.STUDY_ROWS",
    {
        "control": control.rows,
        "extrapolation": extrapolation.rows,
        "dereverberation": dereverberation.rows,
        "timbre_transfer": timbre_transfer.rows,
        "phase": phase.rows,
    },
)
