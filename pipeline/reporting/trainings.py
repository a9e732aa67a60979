"""The table of trainings: budget, epochs and validation loss of each."""

import json
from pathlib import Path

import pandas as pd

from pipeline.common.files import write_text
from pipeline.reporting.layout import latex_table, markdown_table

# the loss is still falling if it fell by more than this share between the last two validations
FALLING = 0.01
SHARES = ("share_", "gradient_")  # prefixes of a log's columns: of the loss, of the gradient's norm


def read_trainings(folder: Path, experiments: list[str], seeds: list[int]) -> pd.DataFrame:
    """Read the logs and summaries of all trainings.

    Args:
        folder: of EXPERIMENT-SEED.csv (the log) and .json (the summary).
        experiments: names.
        seeds: of each experiment.

    Returns:
        A row per training: objective, steps, epochs, parameters, seconds, the list of validation
        losses and the relative change between the last two.
    """
    rows = []
    for experiment in experiments:
        for seed in seeds:
            path = folder / f"{experiment}-{seed}.csv"
            summary = json.loads(path.with_suffix(".json").read_text())
            log = pd.read_csv(path)
            valid = log.dropna(subset=["valid_loss"]).valid_loss.to_list()
            rows.append(
                {
                    "experiment": experiment,
                    "seed": seed,
                    "objective": summary["objective"],
                    "steps": summary["steps"],
                    "epochs": summary["epochs"],
                    "parameters": sum(summary["parameters"].values()),
                    **{f"{name}_seconds": value for name, value in summary["seconds"].items()},
                    "valid": valid,
                    "last_change": valid[-1] / valid[-2] - 1 if len(valid) > 1 else None,
                    **_last_shares(log),
                }
            )
    return pd.DataFrame(rows)


def _last_shares(log: pd.DataFrame) -> dict[str, float]:
    """Return each term's share of the loss and of the gradient at the end of a training; nothing
    for an objective of one term.
    """
    columns = [name for name in log.columns if name.startswith(SHARES)]
    return log[columns].iloc[-1].to_dict()


def write_training_table(trainings: pd.DataFrame, folder: Path) -> None:
    """Write training.csv, training.md and training.tex from `read_trainings`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "training.csv", trainings.to_csv(index=False))
    table = training_table(trainings)
    write_text(
        folder / "training.md",
        (
            "# Training\n"
            "\n"
            "Each training behind the results. Steps were chosen so that all models train for "
            "about the same time. Seconds: wall time on the machine that wrote this table; it "
            "varies between runs, the steps do not. Epochs: seconds of audio seen, divided by "
            "those of the training split. Validation: the training objective over the whole "
            "validation split, at equal intervals in training; lower is better. Objectives "
            "differ, so compare only within a line. Still falling: whether the loss fell by more "
            f"than {FALLING:.0%} between the last two validations, with the change. A model whose "
            "loss still falls is not at its best, and one training says nothing about another "
            "seed. Terms: each term's share of the loss and, in brackets, of the norm of the "
            "gradient at the audio (norms added up), in the last training batch; empty for an "
            "objective of one term.\n"
            "\n"
            f"{markdown_table(table)}\n"
        ),
    )
    write_text(folder / "training.tex", latex_table(table))


def training_table(trainings: pd.DataFrame) -> pd.DataFrame:
    """Format `read_trainings` for printing, one line per training."""
    return pd.DataFrame([_training_line(row) for _, row in trainings.iterrows()])


def _training_line(row: pd.Series) -> dict[str, str]:
    falling = ""
    if not pd.isna(row.last_change):
        falling = f"{'yes' if row.last_change < -FALLING else 'no'} ({row.last_change:+.1%})"
    seconds = f"{row.training_seconds:.0f}"
    if row.pretraining_seconds:
        seconds += f" + {row.pretraining_seconds:.0f} pretraining"
    return {
        "Experiment": f"{row.experiment}, seed {row.seed}",
        "Objective": row.objective,
        "Parameters": f"{row.parameters:,}",
        "Steps": f"{row.steps:,}",
        "Seconds": seconds,
        "Epochs": f"{row.epochs:.2g}",
        "Validation": " ".join(f"{loss:.3g}" for loss in row.valid),
        "Still falling": falling,
        "Terms (gradient)": _terms(row),
    }


def _terms(row: pd.Series) -> str:
    """Print each term's share of the loss and, in brackets, of the gradient."""
    loss, gradient = SHARES
    names = [name.removeprefix(loss) for name in row.index if name.startswith(loss)]
    return ", ".join(
        f"{name.replace('_', ' ')} {row[loss + name]:.1%} ({row[gradient + name]:.1%})"
        for name in names
        if not pd.isna(row[loss + name])
    )
