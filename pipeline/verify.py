"""Rerun cheap stages in a clone and compare with the commit: `make verify`.

First, the whole pipeline runs at smoke size, including the audit, and must succeed. Then the cheap
stages run again at the committed settings. Their outputs are compared with dvc.lock by hash, and
those that git holds also number by number.
"""

import csv
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pandas as pd
import typer

from pipeline.common import processes
from pipeline.common.cli import UserError, run_stage
from pipeline.common.yaml_files import read_yaml

CHEAP = ("data", "features", "examples", "describe", "parameters", "tabulate", "page")
# relative, and absolute below 1: allows for the rounding of another processor in features and in
# the figures computed from them
TOLERANCE = 1e-4
TABLES = (".csv", ".json", ".parquet")  # the pictures and texts beside them derive from them
IDENTICAL, CLOSE, DIFFERENT = "byte-identical", "equal within tolerance", "different"


class Verdict(NamedTuple):
    """The comparison of an output with the committed one."""

    output: str
    verdict: str
    remark: str = ""


def main(
    root: Path = Path("."),
    stages: Annotated[
        list[str] | None, typer.Option("--stage", help=f"by default {', '.join(CHEAP)}")
    ] = None,
    smoke: bool = True,
) -> None:
    """Clone ROOT's last commit into a temporary folder, rerun STAGES there and print a verdict per
    output. Fail if an output differs.
    """
    committed = _outputs(root)
    kinds = {name.split("@")[0] for name in committed}
    for stage in stages or ():
        if stage not in kinds:
            raise UserError(
                f"--stage {stage}: not in dvc.lock; name one of {', '.join(sorted(kinds))}"
            )
    with tempfile.TemporaryDirectory(prefix="verify-") as folder:
        verdicts = [_smoke(root, Path(folder) / "smoke")] if smoke else []
        _print(verdicts)
        clone = _clone(root, Path(folder) / "default")
        for stage in [
            name for kind in stages or CHEAP for name in committed if name.split("@")[0] == kind
        ]:
            _run(clone, sys.executable, "-m", "dvc", "repro", "--single-item", "--force", stage)
            rerun = _outputs(clone)[stage]
            stage_verdicts = [
                compare(clone, stage, path, md5, rerun[path])
                for path, md5 in committed[stage].items()
            ]
            _print(stage_verdicts)
            verdicts += stage_verdicts
    different = [verdict.output for verdict in verdicts if verdict.verdict == DIFFERENT]
    if different:
        raise UserError(f"verify: {', '.join(different)} differ from what is committed")


def compare(clone: Path, stage: str, path: str, committed: str, rerun: str) -> Verdict:
    """Compare an output with the committed one: by hash, then number by number if git holds it.

    Args:
        clone: the clone in which the stage ran again.
        stage: the stage.
        path: the output.
        committed: its hash in dvc.lock as committed.
        rerun: its hash in dvc.lock after the rerun.
    """
    output = f"{stage}: {path}"
    if committed == rerun:
        return Verdict(output, IDENTICAL)
    names = _run(clone, "git", "ls-files", path).stdout.splitlines()
    if not names:
        return Verdict(
            output, DIFFERENT, "different bytes; git does not hold it to compare numbers"
        )
    largest = 0.0
    for name in names:
        if not (clone / name).exists():
            return Verdict(output, DIFFERENT, f"{name} was not written")
        if name.endswith(TABLES):
            before = _committed_copy(clone, name)
            largest = max(largest, largest_difference(before, clone / name))
    if not any(name.endswith(TABLES) for name in names):
        return Verdict(output, DIFFERENT, "pictures or texts only, which are compared by bytes")
    verdict = CLOSE if largest <= TOLERANCE else DIFFERENT
    return Verdict(output, verdict, f"largest difference {largest:.2g}")


def _committed_copy(clone: Path, name: str) -> Path:
    """Write a file as committed to .verify/ in the clone; return its path."""
    path = clone / ".verify" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    command = ["git", "show", f"HEAD:{name}"]
    shown = subprocess.run(command, cwd=clone, capture_output=True, check=True)
    path.write_bytes(shown.stdout)
    return path


def largest_difference(one: Path, other: Path) -> float:
    """Return the largest difference of two files' numbers: relative above 1, absolute below.

    It is infinite if anything but a number differs.
    """
    largest = 0.0
    for left, right in zip_longest(_values(one), _values(other)):
        try:
            left, right = float(left), float(right)
        except (TypeError, ValueError):
            if left != right:
                return math.inf
            continue
        if math.isnan(left) != math.isnan(right):
            return math.inf
        if left != right and not math.isnan(left):
            largest = max(largest, abs(left - right) / max(1, abs(left)))
    return largest


def _values(path: Path) -> Iterator:
    """Yield every value of a table or JSON file, in order."""
    if path.suffix == ".parquet":
        for name, column in pd.read_parquet(path).items():
            yield name
            yield from column
    elif path.suffix == ".csv":
        with open(path, newline="") as file:
            yield from (value for line in csv.reader(file) for value in line)
    else:
        yield from _leaves(json.loads(path.read_text()))


def _leaves(value: Any) -> Iterator:
    """Yield the keys and values of nested mappings and lists, in order."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value


def _smoke(root: Path, folder: Path) -> Verdict:
    clone = _clone(root, folder)
    _run(clone, sys.executable, "-m", "pipeline.overlay", "params/smoke.yaml")
    (clone / "dvc.lock").unlink()
    _run(clone, sys.executable, "-m", "pipeline.side_by_side")
    return Verdict("smoke: everything at a small size", "runs, and its audit holds")


def _clone(root: Path, folder: Path) -> Path:
    _run(root, "git", "clone", "--quiet", "--no-hardlinks", str(root.resolve()), str(folder))
    return folder


def _outputs(root: Path) -> dict[str, dict[str, str]]:
    """Read the hashes of every stage's outputs from dvc.lock, by path."""
    stages = read_yaml(root / "dvc.lock")["stages"]
    return {
        name: {out["path"]: out["md5"] for out in stage.get("outs", [])}
        for name, stage in stages.items()
    }


def _run(folder: Path, *command: str) -> subprocess.CompletedProcess:
    done = processes.run(list(command), folder)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise UserError(f"verify: `{' '.join(command[-4:])}` failed: {last}")
    return done


def _print(verdicts: list[Verdict]) -> None:
    for output, verdict, remark in verdicts:
        suffix = f" ({remark})" if remark else ""
        print(f"{output}: {verdict}{suffix}", flush=True)


if __name__ == "__main__":
    run_stage(main)
