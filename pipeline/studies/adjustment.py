"""A source's f0 and loudness moved to where a model was trained, as in the authors' timbre
transfer. Their demo moves f0 by whole octaves towards the training data's mean pitch, rounding up
below one and a half octaves and down above, and maps the quantiles of the loudness of notes to
those of the training data, 20 dB less between notes. Here:
* octaves: those that bring the source's median pitch nearest to the training data's; 0 where
  nothing is pitched.
* loudness: over the source's sounding frames (above -70 dB), moved and scaled to the mean and
  standard deviation that the training data's sounding frames have. Frames that are not sounding
  stay as they are: what is silent remains so.
"""

from typing import NamedTuple

import numpy as np

from pipeline.common.units import CONFIDENCE_THRESHOLD, SOUNDING_DB
from pipeline.features.loudness import FLOOR_DB
from pipeline.studies.target import Target, median_pitch


class Adjustment(NamedTuple):
    """What a source was like, and what was done to it."""

    octaves: int
    pitch: float  # the source's median, MIDI; NaN where nothing is pitched
    loudness_mean: float  # the source's, dB over sounding frames
    loudness_std: float
    loudness_scale: float  # by which deviations from the mean were multiplied


def adjust(
    f0_hz: np.ndarray, confidence: np.ndarray, loudness_db: np.ndarray, target: Target
) -> tuple[Adjustment, np.ndarray, np.ndarray]:
    """Curves of a source, [frames] each, moved to a target: what was done, f0 in Hz, loudness in dB
    (at least -80).

    A source of one loudness is moved, not scaled; one without a sounding frame is left as it is.
    """
    sounding = loudness_db > SOUNDING_DB
    pitch = median_pitch(f0_hz[sounding & (confidence >= CONFIDENCE_THRESHOLD)])
    octaves = 0 if np.isnan(pitch) else round((target.pitch - pitch) / 12)
    if not sounding.any():
        return Adjustment(octaves, pitch, np.nan, np.nan, 1.0), f0_hz, loudness_db
    mean, std = (
        float(value) for value in (loudness_db[sounding].mean(), loudness_db[sounding].std())
    )
    scale = target.loudness_std / std if std > 0 else 1.0
    moved = np.maximum(target.loudness_mean + scale * (loudness_db - mean), FLOOR_DB)
    adjusted = np.where(sounding, moved, loudness_db).astype(np.float32)
    return (
        Adjustment(octaves, pitch, mean, std, scale),
        (f0_hz * 2.0**octaves).astype(np.float32),
        adjusted,
    )
