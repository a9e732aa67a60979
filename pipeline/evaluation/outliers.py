"""F0 outliers by clip, as two versions of the authors' code define them.

Both call a sound untrackable if CREPE's confidence stays below 0.85 in all of its frames, and
measure F0 L1 over the frames in which the original's confidence is at least 0.85.
"""

import numpy as np

from pipeline.common.units import CONFIDENCE_THRESHOLD

OUTLIER_SEMITONES = 12.0


def outlier_0_0_6(original: np.ndarray, resynthesis: np.ndarray, f0_l1: float) -> float:
    """Classify a clip as version 0.0.6, of the paper's time, does.

    Source: `MetricsWriter` in ddsp/training/eval_util.py. A clip is an outlier if its original or
    its resynthesis is untrackable, or if F0 L1 is over 12 semitones. The mean over clips is the
    source's outlier ratio.

    Args:
        original: [frames] CREPE's confidence on the original.
        resynthesis: [frames] CREPE's confidence on the resynthesis.
        f0_l1: in semitones; NaN if it is undefined.

    Returns:
        1 for an outlier, else 0; NaN, a clip that the source counts nowhere, if both sounds are
        trackable and F0 L1 is NaN.
    """
    if untrackable(original) or untrackable(resynthesis):
        return 1.0
    return np.nan if np.isnan(f0_l1) else float(f0_l1 > OUTLIER_SEMITONES)


def outlier_3_7(original: np.ndarray, f0_l1: float) -> float:
    """Classify a clip as version 3.7 does.

    Source: `F0CrepeMetrics` in ddsp/training/metrics.py. A clip is an outlier if F0 L1 is over 12
    semitones; the confidence on the resynthesis does not matter.

    Args:
        original: [frames] CREPE's confidence on the original.
        f0_l1: in semitones.

    Returns:
        1 for an outlier, else 0, also for an F0 L1 of NaN; NaN if the original is untrackable,
        a clip that the source drops.
    """
    return np.nan if untrackable(original) else float(f0_l1 > OUTLIER_SEMITONES)


def untrackable(confidence: np.ndarray) -> bool:
    """Tell whether CREPE is confident of a pitch in no frame: [frames] -> bool."""
    return bool(confidence.max() < CONFIDENCE_THRESHOLD)
