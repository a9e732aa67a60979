"""Score every resynthesis and yardstick against the originals: a row per example, experiment and
seed.
"""

from pathlib import Path

from pipeline.audio.clips import read_clips
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
    """Reads EXAMPLES, SETS (true f0), MANIFESTS, YARDSTICKS and RESYNTHESES; writes
    OUT/NAME.parquet.
    """
    settings = Settings.read(params)
    seconds = example_seconds(settings)
    with atomic_folder(out) as folder:
        for data, names in settings.row_names().items():
            tracked, manifest = yardsticks / data, manifests / data / "manifest.csv"
            evaluator = Evaluator(
                data,
                examples / data,
                tracked / "original",
                sets / data / "truth",
                manifest,
                seconds,
            )
            for name in names:
                yardstick, _, of_data = name.partition("@")
                if of_data:
                    clips = (
                        evaluator.retracked()
                        if yardstick == RETRACKED
                        else read_clips(tracked / yardstick)
                    )
                    evaluator.rows(name, None, clips).to_parquet(
                        folder / f"{name}.parquet", index=False
                    )
                    continue
                for seed in settings.seeds:
                    clips = read_clips(resyntheses / f"{name}-{seed}")
                    evaluator.rows(name, seed, clips).to_parquet(
                        folder / f"{name}-{seed}.parquet", index=False
                    )


if __name__ == "__main__":
    run_stage(main)
