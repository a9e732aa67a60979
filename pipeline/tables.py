"""Tables from rows: aggregation with intervals, and Table 1's layout in CSV, Markdown and LaTeX."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import yaml

from pipeline.command import UserError
from pipeline.config import Params
from pipeline.files import write_json, write_text
from pipeline.intervals import cluster_bootstrap, wilson


class TabulateConfig(Params):
    """The `tabulate` section of params.yaml."""

    bases: dict[str, str]  # per data set the experiment that paired differences are taken from
    resamples: int
    seed: int


class Metric(NamedTuple):
    """A figure of the tables: the mean of a column of the rows, or a share with a numerator and a denominator column."""

    name: str
    label: str
    column: str
    denominator: str | None = None  # for shares of frames
    share: bool = False


METRICS = (
    Metric("loudness_l1_std", "Loudness L1 (std)", "loudness_l1_std"),
    Metric("f0_l1", "F0 L1 (semitones)", "f0_l1"),
    Metric("outlier_frames_paper", "F0 outliers (paper, frames)", "frames_outlier_paper", "frames_pitched", share=True),
    Metric("outlier_clips_paper", "F0 outliers (paper, clips)", "outlier_clips_paper", share=True),
    Metric("outlier_frames_code", "F0 outliers (code, frames)", "frames_outlier_code", "frames_pitched", share=True),
    Metric("outlier_clips_code", "F0 outliers (code, clips)", "outlier_clips_code", share=True),
    Metric("f0_l1_without_outliers", "F0 L1 without outliers", "f0_l1_without_outliers"),
    Metric("loudness_l1_db", "Loudness L1 (dB)", "loudness_l1_db"),
    Metric("loudness_l1_db_sounding", "Loudness L1 (dB, sounding)", "loudness_l1_db_sounding"),
    Metric("loudness_bias_db_sounding", "Loudness bias (dB, sounding)", "loudness_bias_db_sounding"),
    Metric("rpa_crepe", "RPA vs CREPE", "rpa_crepe"),
    Metric("rca_crepe", "RCA vs CREPE", "rca_crepe"),
    Metric("rpa_true", "RPA vs true f0", "rpa_true"),
    Metric("rca_true", "RCA vs true f0", "rca_true"),
    Metric("spectral_loss", "Spectral loss", "spectral_loss"),
)  # fmt: skip
PAPER_METRICS = ("loudness_l1_std", "f0_l1", "outlier_frames_paper")
PAIRED = ("spectral_loss", "loudness_l1_db_sounding")  # metrics with a paired difference to the base
NAMES = {
    "original_retracked": "Original, tracked again (F0 floor)",
    "nearest_note": "Nearest training note, repitched",
    "mean_spectrum": "Instrument's mean spectrum",
}


def aggregate(rows: pd.DataFrame, metric: Metric, config: TabulateConfig) -> dict:
    """One cell: value, 95 % interval, number of examples and of clusters; seeds of an example are averaged first."""
    columns = [metric.column, *([metric.denominator] if metric.denominator else [])]
    by_example = rows.groupby(["example_id", "group"], as_index=False)[columns].mean()
    if metric.denominator:
        defined = by_example[by_example[metric.denominator] > 0]
        value = defined[metric.column].sum() / defined[metric.denominator].sum() if len(defined) else np.nan
    else:
        defined = by_example.dropna(subset=[metric.column])
        value = defined[metric.column].mean()
    cell = {"value": value, "low": np.nan, "high": np.nan, "examples": len(defined), "clusters": defined["group"].nunique()}
    if len(defined):
        bounds = (
            wilson(value, len(defined))  # frames of one clip are not independent: n is the number of clips
            if metric.share
            else cluster_bootstrap(defined[metric.column].to_numpy(), defined["group"].to_numpy(), config.resamples, config.seed)
        )
        cell["low"], cell["high"] = bounds
    return cell


def difference_name(column: str) -> str:
    """What a metric's paired difference is called."""
    return f"{column}_minus_base"


def paired_difference(rows: pd.DataFrame, base: pd.DataFrame, column: str, config: TabulateConfig) -> dict:
    """A metric minus the base's on the same examples, with its clustered interval."""
    mine, other = (frame.groupby(["example_id", "group"], as_index=False)[column].mean() for frame in (rows, base))
    both = mine.merge(other, on=["example_id", "group"], validate="one_to_one", suffixes=("", "_base"))
    difference = both.assign(difference=both[column] - both[f"{column}_base"])
    return aggregate(difference, Metric(difference_name(column), "", "difference"), config)


def check_rows(rows: pd.DataFrame, expected: dict[str, list[str]], seeds: list[int]) -> None:
    """Stop unless the rows are exactly the expected data sets x rows x seeds x the data set's examples, each once."""
    found, wanted = set(zip(rows.data, rows.experiment)), {(data, name) for data, names in expected.items() for name in names}
    if found != wanted:
        missing, extra = sorted(wanted - found), sorted(found - wanted)
        raise UserError(f"rows: missing {missing or 'nothing'}, unexpected {extra or 'nothing'}; run `dvc repro evaluate`")
    examples = rows.groupby("data").example_id.agg(set)
    for (data, name, seed), group in rows.groupby(["data", "experiment", "seed"], dropna=False):
        if set(group.example_id) != examples[data] or len(group) != len(examples[data]):
            raise UserError(f"rows: {name}, seed {seed}: {len(group)} rows for {len(examples[data])} examples; run `dvc repro evaluate`")
    for name in rows[~rows.experiment.str.contains("@")].experiment.unique():
        held = set(rows[rows.experiment == name].seed)
        if held != set(seeds):
            raise UserError(f"rows: {name}: holds seeds {sorted(held)}, params.yaml names {seeds}; run `dvc repro evaluate`")


