"""Draw training curves and spectrograms of originals beside resyntheses."""

from pathlib import Path

import pandas as pd

from pipeline.command import run_stage
from pipeline.config import read_params
from pipeline.figures import pick_notes, spectrogram_comparison, training_curves
from pipeline.clips import read_clips


def main(
    logs: Path, rows: Path, yardsticks: Path, resyntheses: Path, out: Path, params: Path = Path("params.yaml")
) -> None:
    """Reads LOGS, ROWS, YARDSTICKS/original and RESYNTHESES; writes OUT/training.png and OUT/resynthesis-NAME.png."""
    values = read_params(params)
    runs = [f"{experiment}-{seed}" for experiment in values["experiments"] for seed in values["seeds"]]
    training_curves({name: pd.read_csv(logs / f"{name}.csv") for name in runs}, out / "training.png")
    originals = read_clips(yardsticks / "original")
    for experiment in values["experiments"]:
        run = f"{experiment}-{values['seeds'][0]}"
        notes = pick_notes(pd.read_parquet(rows / f"{run}.parquet"))
        title = f"{experiment}: test notes from the best to the worst spectral loss"
        spectrogram_comparison(title, originals, read_clips(resyntheses / run), notes, out / f"resynthesis-{experiment}.png")


if __name__ == "__main__":
    run_stage(main)
