"""Describe a data set: its contents, its rejected recordings and the accuracy of its f0."""

from pathlib import Path

from pipeline.common.cli import run_stage
from pipeline.common.files import atomic_folder
from pipeline.common.manifest import read_manifest
from pipeline.common.settings import Settings
from pipeline.examples.schema import ExamplesConfig
from pipeline.reporting.data_figures import draw_data_set
from pipeline.reporting.data_summary import collect_frames, summarize, write_summary
from pipeline.reporting.data_warnings import find_warnings


def main(
    name: str,
    features: Path,
    truth: Path,
    examples: Path,
    summary: Path,
    figures: Path,
    params: Path = Path("params.yaml"),
) -> None:
    """Read FEATURES, EXAMPLES, TRUTH (the f0 as played, where it is known) and `examples`; write
    SUMMARY.json, SUMMARY.md and FIGURES/*.png.
    """
    config = Settings.read(params).section("examples", ExamplesConfig)
    table = read_manifest(features / "features.csv")
    frames = collect_frames(features, truth, table)
    warnings = find_warnings(table, config)
    write_summary(summarize(table, frames, examples, warnings), name, summary)
    with atomic_folder(figures) as folder:
        draw_data_set(frames, name, folder)


if __name__ == "__main__":
    run_stage(main)
