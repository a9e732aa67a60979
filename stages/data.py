"""Make the data set: audio, exact f0 curves and the manifest."""

from pathlib import Path

from pipeline.command import run_stage
from pipeline.config import read_section
from pipeline.notes import DataConfig, make_notes


def main(out: Path, manifest: Path, params: Path = Path("params.yaml")) -> None:
    """Reads `data` of params.yaml and the SoundFont; writes OUT/ID.wav, OUT/ID.f0.npy and MANIFEST (CSV)."""
    make_notes(read_section(params, "data", DataConfig), out, manifest)


if __name__ == "__main__":
    run_stage(main)
