"""Fingerprint what a data set is made from outside of the repository, so that DVC notices when it changes."""

from pathlib import Path

from pipeline.command import run_stage
from pipeline.outside import write_fingerprint


def main(name: str, path: Path, out: Path, scratch: Path = Path(".scratch/outside")) -> None:
    """Reads the names, sizes and contents of PATH (a file or a folder); writes OUT (JSON). Unchanged files are not read again."""
    write_fingerprint(path.expanduser(), out, scratch / f"{name}.json")


if __name__ == "__main__":
    run_stage(main)
