"""Aggregate rows into table cells: means and shares with intervals, paired differences, rounding.

A cell is a dict of value, 95 % interval (low, high; NaN if all examples are in one cluster),
number of examples and number of clusters. Seeds of an example are averaged first.
"""

import numpy as np
import pandas as pd

from pipeline.common.params import Params
from pipeline.reporting.columns import Metric
from pipeline.reporting.intervals import cluster_bootstrap, wilson


class TabulateConfig(Params):
    """The `tabulate` section of params.yaml."""

    bases: dict[str, str]  # by data set: the experiment that paired differences subtract
    resamples: int
    seed: int


def example_values(rows: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Return example_id, group, value and weight of each example in which the metric is defined.

    The weight is 1 for a mean. For a share of frames, value and weight are the numbers of frames
    in its numerator and its denominator.
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
    """Aggregate a metric into a cell: a mean with a bootstrap over clusters, or a share with
    Wilson's interval.
    """
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
    """Aggregate a metric minus the base's on the same examples, with an interval over clusters."""
    return _mean(paired_values(rows, base, metric), config)


def paired_values(rows: pd.DataFrame, base: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Return `example_values` of the difference from the base where both are defined.

    A share is weighted by the original's frames, which are the same for both.
    """
    values = example_values(rows, metric)
    paired = values.merge(
        example_values(base, metric),
        on=["example_id", "group"],
        validate="one_to_one",
        suffixes=("", "_base"),
    )
    return paired.assign(value=paired.value - paired.value_base)[list(values.columns)]


def _mean(values: pd.DataFrame, config: TabulateConfig) -> dict:
    if not len(values):
        return _cell(values, np.nan, np.nan, np.nan)
    # one cluster leaves nothing to resample: give no interval instead of an empty one
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
    """Name the files of reports/rows that hold a cell's rows."""
    runs = rows[["experiment", "seed"]].drop_duplicates().itertuples(index=False)
    return " ".join(sorted(name if pd.isna(seed) else f"{name}-{seed}" for name, seed in runs))


def format_cell(cell: pd.Series) -> str:
    """Round a value to two significant digits of its interval's half width.

    A value without an interval gets three decimals.
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
