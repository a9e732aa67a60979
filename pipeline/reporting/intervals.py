"""95 % intervals: a bootstrap over clusters for means, Wilson's interval for shares."""

import numpy as np
from scipy.stats import norm

LEVEL = 0.95


def cluster_bootstrap(
    values: np.ndarray, clusters: np.ndarray, weights: np.ndarray, resamples: int, seed: int
) -> tuple[float, float]:
    """Return the percentile interval of sum(values) / sum(weights) from a bootstrap.

    Whole clusters (recorded samples, pieces) are drawn with replacement. Notes of one recorded
    sample are nearly the same note, so drawing single clips would make the interval too narrow.

    Args:
        values: [n], no NaN.
        clusters: [n] labels.
        weights: [n], positive; ones for a mean.
        resamples: number of draws.
        seed: of the draws.

    Returns:
        The lower and the upper bound.
    """
    _, index = np.unique(clusters, return_inverse=True)
    sums, counts = np.bincount(index, values), np.bincount(index, weights)
    drawn = np.random.default_rng(seed).integers(len(sums), size=(resamples, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def wilson(share: float, trials: int) -> tuple[float, float]:
    """Return Wilson's score interval of a share of `trials`.

    Its upper bound is positive even for a share of 0. It is written out because SciPy's version
    takes whole counts only, and a share of frames is not a whole number of clips.
    """
    z = norm.ppf((1 + LEVEL) / 2)
    center = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return float(max(0.0, center - half)), float(min(1.0, center + half))
