"""Fingerprint the data outside the repository, so that DVC notices changes."""

from pathlib import Path

from pipeline.common.cli import run_stage
from pipeline.common.settings import Settings
from pipeline.data.outside import write_fingerprint


def main(
    name: str,
    out: Path,
    scratch: Path = Path(".scratch/outside"),
    params: Path = Path("params.yaml"),
) -> None:
    """Read the names, sizes and contents of `outside.NAME` (a file or a folder); write OUT (JSON).

    Files that have not changed since the last run are not read again.
    """
    write_fingerprint(Settings.read(params).outside(name), out, scratch / f"{name}.json")


if __name__ == "__main__":
    run_stage(main)
