"""How closely a sound follows what its model was asked for, where that is no recording's own f0 and
loudness. Conventions are those of `pipeline.metrics`, with the conditioning in the original's
place:
* Loudness L1: mean |difference| to the conditioned loudness at 250 Hz, dB, over the frames
  conditioned above -70 dB.
* F0 L1: mean |difference| to the conditioned f0 in semitones, over the coarse frames that count as
  pitched (those of the original, or of both originals, by CREPE's confidence on them) and whose
  conditioned f0 CREPE can track at all, 32.7 to 1975.5 Hz.
* F0 outliers: share of these frames with confidence below 0.85 on the resynthesis.
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
    """How closely a clip follows what it was conditioned on, as a flat dict; NaN for undefined,
    with the counts that explain it.
    """
    grid = coarse_grid(clip, step_ms)
    wanted = condition.f0_hz[grid]
    trackable = (wanted >= TRACKABLE_HZ[0]) & (wanted <= TRACKABLE_HZ[1])
    pitched = condition.pitched & trackable
    sounding = condition.loudness_db > SOUNDING_DB
    centroid = spectral_centroid(clip.audio)
    heard = clip.loudness_db > SOUNDING_DB
    return {
        "loudness_l1_db": mean(np.abs(clip.loudness_db - condition.loudness_db)[sounding]),
        "f0_l1": mean(semitone_distance(wanted, clip.f0_hz)[pitched]),
        "frames_sounding": int(sounding.sum()),
        "frames_pitched": int(pitched.sum()),
        "frames_asked": int(condition.pitched.sum()),
        "frames_beyond": int((condition.pitched & ~trackable).sum()),
        "frames_outlier": int((clip.confidence[pitched] < CONFIDENCE_THRESHOLD).sum()),
        "frames_heard": int(heard.sum()),
        "centroid_hz": mean(centroid[heard]),
        "centroid_harmonics": mean((centroid[grid] / wanted)[condition.pitched & heard[grid]]),
    }
