"""Score every resynthesis and yardstick against the originals: a row per example, experiment and seed."""

from pathlib import Path

from pipeline.clips import read_clips
from pipeline.command import run_stage
from pipeline.config import read_params, read_section
from pipeline.evaluation import RETRACKED, YARDSTICKS, Evaluator
from pipeline.examples import ExamplesConfig
from pipeline.files import atomic_folder


def main(
    examples: Path, audio: Path, manifest: Path, yardsticks: Path, resyntheses: Path, out: Path,
    params: Path = Path("params.yaml"),
) -> None:  # fmt: skip
    """Reads EXAMPLES, AUDIO (true f0), MANIFEST, YARDSTICKS and RESYNTHESES; writes OUT/NAME.parquet."""
    seconds = read_section(params, "examples", ExamplesConfig).seconds
    evaluator = Evaluator(examples, yardsticks / "original", audio, manifest, seconds)
    values = read_params(params)
    with atomic_folder(out) as folder:
        evaluator.rows(RETRACKED, None, evaluator.retracked()).to_parquet(folder / f"{RETRACKED}.parquet", index=False)
        for name in YARDSTICKS:
            clips = read_clips(yardsticks / name)
            evaluator.rows(name, None, clips).to_parquet(folder / f"{name}.parquet", index=False)
        for experiment in values["experiments"]:
            for seed in values["seeds"]:
                clips = read_clips(resyntheses / f"{experiment}-{seed}")
                evaluator.rows(experiment, seed, clips).to_parquet(folder / f"{experiment}-{seed}.parquet", index=False)


if __name__ == "__main__":
    run_stage(main)
