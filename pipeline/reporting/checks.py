"""Check that rows and bases match params.yaml before tables are made of them."""

from pathlib import Path

import pandas as pd

from pipeline.common.cli import UserError


def check_rows(rows: pd.DataFrame, expected: dict[str, list[str]], seeds: list[int]) -> None:
    """Check that each expected row has every seed and every example of its data set once.

    Args:
        rows: of all data sets, experiments and seeds.
        expected: row names by data set.
        seeds: of the experiments; yardsticks (names with `@`) have none.

    Raises:
        UserError: if a row, seed or example is missing, repeated or unexpected.
    """
    present = set(zip(rows.data, rows.experiment))
    wanted = {(data, name) for data, names in expected.items() for name in names}
    if present != wanted:
        missing = sorted(wanted - present)
        extra = sorted(present - wanted)
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
        present = set(rows[rows.experiment == name].seed)
        if present != set(seeds):
            raise UserError(
                f"rows: {name}: holds seeds {sorted(present)}, params.yaml names {seeds}; run `dvc "
                "repro evaluate`"
            )


def check_bases(bases: dict[str, str], order: dict[str, list[str]], path: Path) -> None:
    """Raise UserError unless every base is an experiment on its data set.

    Args:
        bases: experiment by data set.
        order: row names by data set.
        path: of the params file, for the message.
    """
    for data, base in bases.items():
        experiments = [name for name in order.get(data, []) if "@" not in name]
        if base not in experiments:
            raise UserError(
                f"{path}: tabulate.bases.{data}: '{base}' is not an experiment on that data set; "
                f"known: {', '.join(experiments) or 'none'}"
            )
