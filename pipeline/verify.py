"""Run again in a clone of its own what is cheap, and compare it with what is committed: `python -m
pipeline.verify`, or `make verify`. First everything at smoke size, audit included: it must end.
Then the committed default's stages that take a few minutes, each forced; what they write is
compared with dvc.lock by hash, and where git holds it also number by number.
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
from typing import Annotated, NamedTuple

import pandas as pd
import typer
import yaml

from pipeline.common.cli import UserError, run_stage

CHEAP = ("data", "features", "examples", "describe", "parameters", "tabulate", "page")
# relative, and absolute below 1: what another processor's rounding may leave in features and
# figures made of them
TOLERANCE = 1e-4
TABLES = (".csv", ".json", ".parquet")  # pictures and texts beside them follow from them
IDENTICAL, CLOSE, DIFFERENT = "byte-identical", "equal within tolerance", "different"


class Verdict(NamedTuple):
    """What a stage wrote, against what is committed."""

    what: str
    verdict: str
    remark: str = ""


def main(
    root: Path = Path("."),
    stages: Annotated[list[str], typer.Option("--stage")] = list(CHEAP),
    smoke: bool = True,
) -> None:
    """Clones ROOT's last commit into a temporary folder, reruns there and prints a verdict per
    output; exits with a status if any differs.
    """
    with tempfile.TemporaryDirectory(prefix="verify-") as folder:
        verdicts = [_smoke(root, Path(folder) / "smoke")] if smoke else []
        _say(verdicts)
        clone, committed = _clone(root, Path(folder) / "default"), _outputs(root)
        for stage in [name for kind in stages for name in committed if name.split("@")[0] == kind]:
            _run(clone, sys.executable, "-m", "dvc", "repro", "--single-item", "--force", stage)
            found = [
                compare(clone, stage, path, hash_, _outputs(clone)[stage][path])
                for path, hash_ in committed[stage].items()
            ]
            _say(found)
            verdicts += found
    wrong = [each.what for each in verdicts if each.verdict == DIFFERENT]
    if wrong:
        raise UserError(f"verify: {', '.join(wrong)} differ from what is committed")


def compare(clone: Path, stage: str, path: str, committed: str, found: str) -> Verdict:
    """An output's hash against dvc.lock's; where it differs, its numbers against those that git
    holds.
    """
    what = f"{stage}: {path}"
    if committed == found:
        return Verdict(what, IDENTICAL)
    names = _run(clone, "git", "ls-files", path).stdout.splitlines()
    if not names:
        return Verdict(
            what, DIFFERENT, "other bytes; git does not hold it, so how far off is not known"
        )
    largest, judged = 0.0, any(name.endswith(TABLES) for name in names)
    for name in names:
        before = clone / ".verify" / name
        before.parent.mkdir(parents=True, exist_ok=True)
        before.write_bytes(
            subprocess.run(
                ["git", "show", f"HEAD:{name}"], cwd=clone, capture_output=True, check=True
            ).stdout
        )
        if not (clone / name).exists():
            return Verdict(what, DIFFERENT, f"{name} was not written")
        if before.suffix in TABLES:
            largest = max(largest, largest_difference(before, clone / name))
    if not judged:
        return Verdict(
            what, DIFFERENT, "pictures or texts alone, which are compared by their bytes"
        )
    return Verdict(
        what, CLOSE if largest <= TOLERANCE else DIFFERENT, f"largest difference {largest:.2g}"
    )


def largest_difference(one: Path, other: Path) -> float:
    """Of two tables' or JSON files' numbers, relative above 1; infinite where anything else than
    a number differs.
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
    """Every value of a file, in order."""
    if path.suffix == ".parquet":
        yield from (
            value for column in pd.read_parquet(path).items() for value in (column[0], *column[1])
        )
    elif path.suffix == ".csv":
        with open(path, newline="") as file:
            yield from (value for line in csv.reader(file) for value in line)
    else:
        waiting = [json.loads(path.read_text())]
        while waiting:
            value = waiting.pop()
            waiting += (
                [part for item in value.items() for part in item]
                if isinstance(value, dict)
                else value
                if isinstance(value, list)
                else []
            )
            if not isinstance(value, dict | list):
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
    """Hashes of every stage's outputs by path, as dvc.lock has them."""
    stages = yaml.safe_load((root / "dvc.lock").read_text())["stages"]
    return {
        name: {out["path"]: out["md5"] for out in stage.get("outs", [])}
        for name, stage in stages.items()
    }


def _run(folder: Path, *command: str) -> subprocess.CompletedProcess:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise UserError(f"verify: `{' '.join(command[-4:])}` failed: {last}")
    return done


def _say(verdicts: list[Verdict]) -> None:
    for each in verdicts:
        print(
            f"{each.what}: {each.verdict}{f' ({each.remark})' if each.remark else ''}", flush=True
        )


if __name__ == "__main__":
    run_stage(main)
