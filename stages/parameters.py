"""Count the parameters of every experiment's model at the sizes of the paper."""

from pathlib import Path

from pipeline.common.cli import run_stage
from pipeline.common.files import write_text
from pipeline.common.settings import Settings
from pipeline.reporting.parameter_counts import parameter_counts


def main(paper: Path, out: Path, params: Path = Path("params.yaml")) -> None:
    """Read `model`, `experiments` and the overlay PAPER; write OUT (CSV: experiment, part,
    parameters).
    """
    write_text(out, parameter_counts(Settings.read(params), paper).to_csv(index=False))


if __name__ == "__main__":
    run_stage(main)
