"""The table of trainings: budget, epochs and validation of each."""

import json
from pathlib import Path

import pandas as pd

from pipeline.common.files import write_text

# a validation loss that fell by more than this share in the last quarter of training was still
# falling
FALLING = 0.01


def read_trainings(folder: Path, experiments: list[str], seeds: list[int]) -> pd.DataFrame:
    """A row per training: what its summary says, and its validation losses at the quarters of
    training.
    """
    rows = []
    for experiment in experiments:
        for seed in seeds:
            path = folder / f"{experiment}-{seed}.csv"
            summary, log = json.loads(path.with_suffix(".json").read_text()), pd.read_csv(path)
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
                }
            )
    return pd.DataFrame(rows)


def write_training_table(trainings: pd.DataFrame, folder: Path) -> None:
    """Write training.csv, .md and .tex: budget, epochs and validation curve of every training,
    and whether it was still falling.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "training.csv", trainings.to_csv(index=False))
    table = training_table(trainings)
    write_text(
        folder / "training.md",
        (
            "# Training\n"
            "\n"
            "What each row of the results was trained with. Seconds are this run's wall time on "
            "the machine that wrote this table: they differ from run to run, the steps do not, "
            "and steps were chosen so that all models get about the same time. Epochs: seconds "
            "of audio seen over those of the training split. Validation: the training objective "
            "over the whole validation split at equal distances in training; objectives differ, "
            f"so compare within a line. Still falling: by more than {FALLING:.0%} between the "
            "last two. A model that still falls is not at its best, and one training says "
            "nothing about another seed.\n"
            "\n"
            f"{table.to_markdown(index=False, disable_numparse=True)}\n"
        ),
    )
    write_text(folder / "training.tex", table.to_latex(index=False, escape=True))


def training_table(trainings: pd.DataFrame) -> pd.DataFrame:
    """A line per training of `read_trainings`, as people read it."""
    return pd.DataFrame([_training_line(row) for _, row in trainings.iterrows()])


def _training_line(row: pd.Series) -> dict[str, str]:
    falling = (
        ""
        if pd.isna(row.last_change)
        else ("yes" if row.last_change < -FALLING else "no") + f" ({row.last_change:+.1%})"
    )
    seconds = f"{row.training_seconds:.0f}" + (
        f" + {row.pretraining_seconds:.0f} pretraining" if row.pretraining_seconds else ""
    )
    return {
        "Experiment": f"{row.experiment}, seed {row.seed}",
        "Objective": row.objective,
        "Parameters": f"{row.parameters:,}",
        "Steps": f"{row.steps:,}",
        "Seconds": seconds,
        "Epochs": f"{row.epochs:.2g}",
        "Validation": " ".join(f"{loss:.3g}" for loss in row.valid),
        "Still falling": falling,
    }
