"""Drive a trained model with melodies of other instruments; track both."""

from pathlib import Path

from pipeline.common.cli import progress, run_stage
from pipeline.common.files import atomic_folder
from pipeline.common.settings import Settings
from pipeline.common.units import FRAME_RATE
from pipeline.examples.assignment import read_assignment
from pipeline.examples.dataset import read_split
from pipeline.examples.schema import example_seconds
from pipeline.features.extract import FeaturesConfig
from pipeline.models.determinism import fix_order_of_sums
from pipeline.resynthesis.tracked_set import ResynthesizeConfig
from pipeline.studies.held_out import read_held_out
from pipeline.studies.source_lines import play_lines
from pipeline.studies.target import describe_target
from pipeline.studies.timbre_transfer import (
    TimbreTransferConfig,
    load_autoencoder,
    transfer,
    write_reference,
    write_transfers,
)


def main(
    model: Path, assignment: Path, manifests: Path, out: Path, params: Path = Path("params.yaml")
) -> None:
    """Read MODEL, the training and test splits of ASSIGNMENT's examples,
    MANIFESTS/DATA/manifest.csv, `timbre_transfer`, `features` and `resynthesize`.

    Write audio, tracks and conditions to OUT/source and OUT/output, and OUT/plan.csv,
    OUT/target.json and OUT/reference.npz.
    """
    fix_order_of_sums()
    settings = Settings.read(params)
    config = settings.section("timbre_transfer", TimbreTransferConfig)
    features = settings.section("features", FeaturesConfig)
    tracking = settings.section("resynthesize", ResynthesizeConfig)
    seconds = example_seconds(settings)
    autoencoder = load_autoencoder(model)
    training = read_split(read_assignment(assignment).examples, "train", seconds)
    target = describe_target(training)
    lines = progress(play_lines(config.lines), "transfer", unit="line")
    transfers = [
        transfer(autoencoder, line, target, features, config.room, tracking.noise_seed)
        for line in lines
    ]
    held_out = read_held_out(settings, assignment, manifests, tracking.noise_seed)
    with atomic_folder(out) as folder:
        write_transfers(folder, transfers, target, tracking, round(seconds * FRAME_RATE))
        write_reference(folder, autoencoder, held_out, tracking.batch_size)


if __name__ == "__main__":
    run_stage(main)