def resynthesis_cells(rows: pd.DataFrame, order: dict[str, list[str]], config: TabulateConfig) -> pd.DataFrame:
    """Long table: a line per row name and metric; paired differences are to the base of the row's data set, if it has one."""
    cells = []
    for data, names in order.items():
        base = rows[rows.experiment == config.bases.get(data)]
        for name in names:
            mine = rows[rows.experiment == name]
            of_row = {"data": data, "row": name, "seeds": mine.seed.nunique()}
            cells += [of_row | {"metric": metric.name} | aggregate(mine, metric, config) for metric in METRICS]
            cells += [of_row | {"metric": difference_name(column)} | paired_difference(mine, base, column, config) for column in PAIRED]
    return pd.DataFrame(cells)


def check_bases(bases: dict[str, str], order: dict[str, list[str]], path: Path) -> None:
    """Stop unless every base is an experiment on its data set."""
    for data, base in bases.items():
        known = [name for name in order.get(data, []) if "@" not in name]
        if base not in known:
            raise UserError(f"{path}: tabulate.bases.{data}: '{base}' is no experiment on that data set; known: {', '.join(known) or 'none'}")


def read_paper(path: Path) -> dict:
    """The paper's figures, with section and table named."""
    return yaml.safe_load(path.read_text())


def write_resynthesis_table(rows: pd.DataFrame, order: dict[str, list[str]], config: TabulateConfig, paper: dict, notes: list[str],
                            folder: Path, metrics: Path) -> None:  # fmt: skip
    """Write resynthesis.csv (full precision), .md and .tex (rounded), and metrics.json for `dvc metrics diff`."""
    cells = resynthesis_cells(rows, order, config)
    in_paper = [
        {"row": row["row"], "metric": name, "value": row[name], "source": paper["table_1"]["source"]}
        for row in paper["table_1"]["rows"]
        for name in PAPER_METRICS
    ]
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "resynthesis.csv", pd.concat([pd.DataFrame(in_paper), cells]).to_csv(index=False))
    layout = table_1(cells, order, paper)
    details = {data: detail_table(cells, names, config.bases.get(data, "none")) for data, names in order.items()}
    write_text(folder / "resynthesis.md", _markdown(layout, details, notes))
    write_text(folder / "resynthesis.tex", _latex(layout, notes))
    wide = cells.pivot(index="row", columns="metric", values="value").loc[[name for names in order.values() for name in names]]
    values = {name: {k: None if pd.isna(v) else round(v, 6) for k, v in row.items()} for name, row in wide.to_dict("index").items()}
    write_json(metrics, values)


def table_1(cells: pd.DataFrame, order: dict[str, list[str]], paper: dict) -> pd.DataFrame:
    """The paper's Table 1 with our rows below its own."""
    heads = {metric.name: metric.label for metric in METRICS if metric.name in PAPER_METRICS}
    lines = [
        {"Model": row["label"], "Source": "paper", "Data": "NSynth"} | {heads[name]: f"{row[name]:g}" for name in PAPER_METRICS}
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
    labels |= {difference_name(column): f"{labels[column]} minus `{base}` (paired)" for column in PAIRED}
    columns = {
        display_name(name): [format_cell(cells[(cells["row"] == name) & (cells.metric == metric)].iloc[0]) for metric in labels]
        for name in names
    }
    return pd.DataFrame({"Metric": list(labels.values())} | columns)


def format_cell(cell: pd.Series) -> str:
    """A value rounded by its interval: two significant digits of the interval's half width."""
    if pd.isna(cell["value"]):
        return "undefined"
    half = (cell["high"] - cell["low"]) / 2
    digits = int(np.clip(1 - np.floor(np.log10(half)), 0, 5)) if half > 0 else 3
    return f"{cell['value']:.{digits}f} [{cell['low']:.{digits}f}, {cell['high']:.{digits}f}] n={cell['examples']:.0f}"


def _markdown(layout: pd.DataFrame, details: dict[str, pd.DataFrame], notes: list[str]) -> str:
    remarks = "\n".join(f"- {note}" for note in notes)
    tables = {data: table.to_markdown(index=False, disable_numparse=True) for data, table in details.items()}
    every = "\n\n".join(f"### Data set `{data}`\n\n{table}" for data, table in tables.items())
    return (
        "# Resynthesis accuracy (the paper's Table 1)\n\nLower is better. Ours: value [95 % interval] n=number of test examples in which the "
        "figure is defined.\n\n"
        f"{layout.to_markdown(index=False, disable_numparse=True)}\n\n## Every metric\n\n"
        f"{every}\n\n## What differs, and what this can show\n\n{remarks}\n"
    )


def _latex(layout: pd.DataFrame, notes: list[str]) -> str:
    table = layout.to_latex(index=False, escape=True, column_format="lllrrr")
    remarks = "".join(f"\\item {_escape(note)}\n" for note in notes)
    return f"{table}\n\\begin{{itemize}}\n{remarks}\\end{{itemize}}\n"


def _escape(text: str) -> str:
    """Plain text for LaTeX; pandas escapes cells only."""
    return text.replace("_", "\\_").replace("%", "\\%").replace("{", "\\{").replace("}", "\\}")
