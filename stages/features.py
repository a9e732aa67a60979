"""Extract the f0 and the loudness of every recording with Apache Beam."""

from pathlib import Path

import typer

from pipeline.common.cli import run_stage
from pipeline.common.manifest import read_manifest, read_source
from pipeline.common.settings import Settings
from pipeline.features.extract import FeaturesConfig
from pipeline.preparation.beam import Workers, runner_options
from pipeline.preparation.extraction import extract_features


def main(
    context: typer.Context,
    data: Path,
    manifest: Path,
    out: Path,
    workers: Workers = 1,
    scratch: Path = Path(".scratch/features"),
    params: Path = Path("params.yaml"),
) -> None:
    """Read DATA/audio, MANIFEST and `features`; write OUT/ID.npy and OUT/features.csv.

    docs/scaling.md describes how to run on several processes or a cluster.
    """
    config = Settings.read(params).section("features", FeaturesConfig)
    root, max_rejected = read_source(data)
    extract_features(
        config,
        read_manifest(manifest),
        root,
        out,
        scratch,
        max_rejected,
        runner_options(workers, context.args),
    )


if __name__ == "__main__":
    run_stage(main, pass_options_on=True)
