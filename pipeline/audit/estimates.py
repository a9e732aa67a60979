"""Means, intervals and permutation tests of examples, recomputed with NumPy."""

import itertools

import numpy as np

from pipeline.audit.checks import Columns

Z = 1.959963984540054  # normal quantile of a 95 % interval
ALL_SIGNS = 16  # clusters up to which every combination of signs is tried

Values = dict[str, tuple[str, float, float]]  # group, value and weight by example
Cell = dict[str, float]  # value, low, high, examples, clusters


def per_example(rows: Columns, column: str, denominator: str = "") -> Values:
    """Average a column over the rows of each example, its undefined values left out.

    Args:
        rows: Rows of one or more seeds.
        column: The column to average.
        denominator: The column of counts that `column` is a share of; empty for a mean.

    Returns:
        Group, value and weight by example: the weight of a mean is 1, that of a share the
        average denominator. Examples with weight 0 are left out.
    """
    values_by_example = {}
    for example in sorted(set(rows["example_id"])):
        chosen = rows["example_id"] == example
        values = rows[column][chosen]
        values = values[~np.isnan(values)]
        weight = rows[denominator][chosen].mean() if denominator else float(len(values) > 0)
        if weight > 0:
            values_by_example[example] = (rows["group"][chosen][0], values.mean(), weight)
    return values_by_example


def paired_differences(values: Values, base: Values) -> Values:
    """Subtract the base's value from each example that both have."""
    return {
        name: (group, value - base[name][1], weight)
        for name, (group, value, weight) in values.items()
        if name in base
    }


def weighted_mean(values: Values) -> float:
    """Divide the sum of values by the sum of weights; NaN without values."""
    if not values:
        return np.nan
    total = sum(value for _, value, _ in values.values())
    return total / sum(weight for *_, weight in values.values())


def bootstrap(values: Values, resamples: int, seed: int) -> tuple[float, float, float]:
    """Resample clusters for a percentile interval.

    Args:
        values: Group, value and weight by example; a group is a cluster.
        resamples: Number of bootstrap samples.
        seed: Seed of the draws.

    Returns:
        The weighted mean and the ends of its 95 % interval, which are NaN with one cluster.
    """
    sums, weights = _cluster_sums(values)
    mean = sums.sum() / weights.sum()
    if len(sums) == 1:
        return mean, np.nan, np.nan
    random = np.random.default_rng(seed)
    drawn = random.integers(len(sums), size=(resamples, len(sums)))
    means = np.sort(np.take(sums, drawn).sum(1) / np.take(weights, drawn).sum(1))
    low, high = np.percentile(means, [2.5, 97.5])
    return mean, low, high


def _cluster_sums(values: Values) -> tuple[np.ndarray, np.ndarray]:
    """Sum values and weights by group, groups in alphabetical order: [clusters] each."""
    groups = sorted({group for group, *_ in values.values()})
    sums = [sum(value for group, value, _ in values.values() if group == name) for name in groups]
    weights = [
        sum(weight for group, _, weight in values.values() if group == name) for name in groups
    ]
    return np.array(sums), np.array(weights)


def share(values: Values) -> tuple[float, float, float]:
    """Return a share and Wilson's 95 % interval, the roots of its quadratic."""
    n = len(values)
    p = weighted_mean(values)
    a = 1 + Z**2 / n
    b = -(2 * p + Z**2 / n)
    c = p**2
    root = np.sqrt(max(b**2 - 4 * a * c, 0))
    return p, max(0.0, (-b - root) / (2 * a)), min(1.0, (-b + root) / (2 * a))


def cell(values: Values, is_share: bool, tabulate: dict) -> Cell:
    """Compute a cell of a table.

    Args:
        values: Group, value and weight by example.
        is_share: Whether the interval is Wilson's; otherwise clusters are resampled.
        tabulate: The section `tabulate` of params.yaml.

    Returns:
        Value, low, high, examples and clusters; NaN and 0 where there are no examples.
    """
    if not values:
        return {"value": np.nan, "low": np.nan, "high": np.nan, "examples": 0, "clusters": 0}
    if is_share:
        value, low, high = share(values)
    else:
        value, low, high = bootstrap(values, tabulate["resamples"], tabulate["seed"])
    return {
        "value": value,
        "low": low,
        "high": high,
        "examples": len(values),
        "clusters": len({group for group, *_ in values.values()}),
    }


def permutation_p(values: Values) -> float | None:
    """Return the two-sided p over every combination of the clusters' signs.

    None where there are too many clusters to try every combination.
    """
    sums, _ = _cluster_sums(values)
    if len(sums) > ALL_SIGNS:
        return None
    totals = np.array(list(itertools.product((1, -1), repeat=len(sums)))) @ sums
    rounding = 1e-12 * np.abs(sums).sum()
    at_least = np.mean(totals >= sums.sum() - rounding)
    at_most = np.mean(totals <= sums.sum() + rounding)
    return min(1.0, 2 * min(at_least, at_most)) if len(sums) > 1 else 1.0
