"""Draw training curves, the ablations' differences, the studies, and spectrograms of originals
beside resyntheses.
"""

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
    """Reads LOGS, ROWS, TABLES/{ablations,extrapolation}.csv, YARDSTICKS/DATA/original,
    RESYNTHESES, STUDIES, STUDY_ROWS and `tabulate`; writes OUT/training.png, OUT/ablations.png,
    OUT/STUDY.png and, but for ablations, OUT/resynthesis-NAME.png.
    """
    settings = Settings.read(params)
    runs = [f"{each.name}-{seed}" for each in settings.experiments for seed in settings.seeds]
    with atomic_folder(out) as folder:
        training_curves(
            {name: pd.read_csv(logs / f"{name}.csv") for name in runs}, folder / "training.png"
        )
        if settings.ablations:
            forest(pd.read_csv(tables / "ablations.csv"), COMPARED, folder / "ablations.png")
        for experiment in (each for each in settings.experiments if each.base is None):
            run = f"{experiment.name}-{settings.seeds[0]}"
            notes = pick_notes(pd.read_parquet(rows / f"{run}.parquet"))
            originals = yardsticks / experiment.data / "original"
            title = f"{experiment.name}: test notes from the best to the worst spectral loss"
            sounds = [
                {name: load_audio(tracked, name) for name in notes.index}
                for tracked in (originals, resyntheses / run)
            ]
            spectrogram_comparison(
                title, *sounds, notes, folder / f"resynthesis-{experiment.name}.png"
            )
        config = settings.section("tabulate", TabulateConfig)
        draw_studies(settings, config, studies, study_rows, tables, folder)


if __name__ == "__main__":
    run_stage(main)
