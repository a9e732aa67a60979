"""Table 1 beside the paper's figures, in CSV, Markdown and LaTeX; metrics.json."""

import re
from pathlib import Path

import pandas as pd
import yaml

from pipeline.common.files import write_json, write_text
from pipeline.reporting.cells import (
    TabulateConfig,
    aggregate,
    format_cell,
    paired_difference,
    row_files,
)
from pipeline.reporting.columns import METRICS, PAPER_METRICS, difference_name

# differences that are printed
PAIRED = [
    metric for metric in METRICS if metric.name in ("spectral_loss", "loudness_l1_db_sounding")
]
NAMES = {
    "original_retracked": "Original, tracked again (F0 floor)",
    "nearest_note": "Nearest training note, repitched",
    "mean_spectrum": "Instrument's mean spectrum",
}


def resynthesis_cells(
    rows: pd.DataFrame, order: dict[str, list[str]], config: TabulateConfig
) -> pd.DataFrame:
    """Long table: a line per row name and metric; paired differences are to the base of the
    row's data set, if it has one.
    """
    cells = []
    for data, names in order.items():
        base = rows[rows.experiment == config.bases.get(data)]
        for name in names:
            mine = rows[rows.experiment == name]
            of_row, behind, both = (
                {"data": data, "row": name, "seeds": mine.seed.nunique()},
                row_files(mine),
                row_files(pd.concat([mine, base])),
            )
            cells += [
                of_row
                | {"metric": metric.name}
                | aggregate(mine, metric, config)
                | {"rows": behind}
                for metric in METRICS
            ]
            cells += [
                of_row
                | {"metric": difference_name(metric.name)}
                | paired_difference(mine, base, metric, config)
                | {"rows": both}
                for metric in METRICS
            ]
    return pd.DataFrame(cells)


def read_paper(path: Path) -> dict:
    """The paper's figures, with section and table named."""
    return yaml.safe_load(path.read_text())


def write_resynthesis_table(
    cells: pd.DataFrame,
    order: dict[str, list[str]],
    bases: dict[str, str],
    paper: dict,
    notes: list[str],
    folder: Path,
) -> None:
    """Write resynthesis.csv (full precision), .md and .tex (rounded) from `resynthesis_cells`."""
    in_paper = [
        {
            "row": row["row"],
            "metric": name,
            "value": row[name],
            "source": paper["table_1"]["source"],
        }
        for row in paper["table_1"]["rows"]
        for name in PAPER_METRICS
    ]
    folder.mkdir(parents=True, exist_ok=True)
    write_text(
        folder / "resynthesis.csv", pd.concat([pd.DataFrame(in_paper), cells]).to_csv(index=False)
    )
    layout = table_1(cells, order, paper)
    details = {
        data: detail_table(cells, names, bases.get(data, "none")) for data, names in order.items()
    }
    write_text(folder / "resynthesis.md", _markdown(layout, details, notes))
    write_text(folder / "resynthesis.tex", _latex(layout, notes))


def write_metrics(cells: pd.DataFrame, path: Path) -> None:
    """Write {row: {metric: value}} for `dvc metrics diff`."""
    rows = {name: mine.set_index("metric").value for name, mine in cells.groupby("row", sort=False)}
    write_json(
        path,
        {
            name: {k: None if pd.isna(v) else round(v, 6) for k, v in values.items()}
            for name, values in rows.items()
        },
    )


def table_1(cells: pd.DataFrame, order: dict[str, list[str]], paper: dict) -> pd.DataFrame:
    """The paper's Table 1 with our rows below its own."""
    heads = {metric.name: metric.label for metric in METRICS if metric.name in PAPER_METRICS}
    lines = [
        {"Model": row["label"], "Source": "paper", "Data": "NSynth"}
        | {heads[name]: f"{row[name]:g}" for name in PAPER_METRICS}
        for row in paper["table_1"]["rows"]
    ]
    for data, names in order.items():
        for name in names:
            mine = cells[cells["row"] == name].set_index("metric")
            shown = {heads[metric]: format_cell(mine.loc[metric]) for metric in PAPER_METRICS}
            lines.append({"Model": display_name(name), "Source": "ours", "Data": data} | shown)
    return pd.DataFrame(lines)


def display_name(name: str) -> str:
    """A row's name as tables show it."""
    return NAMES.get(name.split("@")[0], name)


def detail_table(cells: pd.DataFrame, names: list[str], base: str) -> pd.DataFrame:
    """Every metric (lines) of the named rows (columns)."""
    labels = {metric.name: metric.label for metric in METRICS}
    labels |= {
        difference_name(metric.name): f"{metric.label} minus `{base}` (paired)" for metric in PAIRED
    }
    columns = {
        display_name(name): [
            format_cell(cells[(cells["row"] == name) & (cells.metric == metric)].iloc[0])
            for metric in labels
        ]
        for name in names
    }
    return pd.DataFrame({"Metric": list(labels.values())} | columns)


def _markdown(layout: pd.DataFrame, details: dict[str, pd.DataFrame], notes: list[str]) -> str:
    remarks = "\n".join(f"- {note}" for note in notes)
    tables = {
        data: table.to_markdown(index=False, disable_numparse=True)
        for data, table in details.items()
    }
    every = "\n\n".join(f"### Data set `{data}`\n\n{table}" for data, table in tables.items())
    return (
        "# Resynthesis accuracy (the paper's Table 1)\n"
        "\n"
        "Lower is better. Ours: value [95 % interval] n=number of test examples in which the "
        "figure is defined.\n"
        "\n"
        f"{layout.to_markdown(index=False, disable_numparse=True)}\n"
        "\n"
        "## Every metric\n"
        "\n"
        f"{every}\n"
        "\n"
        "## What differs, and what this can show\n"
        "\n"
        f"{remarks}\n"
    )


def _latex(layout: pd.DataFrame, notes: list[str]) -> str:
    table = layout.to_latex(index=False, escape=True, column_format="lllrrr")
    remarks = "".join(f"\\item {_escape(note)}\n" for note in notes)
    return f"{table}\n\\begin{{itemize}}\n{remarks}\\end{{itemize}}\n"


def _escape(text: str) -> str:
    """Plain text for LaTeX; pandas escapes cells only."""
    return re.sub(r"[&%$#_{}]", lambda special: f"\\{special[0]}", text)
