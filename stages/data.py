"""Make a data set: its audio, the truth known about it, and its manifest."""

from pathlib import Path

from pipeline.common.cli import run_stage
from pipeline.common.settings import Settings
from pipeline.data.sources import make_data_set


def main(name: str, out: Path, manifest: Path, params: Path = Path("params.yaml")) -> None:
    """Read `data.NAME` and `outside.NAME`; write OUT/audio, OUT/truth and MANIFEST (CSV).

    OUT/truth is for evaluation only.
    """
    make_data_set(Settings.read(params), name, out, manifest)


if __name__ == "__main__":
    run_stage(main)
