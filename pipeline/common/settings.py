"""params.yaml as one object, read once per stage: sections, experiments and what they imply."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.common.cli import UserError
from pipeline.common.experiments import Ablation, Experiment, read_experiment, yardsticks_of
from pipeline.common.params import STUDIES, Config, read_params, suggestion, validate


@dataclass(frozen=True)
class Settings:
    """The values of a params file and its path, which errors name. Nothing may change the
    values.
    """

    path: Path
    values: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> "Settings":
        """Read a params file and check its shape; sections are checked when they are asked for."""
        return cls(path, read_params(path))

    def section(self, name: str, config: type[Config], experiment: str | None = None) -> Config:
        """Check a section against its config class.

        Args:
            name: of the section.
            config: the class to build.
            experiment: whose overrides to lay over the section.
        """
        values = self.mapping(name)
        if experiment is None:
            return validate(values, config, self.path, name)
        of_experiment = self.experiment(experiment)
        values |= of_experiment.overrides.get(name, {})
        return validate(values, config, self.path, name, of_experiment.keys_of(name))

    def mapping(self, *keys: str) -> dict[str, Any]:
        """Copy the mapping at `keys`, such as ("data", "notes"); its values are not checked."""
        values = self.values
        for depth, key in enumerate(keys):
            name = ".".join(keys[: depth + 1])
            if key not in values:
                what = f"section '{key}'" if depth == 0 else f"'{'.'.join(keys)}'"
                known = suggestion(key, values) if depth else ""
                raise UserError(f"{self.path}: {what} is missing{known}")
            values = values[key]
            if not isinstance(values, dict):
                raise UserError(f"{self.path}: {name}: must be a mapping, not {values!r}")
        return deepcopy(values)

    def experiment(self, name: str) -> Experiment:
        """Look up an experiment: its data set, base, question and overrides."""
        return read_experiment(self.values, name, self.path)

    @property
    def experiments(self) -> list[Experiment]:
        """Every experiment, in the order of the file."""
        return [self.experiment(name) for name in self.values["experiments"]]

    @property
    def ablations(self) -> list[Ablation]:
        """Every ablation, in the order of the file."""
        return [
            Ablation(each.name, each.base.name, each.block["asks"])
            for each in self.experiments
            if each.base is not None
        ]

    @property
    def seeds(self) -> list[int]:
        """The seeds that everything is trained with."""
        return list(self.values["seeds"])

    def outside(self, data: str) -> Path | None:
        """The path outside the repository that a data set is made from, if any."""
        path = (self.values.get("outside") or {}).get(data)
        return None if path is None else Path(path).expanduser()

    def row_names(self) -> dict[str, list[str]]:
        """{data set: names of its rows} in table order: experiments, then yardsticks as
        NAME@DATA.
        """
        return {
            data: [each.name for each in self.experiments if each.data == data]
            + [f"{name}@{data}" for name in yardsticks_of(values.get("source"))]
            for data, values in self.values["data"].items()
        }

    def study_runs(self, study: str) -> list[tuple[str, int]]:
        """(experiment, seed) of every training that a study is made with."""
        experiments = self.values[study]["experiments"]
        return [(experiment, seed) for experiment in experiments for seed in self.seeds]


def check_studies(settings: Settings) -> None:
    """Stop unless every study names only autoencoders of params.yaml."""
    known = settings.values["experiments"]
    for study in STUDIES:
        named = (settings.values.get(study) or {}).get("experiments")
        where = f"{settings.path}: {study}.experiments"
        if not isinstance(named, list):
            raise UserError(
                f"{where}: must be a list of experiments such as [supervised], or [], not {named!r}"
            )
        for name in named:
            if name not in known:
                raise UserError(f"{where}: no experiment '{name}'; known: {', '.join(known)}")
            if settings.experiment(name).baseline:
                raise UserError(f"{where}: '{name}' is no DDSP autoencoder; remove it")
