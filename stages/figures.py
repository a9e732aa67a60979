"""Draw training curves and spectrograms of originals beside resyntheses."""

from pathlib import Path

import pandas as pd

from pipeline.clips import load_audio
from pipeline.command import run_stage
from pipeline.config import experiment_data, read_params
from pipeline.figures import pick_notes, spectrogram_comparison, training_curves
from pipeline.files import atomic_folder


def main(
    logs: Path, rows: Path, yardsticks: Path, resyntheses: Path, out: Path, params: Path = Path("params.yaml")
) -> None:
    """Reads LOGS, ROWS, YARDSTICKS/DATA/original and RESYNTHESES; writes OUT/training.png and OUT/resynthesis-NAME.png."""
    values = read_params(params)
    runs = [f"{experiment}-{seed}" for experiment in values["experiments"] for seed in values["seeds"]]
    with atomic_folder(out) as folder:
        training_curves({name: pd.read_csv(logs / f"{name}.csv") for name in runs}, folder / "training.png")
        for experiment in values["experiments"]:
            run = f"{experiment}-{values['seeds'][0]}"
            notes = pick_notes(pd.read_parquet(rows / f"{run}.parquet"))
            originals = yardsticks / experiment_data(values, experiment, params) / "original"
            title = f"{experiment}: test notes from the best to the worst spectral loss"
            sounds = [{name: load_audio(tracked, name) for name in notes.index}
                      for tracked in (originals, resyntheses / run)]  # fmt: skip
            spectrogram_comparison(title, *sounds, notes, folder / f"resynthesis-{experiment}.png")


if __name__ == "__main__":
    run_stage(main)
