"""The table of the tiny model: Table 1's cells and parameter counts, next to the full model's."""

from pathlib import Path

import pandas as pd

from pipeline.common.files import write_text
from pipeline.reporting.cells import format_cell
from pipeline.reporting.columns import METRICS, difference_name
from pipeline.reporting.layout import latex_table, markdown_table

TINY = "tiny"  # the paper's name; its full model is the base of its data set
ABOUT = (
    "The paper's tiny model (one GRU of 256 units, no MLPs) and the full model, trained alike and "
    "scored on the same test examples. Cells: value [95 % interval over pieces] n=number of "
    "examples in which the measure is defined. Differences are tiny minus full, paired by example. "
    "Parameters are counted as trained here, without the reverb's impulse response. See "
    "parameters.md for the counts at the paper's sizes, and extrapolation.md for how far both "
    "models follow f0 beyond their training range."
)


def write_tiny_table(cells: pd.DataFrame, counts: pd.DataFrame, full: str, folder: Path) -> None:
    """Write tiny.csv (the same cells as in resynthesis.csv), tiny.md and tiny.tex.

    Args:
        cells: from `reporting.table_1.resynthesis_cells`.
        counts: rows of experiment, scale, part and parameters.
        full: the experiment that is subtracted from the tiny one.
        folder: of the tables.
    """
    compared = cells[cells["row"].isin([full, TINY])]
    write_text(folder / "tiny.csv", compared.to_csv(index=False))
    trained = (
        counts[(counts.scale == "trained") & (counts.part != "reverb")]
        .groupby("experiment")
        .parameters.sum()
    )
    lines = [
        {
            "Metric": "Parameters",
            full: f"{trained[full]:,}",
            TINY: f"{trained[TINY]:,}",
            "Difference": f"{trained[TINY] / trained[full] - 1:+.0%}",
        }
    ]
    by_row = {name: compared[compared["row"] == name].set_index("metric") for name in (full, TINY)}
    lines += [
        {
            "Metric": metric.label,
            full: format_cell(by_row[full].loc[metric.name]),
            TINY: format_cell(by_row[TINY].loc[metric.name]),
            "Difference": format_cell(by_row[TINY].loc[difference_name(metric.name)]),
        }
        for metric in METRICS
    ]
    table = pd.DataFrame(lines)
    write_text(
        folder / "tiny.md",
        f"# The tiny model\n\n{ABOUT}\n\n{markdown_table(table)}\n",
    )
    write_text(folder / "tiny.tex", latex_table(table, "lrrr"))
