"""Cut features into examples and write them as sharded TFRecords with Apache Beam."""

from pathlib import Path

import typer

from pipeline.command import run_stage
from pipeline.config import read_section
from pipeline.preparation import ExamplesConfig, build_examples


def main(
    context: typer.Context, features: Path, out: Path,
    scratch: Path = Path(".scratch/examples"), params: Path = Path("params.yaml"),
) -> None:  # fmt: skip
    """Reads FEATURES; writes OUT/SPLIT-*.tfrecord and OUT/statistics.json. Further options go to Beam's runner."""
    build_examples(read_section(params, "examples", ExamplesConfig), features, out, scratch, context.args)


if __name__ == "__main__":
    run_stage(main, pass_options_on=True)
