"""Resynthesize the test split with different initial phases and different noise."""

from pathlib import Path

from pipeline.common.cli import run_stage
from pipeline.common.settings import Settings
from pipeline.models.determinism import fix_order_of_sums
from pipeline.models.recipe import load_model
from pipeline.resynthesis.tracked_set import ResynthesizeConfig
from pipeline.studies.held_out import read_held_out
from pipeline.studies.phase import PhaseConfig, make_phase


def main(
    model: Path, assignment: Path, manifests: Path, out: Path, params: Path = Path("params.yaml")
) -> None:
    """Read MODEL, the test split of ASSIGNMENT's examples, MANIFESTS/DATA/manifest.csv, `phase` and
    `resynthesize`; write OUT/VERSION/audio and OUT/plan.csv.
    """
    fix_order_of_sums()
    settings = Settings.read(params)
    config = settings.section("phase", PhaseConfig)
    tracking = settings.section("resynthesize", ResynthesizeConfig)
    trained = load_model(model)
    split = read_held_out(settings, assignment, manifests, tracking.noise_seed)
    make_phase(trained, config, split, tracking.batch_size, out)


if __name__ == "__main__":
    run_stage(main)
