"""Dereverberate the test split with one trained model and with WPE; put dry sounds into the room
it learned.
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
    """Reads MODEL, the test split of ASSIGNMENT's examples, SETS/DATA (audio, truth), the
    transfer's test split in EXAMPLES, MANIFESTS/DATA/manifest.csv and `dereverberation`; writes
    OUT/SIGNAL/audio, OUT/responses.npz, OUT/transfer and OUT/plan.csv.
    """
    fix_order_of_sums()
    settings = Settings.read(params)
    config = settings.section("dereverberation", DereverberationConfig)
    tracking = settings.section("resynthesize", ResynthesizeConfig)
    other = config.transfer.data
    settings.mapping("data", other)
    split = read_held_out(settings, assignment, manifests, tracking.noise_seed)
    others = read_test_split(settings, other, examples / other, manifests, tracking.noise_seed)
    make_dereverberation(
        load_model(model), config, split, others, sets / split.data, tracking.batch_size, out
    )


if __name__ == "__main__":
    run_stage(main)
