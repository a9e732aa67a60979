"""Which examples an experiment is trained and tested on: a small file that changes only when its
own data set or base does. DVC cannot look an experiment's data set up in a path; a dependency on
this file stands for one on the examples, because it holds the hash of statistics.json, which holds
those of all shards. An ablation's file also holds what its base overrides.
"""

import json
from pathlib import Path
from typing import NamedTuple

from pipeline.common.cli import UserError
from pipeline.common.files import atomic_folder, file_sha256, write_json
from pipeline.common.settings import Settings


class Assignment(NamedTuple):
    """A data set's name and the folder of its examples."""

    data: str
    examples: Path


def write_assignments(settings: Settings, examples: Path, out: Path) -> None:
    """Write out/EXPERIMENT.json for every experiment."""
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
    """What `write_assignments` wrote for an experiment."""
    values = json.loads(path.read_text())
    return Assignment(values["data"], Path(values["examples"]))
