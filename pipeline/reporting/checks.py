"""Checks that rows and bases are those that params.yaml asks for, before tables are made of
them.
"""

from pathlib import Path

import pandas as pd

from pipeline.common.cli import UserError


def check_rows(rows: pd.DataFrame, expected: dict[str, list[str]], seeds: list[int]) -> None:
    """Stop unless the rows are exactly the expected data sets x rows x seeds x the data set's
    examples, each once.
    """
    found, wanted = (
        set(zip(rows.data, rows.experiment)),
        {(data, name) for data, names in expected.items() for name in names},
    )
    if found != wanted:
        missing, extra = sorted(wanted - found), sorted(found - wanted)
        raise UserError(
            f"rows: missing {missing or 'nothing'}, unexpected {extra or 'nothing'}; run `dvc "
            "repro evaluate`"
        )
    examples = rows.groupby("data").example_id.agg(set)
    for (data, name, seed), group in rows.groupby(["data", "experiment", "seed"], dropna=False):
        if set(group.example_id) != examples[data] or len(group) != len(examples[data]):
            raise UserError(
                f"rows: {name}, seed {seed}: {len(group)} rows for {len(examples[data])} "
                "examples; run `dvc repro evaluate`"
            )
    for name in rows[~rows.experiment.str.contains("@")].experiment.unique():
        held = set(rows[rows.experiment == name].seed)
        if held != set(seeds):
            raise UserError(
                f"rows: {name}: holds seeds {sorted(held)}, params.yaml names {seeds}; run `dvc "
                "repro evaluate`"
            )


def check_bases(bases: dict[str, str], order: dict[str, list[str]], path: Path) -> None:
    """Stop unless every base is an experiment on its data set."""
    for data, base in bases.items():
        known = [name for name in order.get(data, []) if "@" not in name]
        if base not in known:
            raise UserError(
                f"{path}: tabulate.bases.{data}: '{base}' is no experiment on that data set; "
                f"known: {', '.join(known) or 'none'}"
            )
