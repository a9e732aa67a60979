"""The table of parameter counts: the paper's models and ours."""

import json
from pathlib import Path

import pandas as pd

from pipeline.common.files import write_text
from pipeline.reporting.layout import latex_table, markdown_table

CLOSE = 0.1  # relative difference from the paper's count that needs no reason
REASONS = {
    "unsupervised": (
        "its f0 encoder has the size `small` of the authors' code of the time (0.0.6); the paper "
        "does not say which size its figure counts"
    ),
    "wavernn": (
        "the paper gives no layer sizes for its WaveRNN; ours includes the DDSP models' "
        "conditioning network"
    ),
    "tiny": (
        "with the paper's heads; the reverb's impulse response (a weight per sample) is counted "
        "separately"
    ),
}


def write_parameter_table(counts: pd.DataFrame, paper: dict, folder: Path) -> None:
    """Write parameters.csv (part by part), parameters.md and parameters.tex.

    Args:
        counts: rows of experiment, scale ("trained" or "paper"), part, parameters.
        paper: from `reporting.table_1.read_paper`.
        folder: of the tables.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "parameters.csv", counts.to_csv(index=False))
    table = parameter_table(counts, paper)
    parts = counts.pivot_table(
        index=["experiment", "part"], columns="scale", values="parameters", sort=False
    )[["paper", "trained"]]
    parts = (
        parts.astype(int)
        .reset_index()
        .rename(columns={"paper": "paper's sizes", "trained": "as trained"})
    )
    write_text(
        folder / "parameters.md",
        (
            "# Parameters\n"
            "\n"
            "Number of trainable parameters. Paper: the paper's figures "
            f"({paper['parameters']['source']}). Ours, paper's sizes: our models with "
            "params/paper.yaml merged. Difference: these two, relative to the paper. Ours, as "
            "trained: our models with params.yaml. Ours are counted without the reverb's impulse "
            "response; the column Reverb counts it, at the paper's sizes.\n"
            "\n"
            f"{markdown_table(table)}\n"
            "\n"
            "## Part by part\n"
            "\n"
            f"{parts.to_markdown(index=False, intfmt=',')}\n"
        ),
    )
    write_text(
        folder / "parameters.tex",
        latex_table(table, "llrrrrrl"),
    )


def parameter_table(counts: pd.DataFrame, paper: dict) -> pd.DataFrame:
    """Lay out the paper's list with our experiments; those that it lacks follow below."""
    totals = (
        counts[counts.part != "reverb"]
        .groupby(["experiment", "scale"], sort=False)
        .parameters.sum()
    )
    reverbs = (
        counts[(counts.part == "reverb") & (counts.scale == "paper")]
        .set_index("experiment")
        .parameters
    )
    experiments = [name for name, _ in totals.index]
    listed = [
        (row["label"], row["parameters"], name if name in experiments else None)
        for row in paper["parameters"]["rows"]
        for name in row["ours"] or [None]
    ]
    listed += [
        ("not in the paper's list", None, name)
        for name in dict.fromkeys(experiments)
        if name not in {entry[2] for entry in listed}
    ]
    return pd.DataFrame([_parameter_line(*entry, totals, reverbs) for entry in listed])


def _parameter_line(
    label: str, figure: int | None, name: str | None, totals: pd.Series, reverbs: pd.Series
) -> dict[str, str]:
    line = {"Model": label, "Ours": name or "", "Paper": _millions(figure)}
    if name is None:
        return line | {
            "Ours, paper's sizes": "",
            "Difference": "",
            "Reverb": "",
            "Ours, as trained": "",
            "Why": "",
        }
    ours = totals[name, "paper"]
    difference = (ours - figure) / figure if figure else 0.0
    return line | {
        "Ours, paper's sizes": _millions(ours),
        "Difference": f"{difference:+.0%}" if figure else "",
        "Reverb": f"{reverbs[name]:,}" if name in reverbs.index else "",
        "Ours, as trained": _millions(totals[name, "trained"]),
        "Why": REASONS.get(name, "part by part below") if abs(difference) > CLOSE else "",
    }


def _millions(count: int | None) -> str:
    return "" if count is None else f"{count / 1e6:.3g}M"


def both_scales(
    at_papers_sizes: pd.DataFrame, trainings: Path, experiments: list[str], seed: int
) -> pd.DataFrame:
    """Combine counts at the paper's sizes with those of the trained models.

    Args:
        at_papers_sizes: rows of experiment, part and parameters.
        trainings: folder of the summaries EXPERIMENT-SEED.json.
        experiments: names.
        seed: of the summaries to read; all seeds have the same sizes.

    Returns:
        Rows of experiment, part, parameters and scale ("paper" or "trained").
    """
    summaries = {
        name: json.loads((trainings / f"{name}-{seed}.json").read_text()) for name in experiments
    }
    trained = [
        (name, part, count)
        for name, summary in summaries.items()
        for part, count in summary["parameters"].items()
    ]
    scales = {
        "paper": at_papers_sizes,
        "trained": pd.DataFrame(trained, columns=["experiment", "part", "parameters"]),
    }
    return pd.concat(
        [rows.assign(scale=scale) for scale, rows in scales.items()], ignore_index=True
    )
