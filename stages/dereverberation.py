"""Dereverberate the test split with one trained model and with WPE; put dry sounds into the room it learned."""

from pathlib import Path

from pipeline.command import run_stage
from pipeline.config import read_section, read_values
from pipeline.devices import fix_order_of_sums
from pipeline.model import load_model
from pipeline.studies.dereverberation import DereverberationConfig, make_dereverberation
from pipeline.studies.held_out import read_held_out, read_test_split
from pipeline.tracking import ResynthesizeConfig


def main(
    model: Path, assignment: Path, sets: Path, examples: Path, manifests: Path, out: Path, params: Path = Path("params.yaml")
) -> None:
    """Reads MODEL, the test split of ASSIGNMENT's examples, SETS/DATA (audio, truth), the transfer's test split in EXAMPLES,
    MANIFESTS/DATA/manifest.csv and `dereverberation`; writes OUT/SIGNAL/audio, OUT/responses.npz, OUT/transfer and OUT/plan.csv."""
    fix_order_of_sums()
    config = read_section(params, "dereverberation", DereverberationConfig)
    of_models = read_section(params, "resynthesize", ResynthesizeConfig)
    other = config.transfer.data
    read_values(params, "data", other)
    split = read_held_out(params, assignment, manifests, of_models.noise_seed)
    others = read_test_split(params, other, examples / other, manifests, of_models.noise_seed)
    make_dereverberation(load_model(model), config, split, others, sets / split.data, of_models.batch_size, out)


if __name__ == "__main__":
    run_stage(main)
