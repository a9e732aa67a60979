"""Cells of tables from rows: means and shares with intervals, paired differences, rounding.
A cell is a dict of value, 95 % interval (low, high; NaN where all examples are of one cluster),
examples and clusters. Seeds of an example are averaged first.
"""

import numpy as np
import pandas as pd

from pipeline.common.params import Params
from pipeline.reporting.columns import Metric
from pipeline.reporting.intervals import cluster_bootstrap, wilson


class TabulateConfig(Params):
    """The `tabulate` section of params.yaml."""

    bases: dict[str, str]  # per data set the experiment that paired differences are taken from
    resamples: int
    seed: int


def example_values(rows: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """A line per example in which the metric is defined: example_id, group, value and its weight in
    the mean.

    A mean has weight 1 for every example; a share of frames has their number, of which value is the
    part.
    """
    columns = [metric.column, *([metric.denominator] if metric.denominator else [])]
    values = rows.groupby(["example_id", "group"], as_index=False)[columns].mean()
    values["weight"] = (
        values[metric.denominator]
        if metric.denominator
        else values[metric.column].notna().astype(float)
    )
    return values.rename(columns={metric.column: "value"})[
        ["example_id", "group", "value", "weight"]
    ].query("weight > 0")


def aggregate(rows: pd.DataFrame, metric: Metric, config: TabulateConfig) -> dict:
    """One cell: a mean with a bootstrap over clusters, a share with Wilson's interval."""
    values = example_values(rows, metric)
    if metric.share and len(values):
        share = values.value.sum() / values.weight.sum()
        # frames of one clip are not independent: n is the number of clips
        low, high = wilson(share, len(values))
        return _cell(values, share, low, high)
    return _mean(values, config)


def paired_difference(
    rows: pd.DataFrame, base: pd.DataFrame, metric: Metric, config: TabulateConfig
) -> dict:
    """A metric minus the base's on the same examples, with its clustered interval."""
    return _mean(paired_values(rows, base, metric), config)


def paired_values(rows: pd.DataFrame, base: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """`example_values` of the difference to the base, where both are defined; what weighs a
    share is the original's own frames.
    """
    mine, other = (example_values(frame, metric) for frame in (rows, base))
    both = mine.merge(
        other, on=["example_id", "group"], validate="one_to_one", suffixes=("", "_base")
    )
    return both.assign(value=both.value - both.value_base)[list(mine.columns)]


def _mean(values: pd.DataFrame, config: TabulateConfig) -> dict:
    if not len(values):
        return _cell(values, np.nan, np.nan, np.nan)
    # nothing to draw from: no interval, rather than one of no width
    if values["group"].nunique() == 1:
        return _cell(values, values.value.sum() / values.weight.sum(), np.nan, np.nan)
    bounds = cluster_bootstrap(
        *(values[name].to_numpy() for name in ("value", "group", "weight")),
        config.resamples,
        config.seed,
    )
    return _cell(values, values.value.sum() / values.weight.sum(), *bounds)


def _cell(values: pd.DataFrame, value: float, low: float, high: float) -> dict:
    return {
        "value": value,
        "low": low,
        "high": high,
        "examples": len(values),
        "clusters": values["group"].nunique(),
    }


def row_files(rows: pd.DataFrame) -> str:
    """The key to a cell's rows: the files of reports/rows they stand in."""
    known = rows[["experiment", "seed"]].drop_duplicates().itertuples(index=False)
    return " ".join(sorted(name if pd.isna(seed) else f"{name}-{seed}" for name, seed in known))


def format_cell(cell: pd.Series) -> str:
    """A value rounded by its interval: two significant digits of the interval's half width.
    Without an interval to three decimals.
    """
    if pd.isna(cell["value"]):
        return "undefined"
    if pd.isna(cell["low"]):
        return f"{cell['value']:.3f} n={cell['examples']:.0f}"
    half = (cell["high"] - cell["low"]) / 2
    digits = int(np.clip(1 - np.floor(np.log10(half)), 0, 5)) if half > 0 else 3
    return (
        f"{cell['value']:.{digits}f} [{cell['low']:.{digits}f}, {cell['high']:.{digits}f}] "
        f"n={cell['examples']:.0f}"
    )
