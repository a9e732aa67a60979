"""Check the names and the shape of params.yaml before anything runs."""

from pathlib import Path

from pipeline.common.cli import run_stage
from pipeline.common.settings import Settings, check_studies
from pipeline.data.outside import check_outside


def main(params: Path = Path("params.yaml")) -> None:
    """Reads PARAMS; writes nothing. Each stage checks its own section in full."""
    settings = Settings.read(params)
    check_outside(settings)
    for name in settings.values["data"]:
        settings.mapping("data", name)
    for experiment in settings.experiments:
        _ = experiment.overrides, experiment.data
    check_studies(settings)


if __name__ == "__main__":
    run_stage(main)
