"""Experiments of params.yaml: blocks of overrides, one level deep; an ablation overrides its
base.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.common.cli import UserError
from pipeline.common.params import (
    BASELINES,
    DESCRIPTION,
    OVERRIDABLE,
    RESERVED,
    SINGLE_NOTES,
    suggestion,
)


class Ablation(NamedTuple):
    """An ablation, the experiment it is compared with, and the question that it answers."""

    name: str
    base: str
    question: str


@dataclass(frozen=True)
class Experiment:
    """An experiment as its block describes it; make one with `read_experiment`.

    Attributes:
        name: the block's key.
        block: its own keys and values.
        base: the experiment that it ablates, if it is an ablation.
        path: the params file, for errors.
        data_sets: the data sets of the params file.
    """

    name: str
    block: Mapping[str, Any]
    base: "Experiment | None"
    path: Path
    data_sets: tuple[str, ...]

    @property
    def data(self) -> str:
        """The data set that it is trained and tested on; an ablation takes its base's."""
        if self.base is not None:
            return self.base.data
        name = self.block.get("data")
        if name not in self.data_sets:
            raise UserError(
                f"{self.path}: experiments.{self.name}.data: must name a data set "
                f"({', '.join(self.data_sets)}), not {name!r}"
            )
        return name

    @property
    def baseline(self) -> str | None:
        """The network that takes the autoencoder's place, if any."""
        return next((name for name in BASELINES if name in self.overrides), None)

    @property
    def overrides(self) -> dict[str, dict[str, Any]]:
        """{section: {key: value}} laid over params.yaml's sections, or a baseline's config."""
        merged = {} if self.base is None else self.base.overrides
        for section, values in self._own_overrides().items():
            merged[section] = merged.get(section, {}) | values
        if len(set(merged) & set(BASELINES)) > 1:
            raise UserError(
                f"{self.path}: experiments.{self.name}: names more than one of "
                f"{', '.join(BASELINES)}; keep one"
            )
        return merged

    def keys_of(self, section: str) -> dict[str, str]:
        """{key: full name in the file} of every key of a section that is overridden."""
        inherited = {} if self.base is None else self.base.keys_of(section)
        own = self._own_overrides().get(section, {})
        return inherited | {key: f"experiments.{self.name}.{section}.{key}" for key in own}

    def _own_overrides(self) -> dict[str, dict[str, Any]]:
        known = (*OVERRIDABLE, *BASELINES)
        own = {key: values for key, values in self.block.items() if key not in DESCRIPTION}
        for section, values in own.items():
            if section not in known or not isinstance(values, dict):
                raise UserError(
                    f"{self.path}: experiments.{self.name}.{section}: only "
                    f"{', '.join(DESCRIPTION)} and mappings ({', '.join(known)}) belong here"
                )
        return own


def read_experiment(values: Mapping[str, Any], name: str, path: Path) -> Experiment:
    """Look an experiment up in the values of a params file.

    Raises:
        UserError: no such experiment, or its block (or its base's) is malformed.
    """
    experiments = values.get("experiments") or {}
    if name not in experiments:
        raise UserError(f"{path}: no experiment '{name}'{suggestion(name, experiments)}")
    block = experiments[name]
    if not isinstance(block, dict):
        raise UserError(
            f"{path}: experiments.{name}: must be a mapping such as "
            f"{{data: notes, model: {{use_z: false}}}}, not {block!r}"
        )
    base = None
    if "ablates" in block:
        _check_ablation(block, name, experiments, path)
        base = read_experiment(values, block["ablates"], path)
    return Experiment(name, block, base, path, tuple(values.get("data") or {}))


def yardsticks_of(source: str) -> list[str]:
    """Name the yardsticks of a data set by its source."""
    return [name for name in RESERVED if name != "nearest_note" or source in SINGLE_NOTES]


def _check_ablation(block: dict, name: str, experiments: dict, path: Path) -> None:
    where = f"{path}: experiments.{name}"
    known = [other for other, theirs in experiments.items() if "ablates" not in (theirs or {})]
    if block["ablates"] not in known:
        raise UserError(
            f"{where}.ablates: must name an experiment that is no ablation itself, "
            f"not {block['ablates']!r}; known: {', '.join(known)}"
        )
    if not (isinstance(block.get("asks"), str) and block["asks"].strip()):
        raise UserError(
            f"{where}.asks: is missing; write the question that this ablation answers, in a line"
        )
    if "data" in block:
        raise UserError(f"{where}.data: an ablation has its base's data; remove it")
