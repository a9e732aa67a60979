"""Measure how closely a sound follows its conditioning, for f0 and loudness that no recording has.

Conventions are those of `pipeline.evaluation.metrics`, with the conditioning in place of the
original:
* Loudness L1: mean |difference| to the conditioned loudness at 250 Hz, dB, over the frames
  conditioned above -70 dB.
* F0 L1: mean |difference| to the conditioned f0 in semitones, over the coarse frames that are
  pitched in the original or in both originals (by CREPE's confidence) and whose conditioned f0 is
  within CREPE's range, 32.7 to 1975.5 Hz.
* F0 outliers: share of these frames with confidence below 0.85 on the output.
* Spectral centroid: mean over the sounding frames, in Hz; and as a multiple of the conditioned f0,
  over sounding pitched frames.
"""

import numpy as np

from pipeline.audio.clips import Clip
from pipeline.common.units import CONFIDENCE_THRESHOLD, SOUNDING_DB
from pipeline.evaluation.centroid import spectral_centroid
from pipeline.evaluation.metrics import coarse_grid, mean, semitone_distance
from pipeline.studies.conditions import Condition

TRACKABLE_HZ = (32.70, 1975.5)  # CREPE's range, C1 to B6 (Kim et al. 2018)


def follow(condition: Condition, clip: Clip, step_ms: int) -> dict[str, float]:
    """Compare a clip with its conditioning.

    Args:
        condition: the conditioning.
        clip: the tracked output.
        step_ms: between its coarse f0 frames.

    Returns:
        A flat dict of measures, NaN if undefined, and of the counts of frames behind them.
    """
    grid = coarse_grid(clip, step_ms)
    conditioned_hz = condition.f0_hz[grid]
    trackable = (conditioned_hz >= TRACKABLE_HZ[0]) & (conditioned_hz <= TRACKABLE_HZ[1])
    pitched = condition.pitched & trackable
    sounding = condition.loudness_db > SOUNDING_DB
    centroid = spectral_centroid(clip.audio)
    audible = clip.loudness_db > SOUNDING_DB
    return {
        "loudness_l1_db": mean(np.abs(clip.loudness_db - condition.loudness_db)[sounding]),
        "f0_l1": mean(semitone_distance(conditioned_hz, clip.f0_hz)[pitched]),
        "frames_sounding": int(sounding.sum()),
        "frames_pitched": int(pitched.sum()),
        "frames_asked": int(condition.pitched.sum()),
        "frames_beyond": int((condition.pitched & ~trackable).sum()),
        "frames_outlier": int((clip.confidence[pitched] < CONFIDENCE_THRESHOLD).sum()),
        "frames_heard": int(audible.sum()),
        "centroid_hz": mean(centroid[audible]),
        "centroid_harmonics": mean(
            (centroid[grid] / conditioned_hz)[condition.pitched & audible[grid]]
        ),
    }
