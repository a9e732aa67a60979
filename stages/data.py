"""Make a data set: its audio, the truth known about it, and its manifest."""

from pathlib import Path

from pipeline.common.cli import run_stage
from pipeline.common.settings import Settings
from pipeline.data.sources import make_data_set
from pipeline.examples.schema import example_seconds


def main(name: str, out: Path, manifest: Path, params: Path = Path("params.yaml")) -> None:
    """Read `data.NAME`, `outside.NAME` and `examples.seconds`; write OUT/audio, OUT/truth and
    MANIFEST (CSV).

    OUT/truth is for evaluation only.
    """
    settings = Settings.read(params)
    make_data_set(settings, name, out, manifest, example_seconds(settings))


if __name__ == "__main__":
    run_stage(main)
