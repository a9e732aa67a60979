"""Train one experiment with one seed."""

from pathlib import Path

from pipeline.command import run_stage
from pipeline.config import read_section
from pipeline.files import digest
from pipeline.model import ModelConfig
from pipeline.examples import ExamplesConfig
from pipeline.training import TrainConfig, train


def main(
    experiment: str, seed: int, examples: Path, out: Path, log: Path,
    scratch: Path = Path(".scratch/train"), params: Path = Path("params.yaml"),
) -> None:  # fmt: skip
    """Reads EXAMPLES, `model`, `train` and the experiment's override; writes OUT (config, weights) and LOG (CSV)."""
    model = read_section(params, "model", ModelConfig, experiment)
    config = read_section(params, "train", TrainConfig, experiment)
    seconds = read_section(params, "examples", ExamplesConfig).seconds
    statistics = (examples / "statistics.json").read_text()
    key = digest(model.model_dump(), config.model_dump(), statistics)[:12]
    train(model, config, examples, seconds, seed, out, log, scratch / f"{experiment}-{seed}-{key}.npz")


if __name__ == "__main__":
    run_stage(main)
