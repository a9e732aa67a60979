"""Train one experiment with one seed."""

from pathlib import Path

from pipeline.assignment import read_assignment
from pipeline.command import run_stage
from pipeline.common.settings import Settings
from pipeline.devices import use_threads
from pipeline.examples import example_seconds
from pipeline.model import read_recipe
from pipeline.objective import LossConfig
from pipeline.training import TrainConfig, run_key, train


def main(
    experiment: str, seed: int, assignment: Path, out: Path, exported: Path, log: Path,
    scratch: Path = Path(".scratch/train"), params: Path = Path("params.yaml"),
) -> None:  # fmt: skip
    """Reads the examples of ASSIGNMENT, `model`, `loss`, `train` and the experiment's block; writes OUT (config, weights), EXPORTED
    (SavedModel), LOG (CSV) and beside it a summary (JSON)."""
    settings = Settings.read(params)
    recipe = read_recipe(settings, experiment)
    loss = settings.section("loss", LossConfig, experiment)
    config = settings.section("train", TrainConfig, experiment)
    use_threads(config.intra_op_threads)
    examples = read_assignment(assignment).examples
    seconds = example_seconds(settings)
    checkpoint = scratch / f"{experiment}-{seed}-{run_key(recipe, loss, config, examples)}.npz"
    train(recipe, loss, config, examples, seconds, seed, out, exported, log, checkpoint)


if __name__ == "__main__":
    run_stage(main)
