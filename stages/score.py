"""Score the clips of every study, one row per clip, experiment and seed."""

from pathlib import Path

from pipeline.common.cli import run_stage
from pipeline.common.files import atomic_folder
from pipeline.common.settings import Settings
from pipeline.evaluation.study_rows import STUDY_ROWS


def main(studies: Path, out: Path, params: Path = Path("params.yaml")) -> None:
    """Read STUDIES/NAME/EXPERIMENT-SEED; write OUT/TABLE-EXPERIMENT-SEED.parquet."""
    settings = Settings.read(params)
    with atomic_folder(out) as folder:
        for study, score_study in STUDY_ROWS.items():
            for experiment, seed in settings.study_runs(study):
                scored = score_study(studies / study / f"{experiment}-{seed}")
                for table, rows in scored.items():
                    rows.insert(0, "experiment", experiment)
                    rows.insert(1, "seed", seed)
                    rows.to_parquet(folder / f"{table}-{experiment}-{seed}.parquet", index=False)


if __name__ == "__main__":
    run_stage(main)
