"""95 % intervals: a bootstrap over clusters for means, Wilson's for shares."""

import numpy as np
from scipy.stats import binomtest

LEVEL = 0.95


def cluster_bootstrap(values: np.ndarray, clusters: np.ndarray, resamples: int, seed: int) -> tuple[float, float]:
    """Percentile interval of a mean when whole clusters (sample zones, pieces) are drawn with replacement.

    Notes of one recorded sample are nearly the same note: drawing clips would make the interval too narrow.

    Args:
        values: [n], no NaN; clusters: [n] labels.
    """
    _, index = np.unique(clusters, return_inverse=True)
    sums, counts = np.bincount(index, values), np.bincount(index)
    drawn = np.random.default_rng(seed).integers(len(sums), size=(resamples, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def wilson(share: float, trials: int) -> tuple[float, float]:
    """Wilson's score interval of a share of `trials`: zero of 64 is not zero."""
    interval = binomtest(round(share * trials), trials).proportion_ci(LEVEL, method="wilson")
    return float(interval.low), float(interval.high)
