"""Assign every experiment the examples of its data set."""

from pathlib import Path

from pipeline.common.cli import run_stage
from pipeline.common.settings import Settings
from pipeline.examples.assignment import write_assignments


def main(examples: Path, out: Path, params: Path = Path("params.yaml")) -> None:
    """Read EXAMPLES/NAME/statistics.json and `experiments`; write OUT/EXPERIMENT.json."""
    write_assignments(Settings.read(params), examples, out)


if __name__ == "__main__":
    run_stage(main)
