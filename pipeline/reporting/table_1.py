"""Table 1 with the paper's figures and ours, in CSV, Markdown and LaTeX; metrics.json."""

from pathlib import Path

import pandas as pd

from pipeline.common.files import write_json, write_text
from pipeline.common.yaml_files import read_yaml
from pipeline.reporting.cells import (
    TabulateConfig,
    aggregate,
    format_cell,
    paired_difference,
    row_files,
)
from pipeline.reporting.columns import METRICS, PAPER_METRICS, TABLE_1, difference_name
from pipeline.reporting.layout import latex_table, latex_text, markdown_table, markdown_text

# metrics whose paired differences are printed
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
    """Aggregate rows into a long table: one line per row name and metric.

    Args:
        rows: of all experiments, yardsticks and seeds.
        order: row names by data set.
        config: names the base of each data set that has one; paired differences subtract it.
    """
    cells = []
    for data, names in order.items():
        base = rows[rows.experiment == config.bases.get(data)]
        for name in names:
            of_name = rows[rows.experiment == name]
            keys = {"data": data, "row": name, "seeds": of_name.seed.nunique()}
            sources = row_files(of_name)
            paired_sources = row_files(pd.concat([of_name, base]))
            cells += [
                keys
                | {"metric": metric.name}
                | aggregate(of_name, metric, config)
                | {"rows": sources}
                for metric in METRICS
            ]
            cells += [
                keys
                | {"metric": difference_name(metric.name)}
                | paired_difference(of_name, base, metric, config)
                | {"rows": paired_sources}
                for metric in METRICS
            ]
    return pd.DataFrame(cells)


def read_paper(path: Path) -> dict:
    """Read the paper's figures with the section and table that they come from."""
    return read_yaml(path)


def write_resynthesis_table(
    cells: pd.DataFrame,
    order: dict[str, list[str]],
    bases: dict[str, str],
    paper: dict,
    notes: list[str],
    folder: Path,
) -> None:
    """Write resynthesis.csv (full precision), resynthesis.md and resynthesis.tex (rounded).

    Args:
        cells: from `resynthesis_cells`.
        order: row names by data set.
        bases: experiment by data set that paired differences subtract.
        paper: from `read_paper`.
        notes: remarks printed below the table.
        folder: of the tables.
    """
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
    rows = {
        name: of_name.set_index("metric").value
        for name, of_name in cells.groupby("row", sort=False)
    }
    write_json(
        path,
        {
            name: {
                metric: None if pd.isna(value) else round(value, 6)
                for metric, value in values.items()
            }
            for name, values in rows.items()
        },
    )


def table_1(cells: pd.DataFrame, order: dict[str, list[str]], paper: dict) -> pd.DataFrame:
    """Lay out the paper's Table 1 with our rows below the paper's."""
    labels = {metric.name: metric.label for metric in METRICS}
    heads = {name: labels[name] for name in TABLE_1}
    lines = [
        {"Model": row["label"], "Source": "paper", "Data": "NSynth"}
        | {head: f"{row[name]:g}" if name in PAPER_METRICS else "" for name, head in heads.items()}
        for row in paper["table_1"]["rows"]
    ]
    for data, names in order.items():
        for name in names:
            by_metric = cells[cells["row"] == name].set_index("metric")
            shown = {head: format_cell(by_metric.loc[metric]) for metric, head in heads.items()}
            lines.append({"Model": display_name(name), "Source": "ours", "Data": data} | shown)
    return pd.DataFrame(lines)


def display_name(name: str) -> str:
    """Return a row's name as tables show it."""
    return NAMES.get(name.split("@")[0], name)


def detail_table(cells: pd.DataFrame, names: list[str], base: str) -> pd.DataFrame:
    """Lay out every metric (lines) of the named rows (columns), and differences from the base."""
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
    remarks = "\n".join(f"- {markdown_text(note)}" for note in notes)
    tables = "\n\n".join(
        f"### Data set `{data}`\n\n{markdown_table(table)}" for data, table in details.items()
    )
    return (
        "# Resynthesis accuracy (the paper's Table 1)\n"
        "\n"
        "Lower is better in all four columns. Our cells: value [95 % interval] n=number of test "
        "examples in which the measure is defined. The paper's figures stand in the columns of the "
        "authors' code of its time, 0.0.6.\n"
        "\n"
        f"{markdown_table(layout)}\n"
        "\n"
        "## All metrics\n"
        "\n"
        "Lower is better, except for RPA and RCA (raw pitch and raw chroma accuracy), where higher "
        "is better, and loudness bias, where 0 is best.\n"
        "\n"
        f"{tables}\n"
        "\n"
        "## Differences from the paper, and limits\n"
        "\n"
        f"{remarks}\n"
    )


def _latex(layout: pd.DataFrame, notes: list[str]) -> str:
    table = latex_table(layout, "lll" + "r" * len(TABLE_1))
    remarks = "".join(f"\\item {latex_text(note)}\n" for note in notes)
    return f"{table}\n\\begin{{itemize}}\n{remarks}\\end{{itemize}}\n"
