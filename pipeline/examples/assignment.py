"""Assignments: one small file per experiment that names the examples it trains and tests on.

DVC cannot look up an experiment's data set inside a path, so an experiment depends on its
assignment instead of on its examples. The assignment holds the hash of statistics.json, which holds
the hashes of all shards; an ablation's assignment also holds the overrides of its base. It
therefore changes only when the experiment's own data set or its base changes. Since DVC does not
look at the examples themselves, their readers do: `read_assignment` compares statistics.json with
the assignment, and `examples.schema.check_shards` compares the shards with statistics.json.
"""

import json
from pathlib import Path
from typing import NamedTuple

from pipeline.common.cli import UserError
from pipeline.common.files import atomic_folder, file_sha256, write_json
from pipeline.common.settings import Settings
from pipeline.examples.schema import remedy


class Assignment(NamedTuple):
    """The data set of an experiment: its name and the folder of its examples."""

    data: str
    examples: Path


def write_assignments(settings: Settings, examples: Path, out: Path) -> None:
    """Write `out`/EXPERIMENT.json for every experiment.

    Args:
        settings: the settings that list the experiments.
        examples: folder with one folder of examples per data set.
        out: folder of the assignments, replaced as a whole.

    Raises:
        UserError: a data set has no examples yet.
    """
    with atomic_folder(out) as folder:
        for experiment in settings.experiments:
            data = experiment.data
            statistics = examples / data / "statistics.json"
            if not statistics.exists():
                raise UserError(f"{statistics}: no such file; run `dvc repro examples@{data}`")
            content = {
                "data": data,
                "examples": (examples / data).as_posix(),
                "sha256": file_sha256(statistics),
            }
            if experiment.base is not None:
                content["base"] = experiment.base.overrides
            write_json(folder / f"{experiment.name}.json", content)


def read_assignment(path: Path) -> Assignment:
    """Read an experiment's assignment, as `write_assignments` wrote it.

    Raises:
        UserError: there is none, or the examples are not those that were assigned.
    """
    try:
        values = json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run `dvc repro assign`") from None
    assignment = Assignment(values["data"], Path(values["examples"]))
    statistics = assignment.examples / "statistics.json"
    if not statistics.exists():
        raise UserError(f"{statistics}: no such file; {remedy(assignment.examples)}")
    if file_sha256(statistics) != values["sha256"]:
        raise UserError(
            f"{statistics}: has changed since it was assigned in {path}; run `dvc repro assign`"
        )
    return assignment
