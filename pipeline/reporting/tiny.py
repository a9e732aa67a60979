"""The tiny model beside the full one: a view of Table 1's cells, with the number of parameters."""

from pathlib import Path

import pandas as pd

from pipeline.common.files import write_text
from pipeline.reporting.cells import format_cell
from pipeline.reporting.columns import METRICS, difference_name

TINY = "tiny"  # as the paper calls it; its full model is the base of its data set
ABOUT = (
    "The paper's tiny model (one GRU of 256 units, no MLPs) beside the full one, trained alike. "
    "Both were scored on the same test examples; differences are paired by example: value [95 % "
    "interval over pieces] n=number of examples in which the figure is defined. Parameters are "
    "as trained here, without the reverb's impulse response; at the paper's sizes: "
    "parameters.md. How far both can be led beyond what they were trained on: extrapolation.md."
)


def write_tiny_table(cells: pd.DataFrame, counts: pd.DataFrame, full: str, folder: Path) -> None:
    """Write tiny.csv (the cells as they stand in resynthesis.csv), .md and .tex.

    Args:
        cells: from `reporting.table_1.resynthesis_cells`.
        counts: rows of experiment, scale, part and parameters.
        full: the experiment that the tiny one's differences are taken from.
    """
    mine = cells[cells["row"].isin([full, TINY])]
    write_text(folder / "tiny.csv", mine.to_csv(index=False))
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
    by_row = {name: mine[mine["row"] == name].set_index("metric") for name in (full, TINY)}
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
        f"# The tiny model\n\n{ABOUT}\n\n{table.to_markdown(index=False, disable_numparse=True)}\n",
    )
    write_text(folder / "tiny.tex", table.to_latex(index=False, escape=True, column_format="lrrr"))
