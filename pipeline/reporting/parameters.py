"""The table of parameters: how large the models are beside the paper's."""

import json
from pathlib import Path

import pandas as pd

from pipeline.common.files import write_text

CLOSE = 0.1  # relative difference from the paper's count up to which no reason is owed
REASONS = {
    "wavernn": (
        "the paper gives no layer sizes for its WaveRNN; ours has the DDSP models' conditioning "
        "network under it"
    ),
    "tiny": (
        "with the paper's heads; the reverb's impulse response (a weight per sample) is counted "
        "apart"
    ),
}


def write_parameter_table(counts: pd.DataFrame, paper: dict, folder: Path) -> None:
    """Write parameters.csv (part by part), .md and .tex: the paper's list, ours at the paper's
    sizes, ours as trained.

    Args:
        counts: rows of experiment, scale ("trained" or "paper"), part, parameters.
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
            f"The paper's figures: {paper['parameters']['source']}. Ours: trainable parameters "
            "without the reverb's impulse response, which has its own column; at the paper's "
            "sizes (params/paper.yaml merged) and as trained here (params.yaml).\n"
            "\n"
            f"{table.to_markdown(index=False, disable_numparse=True)}\n"
            "\n"
            "## Part by part\n"
            "\n"
            f"{parts.to_markdown(index=False, intfmt=',')}\n"
        ),
    )
    write_text(
        folder / "parameters.tex",
        table.to_latex(index=False, escape=True, column_format="llrrrrrl"),
    )


def parameter_table(counts: pd.DataFrame, paper: dict) -> pd.DataFrame:
    """The paper's list with our experiments beside it, those that the paper does not count
    below.
    """
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
    listed = [
        (row["label"], row["parameters"], name)
        for row in paper["parameters"]["rows"]
        for name in row["ours"] or [None]
    ]
    known = [name for name, _ in totals.index]
    listed = [(label, figure, name if name in known else None) for label, figure, name in listed]
    listed += [
        ("not in the paper's list", None, name)
        for name in dict.fromkeys(known)
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
    """Rows of experiment, part, parameters and scale: "paper" as given, "trained" from the
    summaries of one seed's trainings.
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
