"""Draw training curves and spectrograms of originals beside resyntheses."""

from pathlib import Path

import pandas as pd

from pipeline.command import run_stage
from pipeline.config import read_params
from pipeline.figures import pick_notes, spectrogram_comparison, training_curves
from pipeline.files import atomic_folder
from pipeline.audio import read_audio
from pipeline.clips import audio_path


def main(
    logs: Path, rows: Path, yardsticks: Path, resyntheses: Path, out: Path, params: Path = Path("params.yaml")
) -> None:
    """Reads LOGS, ROWS, YARDSTICKS/original and RESYNTHESES; writes OUT/training.png and OUT/resynthesis-NAME.png."""
    values = read_params(params)
    runs = [f"{experiment}-{seed}" for experiment in values["experiments"] for seed in values["seeds"]]
    with atomic_folder(out) as folder:
        training_curves({name: pd.read_csv(logs / f"{name}.csv") for name in runs}, folder / "training.png")
        for experiment in values["experiments"]:
            run = f"{experiment}-{values['seeds'][0]}"
            notes = pick_notes(pd.read_parquet(rows / f"{run}.parquet"))
            title = f"{experiment}: test notes from the best to the worst spectral loss"
            sounds = [{name: read_audio(audio_path(tracked, name)) for name in notes.index}
                      for tracked in (yardsticks / "original", resyntheses / run)]  # fmt: skip
            spectrogram_comparison(title, *sounds, notes, folder / f"resynthesis-{experiment}.png")


if __name__ == "__main__":
    run_stage(main)
