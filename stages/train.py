"""Train one experiment with one seed."""

from pathlib import Path

from pipeline.common.cli import run_stage
from pipeline.common.settings import Settings
from pipeline.examples.assignment import read_assignment
from pipeline.examples.schema import example_seconds
from pipeline.models.objective import LossConfig
from pipeline.models.recipe import read_recipe
from pipeline.training.config import TrainConfig
from pipeline.training.devices import use_threads
from pipeline.training.experiment import run_key, train


def main(
    experiment: str,
    seed: int,
    assignment: Path,
    out: Path,
    exported: Path,
    log: Path,
    scratch: Path = Path(".scratch/train"),
    params: Path = Path("params.yaml"),
) -> None:
    """Read the examples of ASSIGNMENT, `model`, `loss`, `train` and the experiment's block.

    Write OUT (config and weights), EXPORTED (SavedModel), LOG (CSV) and a summary (JSON) beside
    LOG.
    """
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
