"""Merge an overlay (params/smoke.yaml, params/paper.yaml) onto params.yaml: `python -m pipeline.overlay OVERLAY`.

Strict: a key that params.yaml does not have is an error. Mappings whose keys are names (data.instruments, experiments) are
replaced as a whole; `only: [NAME, ...]` keeps just these experiments.
"""

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.command import UserError, run_stage
from pipeline.config import read_params
from pipeline.files import atomic

REPLACED = ("data.instruments", "experiments")


def merge(base: dict, overlay: dict, path: Path, prefix: str = "") -> None:
    """Put the overlay's values into `base`, in place."""
    for key, value in overlay.items():
        name = f"{prefix}{key}"
        if key not in base:
            raise UserError(f"{path}: '{name}' is not in params.yaml; correct it or remove it")
        if isinstance(value, dict) != isinstance(base[key], dict):
            raise UserError(f"{path}: '{name}' must be {'a mapping' if isinstance(base[key], dict) else 'one value'} as in params.yaml")
        if isinstance(value, dict) and name not in REPLACED:
            merge(base[key], value, path, f"{name}.")
        else:
            base[key] = value


def keep_only(experiments: dict, names: list[str], path: Path) -> None:
    """Drop the experiments that are not named, in place."""
    for name in names:
        if name not in experiments:
            raise UserError(f"{path}: only: no experiment '{name}' in params.yaml; known: {', '.join(experiments)}")
    for name in [name for name in experiments if name not in names]:
        del experiments[name]


def main(overlay: Path, params: Path = Path("params.yaml")) -> None:
    """Reads OVERLAY and PARAMS; rewrites PARAMS with the overlay's values, comments kept."""
    read_params(params)
    yaml = YAML()
    yaml.width = 200
    base = yaml.load(params.read_text())
    try:
        values = YAML(typ="safe").load(overlay.read_text())
    except FileNotFoundError:
        raise UserError(f"{overlay}: no such file; overlays are in params/") from None
    except YAMLError as error:
        raise UserError(f"{overlay}: not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(values, dict):
        raise UserError(f"{overlay}: must be a mapping of sections to merge")
    only = values.pop("only", None)
    merge(base, values, overlay)
    if only is not None:
        keep_only(base["experiments"], only, overlay)
    with atomic(params) as temporary:
        yaml.dump(base, temporary)


if __name__ == "__main__":
    run_stage(main)
