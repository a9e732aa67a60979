"""Check the structure and the names of params.yaml before any other stage runs."""

from pathlib import Path

from pipeline.common.cli import run_stage
from pipeline.common.settings import Settings, check_studies
from pipeline.data.outside import check_outside


def main(params: Path = Path("params.yaml")) -> None:
    """Read PARAMS; write nothing. Every stage checks the values of its own section."""
    settings = Settings.read(params)
    check_outside(settings)
    for name in settings.values["data"]:
        settings.mapping("data", name)
    for experiment in settings.experiments:
        experiment.check()
    check_studies(settings)


if __name__ == "__main__":
    run_stage(main)
