"""The vocabulary of params.yaml and strict checks; every error names the file and the key.

Each config class derives from `Params` and lives beside the code that uses it. A stage reads the
file once, as `Settings` (pipeline.common.settings), which returns checked sections.
"""

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.common.cli import UserError
from pipeline.common.yaml_files import read_yaml

STUDIES = ("control", "extrapolation", "dereverberation", "timbre_transfer", "phase")
SECTIONS = (
    "seeds",
    "outside",
    "data",
    "features",
    "examples",
    "model",
    "loss",
    "train",
    "resynthesize",
    *STUDIES,
    "tabulate",
    "page",
    "experiments",
)
OVERRIDABLE = ("model", "loss", "train")  # sections that an experiment may override
BASELINES = ("wavernn", "strided_conv", "stft")  # networks in place of the autoencoder
DESCRIPTION_KEYS = ("data", "ablates", "asks")  # keys of an experiment that are not overrides
NAMED_SECTIONS = {  # sections whose keys are names chosen by the user, each with an example
    "outside": "{mine: /home/me/recordings}",
    "data": "{notes: {source: notes}}",
    "experiments": "{supervised: {data: notes}}",
}
RETRACKED = "original_retracked"
# yardsticks: rows of tables that are not experiments
RESERVED = (RETRACKED, "nearest_note", "mean_spectrum")
VALUES = ("nan", "na", "null", "none", "true", "false", "inf", "infinity")  # in CSV or JSON
LARGEST_SEED = 2**19 - 1  # the noise of validation has seed 2**19
SINGLE_NOTES = ("notes", "nsynth")  # sources of single notes; only they have a nearest note


class Params(BaseModel):
    """Base of config classes: frozen; rejects unknown keys, conversions, NaN and infinity."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


Config = TypeVar("Config", bound=Params)
Entry = TypeVar("Entry")


def read_params(path: Path) -> dict[str, Any]:
    """Read a params file; reject unknown sections, unusable names and malformed seeds."""
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise UserError(f"{path}: must be a mapping with the sections {', '.join(SECTIONS)}")
    for section in values:
        if section not in SECTIONS:
            raise UserError(
                f"{path}: unknown section '{section}'{suggestion(str(section), SECTIONS)}"
            )
    check_names(path, values)
    _check_seeds(path, values.get("seeds", [0]))
    return values


def check_names(path: Path, values: Mapping[str, Any]) -> None:
    """Raise a UserError unless all keys are text and the user's names are usable.

    DVC fails at other names without naming them, or leaves their stages out.
    """
    _check_keys(path, values)
    for section, example in NAMED_SECTIONS.items():
        _check_names(path, section, values.get(section), example)


def validate(
    values: Mapping[str, Any],
    config: type[Config],
    path: Path,
    section: str,
    names: Mapping[str, str] | None = None,
) -> Config:
    """Check `values` against a config class.

    Args:
        values: the values in the file.
        config: the class to build.
        path: the file, for error messages.
        section: the section that holds the values, for error messages.
        names: full names of keys that are written outside `section`, such as in an experiment.

    Raises:
        UserError: a value is invalid; the message gives the key's full name in the file.
    """
    try:
        return config.model_validate_json(json.dumps(values))
    except (TypeError, ValueError) as error:
        if not isinstance(error, ValidationError):
            raise UserError(
                f"{path}: {section}: holds a value that is not a number, text, list or mapping"
            ) from None
        first = error.errors()[0]
        keys = [str(part) for part in first["loc"]]
        name = section
        if keys:
            name = ".".join([(names or {}).get(keys[0], f"{section}.{keys[0]}"), *keys[1:]])
        if first["type"] == "extra_forbidden":
            fields = tuple(config.model_fields) if len(keys) == 1 else ()
            raise UserError(f"{path}: unknown key '{name}'{suggestion(keys[-1], fields)}") from None
        if first["type"] == "missing":
            raise UserError(f"{path}: '{name}' is missing") from None
        raise UserError(f"{path}: {name}: {first['msg'].lower()}, not {first['input']!r}") from None


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the end of an error about an unknown name: the closest known name, or all of them."""
    known = tuple(known)
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known: {', '.join(known)}" if known else ""


def by_study(where: str, entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Check that a registry has exactly one entry per study; return it in the order of `STUDIES`.

    Args:
        where: module and name of the registry, for error messages.
        entries: {study: entry}.

    Raises:
        LookupError: a study is missing or unknown.
    """
    missing = [study for study in STUDIES if study not in entries]
    unknown = [study for study in entries if study not in STUDIES]
    if missing or unknown:
        raise LookupError(
            f"{where}: no entry for {missing or 'none'}, unknown studies {unknown or 'none'}"
        )
    return {study: entries[study] for study in STUDIES}


def _check_keys(path: Path, value: Any, prefix: str = "") -> None:
    """Raise a UserError unless all keys, on all levels, are text: JSON would convert others."""
    if isinstance(value, list):
        for item in value:
            _check_keys(path, item, prefix)
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if not isinstance(key, str):
            raise UserError(
                f"{path}: {prefix}{key}: this key is not text but {key!r}; choose a name that "
                "begins with a letter"
            )
        _check_keys(path, item, f"{prefix}{key}.")


def _check_names(path: Path, section: str, values: Any, example: str) -> None:
    if not isinstance(values or {}, dict):
        raise UserError(f"{path}: {section}: must be a mapping such as {example}")
    for name in values or {}:
        where = f"{path}: {section}.{name}"
        if name in RESERVED:
            raise UserError(f"{where}: is the name of a yardstick; choose another name")
        if name.lower() in VALUES:
            raise UserError(f"{where}: tables would read this name as a value; choose another name")
        if not re.fullmatch("[A-Za-z0-9_]+", name):
            raise UserError(
                f"{where}: a name may hold only letters, digits and '_' (DVC splits names at "
                f"dots); rename it to '{re.sub('[^A-Za-z0-9_]', '_', name)}'"
            )
        if not name[0].isalpha():
            raise UserError(f"{where}: a name must begin with a letter; rename it")


def _check_seeds(path: Path, seeds: Any) -> None:
    if not (isinstance(seeds, list) and seeds and all(_is_seed(seed) for seed in seeds)):
        raise UserError(
            f"{path}: seeds: must be a list of whole numbers from 0 to {LARGEST_SEED}, such as "
            f"[0, 1, 2], not {seeds!r}"
        )
    repeated = [seed for number, seed in enumerate(seeds) if seed in seeds[:number]]
    if repeated:
        raise UserError(f"{path}: seeds: holds {repeated[0]} twice; remove one of them")


def _is_seed(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST_SEED
