"""Score every resynthesis and yardstick against the originals, one row per example."""

from pathlib import Path

from pipeline.audio.clips import Clip, read_clips
from pipeline.common.cli import run_stage
from pipeline.common.files import atomic_folder
from pipeline.common.params import RETRACKED
from pipeline.common.settings import Settings
from pipeline.evaluation.rows import Evaluator
from pipeline.examples.schema import example_seconds


def main(
    examples: Path,
    sets: Path,
    manifests: Path,
    yardsticks: Path,
    resyntheses: Path,
    out: Path,
    params: Path = Path("params.yaml"),
) -> None:
    """Read EXAMPLES, SETS (true f0), MANIFESTS, YARDSTICKS and RESYNTHESES; write OUT/NAME.parquet
    for every yardstick and OUT/EXPERIMENT-SEED.parquet for every training.
    """
    settings = Settings.read(params)
    seconds = example_seconds(settings)
    with atomic_folder(out) as folder:
        for data, names in settings.row_names().items():
            evaluator = Evaluator(
                data,
                examples / data,
                yardsticks / data,
                sets / data / "truth",
                manifests / data / "manifest.csv",
                seconds,
            )
            for name in names:
                if "@" in name:
                    clips = _yardstick_clips(evaluator, yardsticks, name)
                    rows = evaluator.rows(name, None, clips)
                    rows.to_parquet(folder / f"{name}.parquet", index=False)
                    continue
                for seed in settings.seeds:
                    clips = read_clips(resyntheses / f"{name}-{seed}")
                    rows = evaluator.rows(name, seed, clips)
                    rows.to_parquet(folder / f"{name}-{seed}.parquet", index=False)


def _yardstick_clips(evaluator: Evaluator, yardsticks: Path, name: str) -> dict[str, Clip]:
    """Read the clips of a yardstick by its name, YARDSTICK@DATA."""
    yardstick, _, data = name.partition("@")
    if yardstick == RETRACKED:
        return evaluator.retracked()
    return read_clips(yardsticks / data / yardstick)


if __name__ == "__main__":
    run_stage(main)
