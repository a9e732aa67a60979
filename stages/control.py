"""Interpolate loudness, f0 and z between pairs of test notes, one at a time; track the results."""

from pathlib import Path

from pipeline.common.cli import run_stage
from pipeline.common.settings import Settings
from pipeline.models.determinism import fix_order_of_sums
from pipeline.models.recipe import load_model
from pipeline.resynthesis.tracked_set import ResynthesizeConfig
from pipeline.studies.control import ControlConfig, make_control
from pipeline.studies.held_out import read_held_out


def main(
    model: Path,
    assignment: Path,
    yardsticks: Path,
    manifests: Path,
    out: Path,
    params: Path = Path("params.yaml"),
) -> None:
    """Read MODEL, the test split of ASSIGNMENT's examples, YARDSTICKS/DATA/original,
    MANIFESTS/DATA/manifest.csv, `control` and `resynthesize`.

    Write audio, tracks.npz, conditions.npz and plan.csv to OUT.
    """
    fix_order_of_sums()
    settings = Settings.read(params)
    config = settings.section("control", ControlConfig)
    tracking = settings.section("resynthesize", ResynthesizeConfig)
    split = read_held_out(settings, assignment, manifests, tracking.noise_seed)
    make_control(load_model(model), config, tracking, split, split.originals(yardsticks), out)


if __name__ == "__main__":
    run_stage(main)
