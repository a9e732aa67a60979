"""Check the names and the shape of params.yaml before anything runs."""

from pathlib import Path

from pipeline.command import run_stage
from pipeline.config import experiment_data, experiment_overrides, read_params, read_values
from pipeline.outside import check_outside
from pipeline.studies.config import check_studies


def main(params: Path = Path("params.yaml")) -> None:
    """Reads PARAMS; writes nothing. Each stage checks its own section in full."""
    values = read_params(params)
    check_outside(values, params)
    for name in values["data"]:
        read_values(params, "data", name)
    for experiment in values["experiments"]:
        experiment_overrides(values, experiment, params)
        experiment_data(values, experiment, params)
    check_studies(values, params)


if __name__ == "__main__":
    run_stage(main)
