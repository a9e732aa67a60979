"""Draw training curves, differences of ablations, studies and spectrograms of resyntheses."""

from pathlib import Path

import pandas as pd

from pipeline.audio.clips import load_audio
from pipeline.common.cli import run_stage
from pipeline.common.files import atomic_folder
from pipeline.common.settings import Settings
from pipeline.reporting.cells import TabulateConfig
from pipeline.reporting.figures import forest, pick_notes, spectrogram_comparison, training_curves
from pipeline.reporting.study_figures import draw_studies

COMPARED = {  # the forest plot's panels
    "spectral_loss_minus_base": "spectral loss minus base\n(right: worse)",
    "loudness_l1_db_sounding_minus_base": "loudness L1 minus base, dB\n(right: worse)",
}


def main(
    logs: Path,
    rows: Path,
    tables: Path,
    yardsticks: Path,
    resyntheses: Path,
    studies: Path,
    study_rows: Path,
    out: Path,
    params: Path = Path("params.yaml"),
) -> None:
    """Read LOGS, ROWS, TABLES/{ablations,extrapolation}.csv, YARDSTICKS/DATA/original, RESYNTHESES,
    STUDIES, STUDY_ROWS and `tabulate`.

    Write OUT/training.png, OUT/ablations.png, OUT/STUDY.png and, for every experiment that is not
    an ablation, OUT/resynthesis-EXPERIMENT.png.
    """
    settings = Settings.read(params)
    config = settings.section("tabulate", TabulateConfig)
    runs = [f"{item.name}-{seed}" for item in settings.experiments for seed in settings.seeds]
    with atomic_folder(out) as folder:
        training_logs = {name: pd.read_csv(logs / f"{name}.csv") for name in runs}
        training_curves(training_logs, folder / "training.png")
        if settings.ablations:
            forest(pd.read_csv(tables / "ablations.csv"), COMPARED, folder / "ablations.png")
        for experiment in settings.experiments:
            if experiment.base is None:
                run = f"{experiment.name}-{settings.seeds[0]}"
                originals = yardsticks / experiment.data / "original"
                notes = pick_notes(pd.read_parquet(rows / f"{run}.parquet"))
                _compare(experiment.name, notes, originals, resyntheses / run, folder)
        draw_studies(settings, config, studies, study_rows, tables, folder)


def _compare(
    name: str, notes: pd.DataFrame, originals: Path, resyntheses: Path, folder: Path
) -> None:
    """Draw an experiment's resyntheses beside the originals."""
    spectrogram_comparison(
        f"{name}: test notes from the best to the worst spectral loss",
        {note: load_audio(originals, note) for note in notes.index},
        {note: load_audio(resyntheses, note) for note in notes.index},
        notes,
        folder / f"resynthesis-{name}.png",
    )


if __name__ == "__main__":
    run_stage(main)
