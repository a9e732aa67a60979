"""Make one data set: audio, what is known of it, and the manifest."""

from pathlib import Path

from pipeline.common.cli import run_stage
from pipeline.common.settings import Settings
from pipeline.data.sources import make_data_set


def main(name: str, out: Path, manifest: Path, params: Path = Path("params.yaml")) -> None:
    """Reads `data.NAME` and `outside.NAME` of params.yaml; writes OUT/audio, OUT/truth (for
    evaluation only) and MANIFEST (CSV).
    """
    make_data_set(Settings.read(params), name, out, manifest)


if __name__ == "__main__":
    run_stage(main)
