"""Train one experiment with one seed."""

from pathlib import Path

from pipeline.assignment import read_assignment
from pipeline.command import run_stage
from pipeline.config import read_section
from pipeline.examples import ExamplesConfig
from pipeline.model import ModelConfig
from pipeline.training import TrainConfig, run_key, train


def main(
    experiment: str, seed: int, assignment: Path, out: Path, log: Path,
    scratch: Path = Path(".scratch/train"), params: Path = Path("params.yaml"),
) -> None:  # fmt: skip
    """Reads the examples of ASSIGNMENT, `model`, `train` and the experiment's override; writes OUT (config, weights) and LOG (CSV)."""
    model = read_section(params, "model", ModelConfig, experiment)
    config = read_section(params, "train", TrainConfig, experiment)
    examples = read_assignment(assignment).examples
    seconds = read_section(params, "examples", ExamplesConfig).seconds
    checkpoint = scratch / f"{experiment}-{seed}-{run_key(model, config, examples)}.npz"
    train(model, config, examples, seconds, seed, out, log, checkpoint)


if __name__ == "__main__":
    run_stage(main)
