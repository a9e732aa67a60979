"""Cut features into examples; write them as sharded TFRecords with Apache Beam."""

from pathlib import Path

import typer

from pipeline.common.cli import run_stage
from pipeline.common.settings import Settings
from pipeline.examples.schema import ExamplesConfig
from pipeline.preparation.beam import Workers, runner_options
from pipeline.preparation.shards import build_examples


def main(
    context: typer.Context,
    features: Path,
    out: Path,
    workers: Workers = 1,
    scratch: Path = Path(".scratch/examples"),
    params: Path = Path("params.yaml"),
) -> None:
    """Read FEATURES and `examples`; write OUT/SPLIT-*.tfrecord and OUT/statistics.json.

    docs/scaling.md describes how to run on several processes or a cluster.
    """
    config = Settings.read(params).section("examples", ExamplesConfig)
    build_examples(config, features, out, scratch / out.name, runner_options(workers, context.args))


if __name__ == "__main__":
    run_stage(main, pass_options_on=True)
