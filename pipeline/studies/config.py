"""Which experiments each study is made with."""

from pathlib import Path
from typing import Any

from pipeline.command import UserError
from pipeline.config import BASELINES, Params, experiment_overrides

STUDIES = ("control", "extrapolation", "dereverberation", "timbre_transfer", "phase")  # stages, and sections of params.yaml


class StudyConfig(Params):
    """A study's section of params.yaml; each has more of its own."""

    experiments: list[str]  # autoencoders, each with all seeds


def check_studies(params: dict[str, Any], path: Path) -> None:
    """Stop unless every study names autoencoders of params.yaml alone."""
    for study in STUDIES:
        named = (params.get(study) or {}).get("experiments")
        if not isinstance(named, list):
            raise UserError(f"{path}: {study}.experiments: must be a list of experiments such as [supervised], or [], not {named!r}")
        for name in named:
            if name not in params["experiments"]:
                raise UserError(f"{path}: {study}.experiments: no experiment '{name}'; known: {', '.join(params['experiments'])}")
            if set(experiment_overrides(params, name, path)) & set(BASELINES):
                raise UserError(f"{path}: {study}.experiments: '{name}' is no DDSP autoencoder; remove it")
