"""Dereverberate the test split with a trained model and with WPE.

Dry sounds are also put into the room that the model learned.
"""

from pathlib import Path

from pipeline.common.cli import run_stage
from pipeline.common.settings import Settings
from pipeline.models.determinism import fix_order_of_sums
from pipeline.models.recipe import load_model
from pipeline.resynthesis.tracked_set import ResynthesizeConfig
from pipeline.studies.dereverberation import DereverberationConfig, make_dereverberation
from pipeline.studies.held_out import read_held_out, read_test_split


def main(
    model: Path,
    assignment: Path,
    sets: Path,
    examples: Path,
    manifests: Path,
    out: Path,
    params: Path = Path("params.yaml"),
) -> None:
    """Read MODEL, the test split of ASSIGNMENT's examples, SETS/DATA (audio and truth),
    MANIFESTS/DATA/manifest.csv, `dereverberation`, and the test split in EXAMPLES of the data set
    that is put into the learned room.

    Write OUT/SIGNAL/audio, OUT/responses.npz, OUT/transfer and OUT/plan.csv.
    """
    fix_order_of_sums()
    settings = Settings.read(params)
    config = settings.section("dereverberation", DereverberationConfig)
    tracking = settings.section("resynthesize", ResynthesizeConfig)
    dry_data = config.transfer.data
    settings.mapping("data", dry_data)  # raises a UserError if there is no such data set
    split = read_held_out(settings, assignment, manifests, tracking.noise_seed)
    dry_split = read_test_split(
        settings, dry_data, examples / dry_data, manifests, tracking.noise_seed
    )
    make_dereverberation(
        load_model(model), config, split, dry_split, sets / split.data, tracking.batch_size, out
    )


if __name__ == "__main__":
    run_stage(main)
