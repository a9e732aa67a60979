"""Resynthesize the test split with a trained model; track f0 and loudness of the results."""

from pathlib import Path

from pipeline.common.cli import run_stage
from pipeline.common.settings import Settings
from pipeline.examples.assignment import read_assignment
from pipeline.examples.dataset import read_split
from pipeline.examples.schema import example_seconds
from pipeline.models.determinism import fix_order_of_sums
from pipeline.models.recipe import load_model
from pipeline.resynthesis.render import resynthesize
from pipeline.resynthesis.tracked_set import ResynthesizeConfig, write_tracked_set


def main(model: Path, assignment: Path, out: Path, params: Path = Path("params.yaml")) -> None:
    """Read MODEL, the test split of ASSIGNMENT's examples and `resynthesize`; write
    OUT/audio/ID.flac and OUT/tracks.npz.
    """
    fix_order_of_sums()
    settings = Settings.read(params)
    config = settings.section("resynthesize", ResynthesizeConfig)
    examples = read_assignment(assignment).examples
    test = read_split(examples, "test", example_seconds(settings), config.noise_seed)
    audio = resynthesize(load_model(model), test, config.batch_size)
    ids = [example["example_id"] for example in test]
    write_tracked_set(out, config, ids, audio, model.name)


if __name__ == "__main__":
    run_stage(main)
