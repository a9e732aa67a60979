"""Extract f0 and loudness of every recording with Apache Beam."""

from pathlib import Path

import typer

from pipeline.chain import Workers, runner_options
from pipeline.command import run_stage
from pipeline.common.settings import Settings
from pipeline.features import FeaturesConfig, extract_features
from pipeline.manifest import read_manifest, read_source


def main(
    context: typer.Context, data: Path, manifest: Path, out: Path, workers: Workers = 1,
    scratch: Path = Path(".scratch/features"), params: Path = Path("params.yaml"),
) -> None:  # fmt: skip
    """Reads DATA/audio of MANIFEST and `features`; writes OUT/ID.npy and OUT/features.csv.

    On several processes or a cluster: docs/scaling.md.
    """
    config = Settings.read(params).section("features", FeaturesConfig)
    root, max_rejected = read_source(data)
    extract_features(config, read_manifest(manifest), root, out, scratch, max_rejected, runner_options(workers, context.args))


if __name__ == "__main__":
    run_stage(main, pass_options_on=True)
