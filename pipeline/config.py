"""Strict parameters: a misspelt key or a wrong type stops with one line that names the key."""

import difflib
import json
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.command import UserError

SECTIONS = (
    "seeds", "data", "features", "examples", "model", "train", "resynthesize", "tabulate", "experiments",
)  # fmt: skip
RESERVED = ("original_retracked", "nearest_note", "mean_spectrum")  # rows that are no experiments


class Params(BaseModel):
    """Base of every config class: unknown keys and silent conversions are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Config = TypeVar("Config", bound=Params)


def read_params(path: Path) -> dict[str, Any]:
    """The whole of a params file; unknown top-level sections and unusable experiment names are errors."""
    try:
        values = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run from the repository's root") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(values, dict):
        raise UserError(f"{path}: must be a mapping with the sections {', '.join(SECTIONS)}")
    for section in values:
        if section not in SECTIONS:
            raise UserError(f"{path}: unknown section '{section}'{_suggestion(str(section), SECTIONS)}")
    if not isinstance(values.get("experiments") or {}, dict):
        raise UserError(f"{path}: experiments: must be a mapping such as {{supervised: {{}}}}")
    seeds = values.get("seeds", [0])
    if not (isinstance(seeds, list) and seeds and all(type(seed) is int and seed >= 0 for seed in seeds)):
        raise UserError(f"{path}: seeds: must be a list of whole numbers such as [0, 1, 2], not {seeds!r}")
    for name in values.get("experiments") or {}:
        if name in RESERVED:
            raise UserError(f"{path}: experiments.{name}: is the name of a yardstick; choose another")
        if not str(name).replace("_", "").isalnum():
            raise UserError(
                f"{path}: experiments.{name}: a name may hold only letters, digits and '_' "
                f"(DVC splits names at dots); rename it to '{''.join(c if c.isalnum() else '_' for c in str(name))}'"
            )
    return values


def read_section(path: Path, section: str, config: type[Config], experiment: str | None = None) -> Config:
    """Section `section` of params.yaml as `config`, with the experiment's one-level override merged over it."""
    params = read_params(path)
    if section not in params:
        raise UserError(f"{path}: section '{section}' is missing")
    if not isinstance(params[section], dict):
        raise UserError(f"{path}: {section}: must be a mapping, not {params[section]!r}")
    values, names = dict(params[section]), {key: f"{section}.{key}" for key in params[section]}
    if experiment is not None:
        override = experiment_overrides(params, experiment, path).get(section) or {}
        names |= {key: f"experiments.{experiment}.{section}.{key}" for key in override}
        values |= override
    return validate(values, config, path, section, names)


def experiment_overrides(params: dict[str, Any], experiment: str, path: Path) -> dict[str, dict[str, Any]]:
    """What an experiment changes: {section: {key: value}}; only `model` and `train` may be overridden."""
    experiments = params.get("experiments") or {}
    if experiment not in experiments:
        raise UserError(f"{path}: no experiment '{experiment}'{_suggestion(experiment, tuple(experiments))}")
    overrides = experiments[experiment] or {}
    if not isinstance(overrides, dict):
        raise UserError(f"{path}: experiments.{experiment}: must be a mapping such as {{model: {{use_z: false}}}}")
    for section, values in overrides.items():
        if section not in ("model", "train") or not isinstance(values, dict):
            raise UserError(f"{path}: experiments.{experiment}.{section}: only mappings 'model' and 'train' belong here")
    return overrides


def validate(
    values: dict[str, Any], config: type[Config], path: Path, section: str, names: dict[str, str] | None = None
) -> Config:
    """`values` checked against `config`; the error names the key as it stands in the file."""
    try:
        return config.model_validate_json(json.dumps(values))
    except (TypeError, ValueError) as error:
        if not isinstance(error, ValidationError):
            raise UserError(f"{path}: {section}: holds a value that is not a number, text, list or mapping") from None
        first = error.errors()[0]
        keys = [str(part) for part in first["loc"]]
        name = ".".join([(names or {}).get(keys[0], f"{section}.{keys[0]}"), *keys[1:]]) if keys else section
        if first["type"] == "extra_forbidden":
            known = tuple(config.model_fields) if len(keys) == 1 else ()
            raise UserError(f"{path}: unknown key '{name}'{_suggestion(keys[-1], known)}") from None
        if first["type"] == "missing":
            raise UserError(f"{path}: '{name}' is missing") from None
        raise UserError(f"{path}: {name}: {first['msg'].lower()}, not {first['input']!r}") from None


def _suggestion(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known: {', '.join(known)}" if known else ""
