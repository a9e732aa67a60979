"""Cells of tables from rows: means and shares with intervals, paired differences, rounding.

A cell is a dict of value, 95 % interval (low, high; NaN where all examples are of one cluster), examples and clusters. Seeds of an example
are averaged first.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.command import UserError
from pipeline.common.params import Params
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


def example_values(rows: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """A line per example in which the metric is defined: example_id, group, value and its weight in the mean.

    A mean has weight 1 for every example; a share of frames has their number, of which value is the part.
    """
    columns = [metric.column, *([metric.denominator] if metric.denominator else [])]
    values = rows.groupby(["example_id", "group"], as_index=False)[columns].mean()
    values["weight"] = values[metric.denominator] if metric.denominator else values[metric.column].notna().astype(float)
    return values.rename(columns={metric.column: "value"})[["example_id", "group", "value", "weight"]].query("weight > 0")


def aggregate(rows: pd.DataFrame, metric: Metric, config: TabulateConfig) -> dict:
    """One cell: a mean with a bootstrap over clusters, a share with Wilson's interval."""
    values = example_values(rows, metric)
    if metric.share and len(values):
        share = values.value.sum() / values.weight.sum()
        low, high = wilson(share, len(values))  # frames of one clip are not independent: n is the number of clips
        return _cell(values, share, low, high)
    return _mean(values, config)


def paired_difference(rows: pd.DataFrame, base: pd.DataFrame, metric: Metric, config: TabulateConfig) -> dict:
    """A metric minus the base's on the same examples, with its clustered interval."""
    return _mean(paired_values(rows, base, metric), config)


def paired_values(rows: pd.DataFrame, base: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """`example_values` of the difference to the base, where both are defined; what weighs a share is the original's own frames."""
    mine, other = (example_values(frame, metric) for frame in (rows, base))
    both = mine.merge(other, on=["example_id", "group"], validate="one_to_one", suffixes=("", "_base"))
    return both.assign(value=both.value - both.value_base)[list(mine.columns)]


def difference_name(name: str) -> str:
    """What a metric's paired difference is called."""
    return f"{name}_minus_base"


def _mean(values: pd.DataFrame, config: TabulateConfig) -> dict:
    if not len(values):
        return _cell(values, np.nan, np.nan, np.nan)
    if values["group"].nunique() == 1:  # nothing to draw from: no interval, rather than one of no width
        return _cell(values, values.value.sum() / values.weight.sum(), np.nan, np.nan)
    bounds = cluster_bootstrap(*(values[name].to_numpy() for name in ("value", "group", "weight")), config.resamples, config.seed)
    return _cell(values, values.value.sum() / values.weight.sum(), *bounds)


def _cell(values: pd.DataFrame, value: float, low: float, high: float) -> dict:
    return {"value": value, "low": low, "high": high, "examples": len(values), "clusters": values["group"].nunique()}


def row_files(rows: pd.DataFrame) -> str:
    """The key to a cell's rows: the files of reports/rows they stand in."""
    known = rows[["experiment", "seed"]].drop_duplicates().itertuples(index=False)
    return " ".join(sorted(name if pd.isna(seed) else f"{name}-{seed}" for name, seed in known))


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


def check_bases(bases: dict[str, str], order: dict[str, list[str]], path: Path) -> None:
    """Stop unless every base is an experiment on its data set."""
    for data, base in bases.items():
        known = [name for name in order.get(data, []) if "@" not in name]
        if base not in known:
            raise UserError(f"{path}: tabulate.bases.{data}: '{base}' is no experiment on that data set; known: {', '.join(known) or 'none'}")


def format_cell(cell: pd.Series) -> str:
    """A value rounded by its interval: two significant digits of the interval's half width. Without an interval to three decimals."""
    if pd.isna(cell["value"]):
        return "undefined"
    if pd.isna(cell["low"]):
        return f"{cell['value']:.3f} n={cell['examples']:.0f}"
    half = (cell["high"] - cell["low"]) / 2
    digits = int(np.clip(1 - np.floor(np.log10(half)), 0, 5)) if half > 0 else 3
    return f"{cell['value']:.{digits}f} [{cell['low']:.{digits}f}, {cell['high']:.{digits}f}] n={cell['examples']:.0f}"
