"""Extract f0 and loudness of every recording with Apache Beam."""

from pathlib import Path

import typer

from pipeline.command import run_stage
from pipeline.config import read_section
from pipeline.preparation import FeaturesConfig, extract_features


def main(
    context: typer.Context, audio: Path, manifest: Path, out: Path,
    scratch: Path = Path(".scratch/features"), params: Path = Path("params.yaml"),
) -> None:  # fmt: skip
    """Reads AUDIO/ID.wav of MANIFEST; writes OUT/ID.npz and OUT/features.csv. Further options go to Beam's runner."""
    extract_features(read_section(params, "features", FeaturesConfig), audio, manifest, out, scratch, context.args)


if __name__ == "__main__":
    run_stage(main, pass_options_on=True)
