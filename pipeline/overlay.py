"""Merge an overlay such as params/smoke.yaml into params.yaml.

Usage: `python -m pipeline.overlay OVERLAY`.

A key that params.yaml does not have is an error. Mappings whose keys are names (instruments,
outside) are replaced as a whole. `only: [NAME, ...]` keeps only these experiments, and
`only_data: [NAME, ...]` only these data sets.
"""

from pathlib import Path

from ruamel.yaml import YAML

from pipeline.common.cli import UserError, run_stage
from pipeline.common.files import atomic
from pipeline.common.params import STUDIES, read_params
from pipeline.common.yaml_files import read_yaml

REPLACED = ("data.notes.instruments", "timbre_transfer.lines.instruments", "outside")


def merge(base: dict, overlay: dict, path: Path, prefix: str = "") -> None:
    """Merge the overlay's values into `base`, in place.

    Args:
        base: a mapping of params.yaml.
        overlay: the values to merge.
        path: the overlay's file, for error messages.
        prefix: the full name of `base` in the file, with a dot at its end.

    Raises:
        UserError: a key is unknown, or a mapping meets a single value.
    """
    for key, value in overlay.items():
        name = f"{prefix}{key}"
        if key not in base:
            raise UserError(f"{path}: '{name}' is not in params.yaml; correct it or remove it")
        if isinstance(value, dict) != isinstance(base[key], dict):
            raise UserError(
                f"{path}: '{name}' must be "
                f"{'a mapping' if isinstance(base[key], dict) else 'one value'} as in params.yaml"
            )
        if isinstance(value, dict) and name not in REPLACED:
            merge(base[key], value, path, f"{name}.")
        else:
            base[key] = value


def keep_only(section: dict, names: list[str], path: Path) -> None:
    """Keep only the named experiments or data sets of a section, in place."""
    for name in names:
        if name not in section:
            raise UserError(
                f"{path}: only: no '{name}' in params.yaml; known: {', '.join(section)}"
            )
    for name in list(section):
        if name not in names:
            del section[name]
    for name, values in section.items():
        if (values or {}).get("ablates", name) not in section:
            raise UserError(
                f"{path}: only: '{name}' is an ablation of '{values['ablates']}', which is not "
                "kept; name it too"
            )


def drop_bases(params: dict) -> None:
    """Drop the bases of paired differences whose data set or experiment was dropped, in place."""
    bases = params["tabulate"]["bases"]
    for data, base in list(bases.items()):
        if data not in params["data"] or base not in params["experiments"]:
            del bases[data]


def drop_from_studies(params: dict) -> None:
    """Drop experiments from the studies if they were dropped, in place."""
    for study in STUDIES:
        params[study]["experiments"] = [
            name for name in params[study]["experiments"] if name in params["experiments"]
        ]


def main(overlay: Path, params: Path = Path("params.yaml")) -> None:
    """Read OVERLAY and PARAMS; rewrite PARAMS with the overlay's values, keeping comments."""
    read_params(params)
    yaml = YAML()
    yaml.width = 200
    yaml.preserve_quotes = True
    base = yaml.load(params.read_text(encoding="utf-8"))
    values = read_yaml(overlay)
    if not isinstance(values, dict):
        raise UserError(f"{overlay}: must be a mapping of sections to merge")
    kept = {"experiments": values.pop("only", None), "data": values.pop("only_data", None)}
    merge(base, values, overlay)
    for section, names in kept.items():
        if names is not None:
            keep_only(base[section], names, overlay)
    drop_bases(base)
    drop_from_studies(base)
    with atomic(params) as temporary:
        yaml.dump(base, temporary)


if __name__ == "__main__":
    run_stage(main)
