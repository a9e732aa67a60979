"""The picture of every study that was made: of its first experiment and seed, where it shows one alone."""

from pathlib import Path

import pandas as pd

from pipeline.cells import TabulateConfig
from pipeline.studies.config import STUDIES
from pipeline.studies.dereverberation_figure import draw_dereverberation
from pipeline.studies.figures import control_figure, extrapolation_figure, phase_figure
from pipeline.studies.tables import TABLES
from pipeline.studies.timbre_transfer_figure import draw_transfers


def draw_studies(params: dict, studies: Path, rows: Path, tables: Path, config: TabulateConfig, out: Path) -> None:
    """Write out/STUDY.png of every study that params.yaml asks for.

    Args:
        studies: what the studies' stages wrote; `rows` what `score` made of it, `tables` what `tabulate` made of that.
    """
    first = {study: f"{params[study]['experiments'][0]}-{params['seeds'][0]}" for study in STUDIES if params[study]["experiments"]}
    for study, run in first.items():
        folder, path = studies / study / run, out / f"{study}.png"
        found = {table.name: pd.read_parquet(rows / f"{table.name}-{run}.parquet") for table in TABLES if table.stage == study}
        if study == "control":
            control_figure(folder, path)
        elif study == "extrapolation":
            extrapolation_figure(pd.read_csv(tables / "extrapolation.csv"), path)
        elif study == "dereverberation":
            draw_dereverberation(found, folder, config, path)
        elif study == "timbre_transfer":
            draw_transfers(found["timbre_transfer"], folder, path)
        else:
            phase_figure(found["phase"], path)
