"""params.yaml as one object, read once per stage: sections, experiments, seeds and runs."""

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
    """The values of a params file, which must not be changed, and its path for error messages."""

    path: Path
    values: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> "Settings":
        """Read a params file and check its structure; `section` checks the values."""
        return cls(path, read_params(path))

    def section(self, name: str, config: type[Config], experiment: str | None = None) -> Config:
        """Check a section against its config class.

        Args:
            name: the section.
            config: the class to build.
            experiment: apply the overrides of this experiment.
        """
        values = self.mapping(name)
        if experiment is None:
            return validate(values, config, self.path, name)
        chosen = self.experiment(experiment)
        values |= chosen.overrides.get(name, {})
        return validate(values, config, self.path, name, chosen.keys_of(name))

    def mapping(self, *keys: str) -> dict[str, Any]:
        """Copy the mapping at `keys`, such as ("data", "notes"), without checking its values."""
        values = self.values
        for depth, key in enumerate(keys):
            name = ".".join(keys[: depth + 1])
            if key not in values:
                missing = f"section '{key}'" if depth == 0 else f"'{'.'.join(keys)}'"
                hint = suggestion(key, values) if depth else ""
                raise UserError(f"{self.path}: {missing} is missing{hint}")
            values = values[key]
            if not isinstance(values, dict):
                raise UserError(f"{self.path}: {name}: must be a mapping, not {values!r}")
        return deepcopy(values)

    def experiment(self, name: str) -> Experiment:
        """Look up an experiment."""
        return read_experiment(self.values, name, self.path)

    @property
    def experiments(self) -> list[Experiment]:
        """All experiments, in the order of the file."""
        return [self.experiment(name) for name in self.values["experiments"]]

    @property
    def ablations(self) -> list[Ablation]:
        """All ablations, in the order of the file."""
        return [
            Ablation(experiment.name, experiment.base.name, experiment.block["asks"])
            for experiment in self.experiments
            if experiment.base is not None
        ]

    @property
    def seeds(self) -> list[int]:
        """The training seeds."""
        return list(self.values["seeds"])

    def outside(self, data: str) -> Path | None:
        """Return the path outside the repository that a data set is made from, if any."""
        path = (self.values.get("outside") or {}).get(data)
        return None if path is None else Path(path).expanduser()

    def row_names(self) -> dict[str, list[str]]:
        """List each data set's rows in table order: experiments, then yardsticks as NAME@DATA."""
        names = {}
        for data, values in self.values["data"].items():
            experiments = [item.name for item in self.experiments if item.data == data]
            yardsticks = [f"{name}@{data}" for name in yardsticks_of(values.get("source"))]
            names[data] = experiments + yardsticks
        return names

    def study_runs(self, study: str) -> list[tuple[str, int]]:
        """List the trainings that a study uses, as (experiment, seed)."""
        experiments = self.values[study]["experiments"]
        return [(experiment, seed) for experiment in experiments for seed in self.seeds]


def check_studies(settings: Settings) -> None:
    """Raise a UserError unless every study names only autoencoders of params.yaml."""
    experiments = settings.values["experiments"]
    for study in STUDIES:
        named = (settings.values.get(study) or {}).get("experiments")
        where = f"{settings.path}: {study}.experiments"
        if not isinstance(named, list):
            raise UserError(
                f"{where}: must be a list of experiments such as [supervised], or [], not {named!r}"
            )
        for name in named:
            if name not in experiments:
                raise UserError(f"{where}: no experiment '{name}'; known: {', '.join(experiments)}")
            if settings.experiment(name).baseline:
                raise UserError(f"{where}: '{name}' is not a DDSP autoencoder; remove it")
