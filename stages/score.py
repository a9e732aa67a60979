"""Score what the studies' stages left: a row per clip, experiment and seed."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from pipeline.command import run_stage
from pipeline.config import read_params
from pipeline.files import atomic_folder
from pipeline.studies import dereverberation_rows, timbre_transfer_rows
from pipeline.studies.scores import control_rows, extrapolation_rows, phase_rows

ROWS: dict[str, Callable[[Path], dict[str, pd.DataFrame]]] = {
    "control": control_rows,
    "extrapolation": extrapolation_rows,
    "dereverberation": dereverberation_rows.rows,
    "timbre_transfer": timbre_transfer_rows.rows,
    "phase": phase_rows,
}


def main(studies: Path, out: Path, params: Path = Path("params.yaml")) -> None:
    """Reads STUDIES/NAME/EXPERIMENT-SEED; writes OUT/TABLE-EXPERIMENT-SEED.parquet."""
    values = read_params(params)
    with atomic_folder(out) as folder:
        for study, rows_of in ROWS.items():
            for experiment in values[study]["experiments"]:
                for seed in values["seeds"]:
                    for table, rows in rows_of(studies / study / f"{experiment}-{seed}").items():
                        rows.insert(0, "experiment", experiment)
                        rows.insert(1, "seed", seed)
                        rows.to_parquet(folder / f"{table}-{experiment}-{seed}.parquet", index=False)


if __name__ == "__main__":
    run_stage(main)
