"""Strict parameters: a misspelt key or a wrong type stops with one line that names the key."""

import difflib
import json
import re
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.command import UserError

SECTIONS = (
    "seeds", "outside", "data", "features", "examples", "model", "loss", "train", "resynthesize", "control", "extrapolation",
    "dereverberation", "timbre_transfer", "phase", "tabulate", "page", "experiments",
)  # fmt: skip
OVERRIDABLE = ("model", "loss", "train")  # sections that an experiment may override
BASELINES = ("wavernn", "strided_conv", "stft")  # networks that may take the autoencoder's place, configured in the experiment's block
ABOUT = ("data", "ablates", "asks")  # what an experiment's block says of itself
NAMED = {  # sections whose keys are names, as they may look
    "outside": "{mine: /home/me/recordings}", "data": "{notes: {source: notes}}", "experiments": "{supervised: {data: notes}}",
}  # fmt: skip
RETRACKED = "original_retracked"
RESERVED = (RETRACKED, "nearest_note", "mean_spectrum")  # yardsticks: rows of the tables that are no experiments
SINGLE_NOTES = ("notes", "nsynth")  # sources whose recordings have one pitch each: only there is a note nearest to another


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
    for section, example in NAMED.items():
        _check_names(path, section, values.get(section), example)
    seeds = values.get("seeds", [0])
    if not (isinstance(seeds, list) and seeds and all(type(seed) is int and seed >= 0 for seed in seeds)):
        raise UserError(f"{path}: seeds: must be a list of whole numbers such as [0, 1, 2], not {seeds!r}")
    return values


def _check_names(path: Path, section: str, values: Any, example: str) -> None:
    if not isinstance(values or {}, dict):
        raise UserError(f"{path}: {section}: must be a mapping such as {example}")
    for name in values or {}:
        if name in RESERVED:
            raise UserError(f"{path}: {section}.{name}: is the name of a yardstick; choose another")
        if not re.fullmatch("[A-Za-z0-9_]+", str(name)):
            raise UserError(
                f"{path}: {section}.{name}: a name may hold only letters, digits and '_' "
                f"(DVC splits names at dots); rename it to '{re.sub('[^A-Za-z0-9_]', '_', str(name))}'"
            )


def read_section(path: Path, section: str, config: type[Config], experiment: str | None = None) -> Config:
    """Section `section` of params.yaml as `config`, with the experiment's one-level override merged over it."""
    values, names = read_values(path, section), {}
    if experiment is not None:
        params = read_params(path)
        values |= experiment_overrides(params, experiment, path).get(section) or {}
        names = {key: f"experiments.{name}.{section}.{key}" for name in _lineage(params, experiment, path)
                 for key in params["experiments"][name].get(section) or {}}  # fmt: skip
    return validate(values, config, path, section, names)


def read_values(path: Path, *keys: str) -> dict[str, Any]:
    """The mapping at `keys` of params.yaml, unchecked but for being there."""
    values = read_params(path)
    for depth, key in enumerate(keys):
        if key not in values:
            what = f"section '{key}'" if depth == 0 else f"'{'.'.join(keys)}'"
            raise UserError(f"{path}: {what} is missing{_suggestion(key, tuple(values)) if depth else ''}")
        values = values[key]
        if not isinstance(values, dict):
            raise UserError(f"{path}: {'.'.join(keys[: depth + 1])}: must be a mapping, not {values!r}")
    return dict(values)


def experiment_data(params: dict[str, Any], experiment: str, path: Path) -> str:
    """The data set that an experiment names; an ablation's is its base's."""
    owner, known = _lineage(params, experiment, path)[0], tuple(params.get("data") or {})
    name = params["experiments"][owner].get("data")
    if name not in known:
        raise UserError(f"{path}: experiments.{owner}.data: must name a data set ({', '.join(known)}), not {name!r}")
    return name


def ablation_base(params: dict[str, Any], experiment: str, path: Path) -> str | None:
    """The experiment that this one is an ablation of."""
    block = _block(params, experiment, path)
    if "ablates" not in block:
        return None
    base, where = block["ablates"], f"{path}: experiments.{experiment}"
    known = [name for name, other in params["experiments"].items() if "ablates" not in (other or {})]
    if base not in known:
        raise UserError(f"{where}.ablates: must name an experiment that is no ablation itself, not {base!r}; known: {', '.join(known)}")
    if not (isinstance(block.get("asks"), str) and block["asks"].strip()):
        raise UserError(f"{where}.asks: is missing; write the question that this ablation answers, in a line")
    if "data" in block:
        raise UserError(f"{where}.data: an ablation has its base's data; remove it")
    return base


def _lineage(params: dict[str, Any], experiment: str, path: Path) -> list[str]:
    """The experiments whose blocks apply, each over those before it: an ablation's base, then itself."""
    base = ablation_base(params, experiment, path)
    return [experiment] if base is None else [base, experiment]


def yardsticks_of(source: str) -> list[str]:
    """The yardsticks that a data set of this source has."""
    return [name for name in RESERVED if name != "nearest_note" or source in SINGLE_NOTES]


def row_names(params: dict[str, Any], path: Path) -> dict[str, list[str]]:
    """Per data set what its rows are of, in the order of the tables: its experiments, then its yardsticks as NAME@DATA."""
    own = {name: experiment_data(params, name, path) for name in params["experiments"]}
    return {
        data: [name for name in own if own[name] == data] + [f"{name}@{data}" for name in yardsticks_of(values.get("source"))]
        for data, values in params["data"].items()
    }


def experiment_overrides(params: dict[str, Any], experiment: str, path: Path) -> dict[str, dict[str, Any]]:
    """What applies to an experiment beside its data: {section: {key: value}}, sections to override or the config of one baseline.

    An ablation's block holds only its difference: it is merged over its base's.
    """
    merged, known = {}, (*OVERRIDABLE, *BASELINES)
    for name in _lineage(params, experiment, path):
        for section, values in _block(params, name, path).items():
            if section in ABOUT:
                continue
            if section not in known or not isinstance(values, dict):
                raise UserError(f"{path}: experiments.{name}.{section}: only {', '.join(ABOUT)} and mappings ({', '.join(known)}) belong here")
            merged[section] = merged.get(section, {}) | values
    if len(set(merged) & set(BASELINES)) > 1:
        raise UserError(f"{path}: experiments.{experiment}: names more than one of {', '.join(BASELINES)}; keep one")
    return merged


def _block(params: dict[str, Any], experiment: str, path: Path) -> dict[str, Any]:
    """An experiment's own block."""
    experiments = params.get("experiments") or {}
    if experiment not in experiments:
        raise UserError(f"{path}: no experiment '{experiment}'{_suggestion(experiment, tuple(experiments))}")
    block = experiments[experiment]
    if not isinstance(block, dict):
        raise UserError(f"{path}: experiments.{experiment}: must be a mapping such as {{data: notes, model: {{use_z: false}}}}, not {block!r}")
    return block


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
