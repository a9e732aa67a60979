"""Experiments of params.yaml: each is a block of overrides; an ablation overrides its base."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.common.cli import UserError
from pipeline.common.params import (
    BASELINES,
    DESCRIPTION_KEYS,
    OVERRIDABLE,
    RESERVED,
    SINGLE_NOTES,
    suggestion,
)


class Ablation(NamedTuple):
    """An ablation, the experiment it is compared with and the question it answers."""

    name: str
    base: str
    question: str


@dataclass(frozen=True)
class Experiment:
    """An experiment as described by its block; create one with `read_experiment`.

    Attributes:
        name: the block's key.
        block: the block's keys and values.
        base: for an ablation, the experiment it ablates.
        path: the params file, for error messages.
        data_sets: the data sets of the params file.
    """

    name: str
    block: Mapping[str, Any]
    base: "Experiment | None"
    path: Path
    data_sets: tuple[str, ...]

    @property
    def data(self) -> str:
        """The data set for training and testing; an ablation uses that of its base."""
        return self._read_data()

    @property
    def baseline(self) -> str | None:
        """The network that replaces the autoencoder, if any."""
        return next((name for name in BASELINES if name in self.overrides), None)

    @property
    def overrides(self) -> dict[str, dict[str, Any]]:
        """Overrides of sections of params.yaml, or of a baseline: {section: {key: value}}."""
        return self._merge_overrides()

    def keys_of(self, section: str) -> dict[str, str]:
        """Map every overridden key of a section to its full name in the file."""
        inherited = {} if self.base is None else self.base.keys_of(section)
        own = self._own_overrides().get(section, {})
        return inherited | {key: f"experiments.{self.name}.{section}.{key}" for key in own}

    def check(self) -> None:
        """Raise a UserError unless the overrides are well-formed and the data set exists."""
        self._merge_overrides()
        self._read_data()

    def _read_data(self) -> str:
        if self.base is not None:
            return self.base.data
        name = self.block.get("data")
        if name not in self.data_sets:
            raise UserError(
                f"{self.path}: experiments.{self.name}.data: must name a data set "
                f"({', '.join(self.data_sets)}), not {name!r}"
            )
        return name

    def _merge_overrides(self) -> dict[str, dict[str, Any]]:
        merged = {} if self.base is None else self.base.overrides
        for section, values in self._own_overrides().items():
            merged[section] = merged.get(section, {}) | values
        if len(set(merged) & set(BASELINES)) > 1:
            raise UserError(
                f"{self.path}: experiments.{self.name}: names more than one of "
                f"{', '.join(BASELINES)}; keep one"
            )
        return merged

    def _own_overrides(self) -> dict[str, dict[str, Any]]:
        allowed = (*OVERRIDABLE, *BASELINES)
        own = {key: values for key, values in self.block.items() if key not in DESCRIPTION_KEYS}
        for section, values in own.items():
            if section not in allowed or not isinstance(values, dict):
                raise UserError(
                    f"{self.path}: experiments.{self.name}.{section}: only "
                    f"{', '.join(DESCRIPTION_KEYS)} and mappings ({', '.join(allowed)}) belong here"
                )
        return own


def read_experiment(values: Mapping[str, Any], name: str, path: Path) -> Experiment:
    """Look up an experiment in the values of a params file.

    Raises:
        UserError: there is no such experiment, or its block or its base's is malformed.
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
    """List the yardsticks of a data set with the given source."""
    return [name for name in RESERVED if name != "nearest_note" or source in SINGLE_NOTES]


def _check_ablation(block: dict, name: str, experiments: dict, path: Path) -> None:
    where = f"{path}: experiments.{name}"
    bases = [base for base, values in experiments.items() if "ablates" not in (values or {})]
    if block["ablates"] not in bases:
        raise UserError(
            f"{where}.ablates: must name an experiment that is not itself an ablation, "
            f"not {block['ablates']!r}; known: {', '.join(bases)}"
        )
    if not (isinstance(block.get("asks"), str) and block["asks"].strip()):
        raise UserError(
            f"{where}.asks: is missing; write the question this ablation answers, in one line"
        )
    if "data" in block:
        raise UserError(f"{where}.data: an ablation uses the data of its base; remove this key")
