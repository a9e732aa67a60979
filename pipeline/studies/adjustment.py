"""Shift a source's f0 and loudness into the range a model was trained on.

The authors' timbre transfer demo shifts f0 by whole octaves towards the training data's mean pitch,
rounding up below one and a half octaves and down above. It maps the quantiles of the loudness of
notes to those of the training data, and lowers the loudness between notes by 20 dB. Here instead:
* Octaves: the number that brings the source's median pitch nearest to the training data's; 0 if
  nothing is pitched in either.
* Loudness: over the source's sounding frames (above -70 dB), shifted and scaled to the mean and
  standard deviation of the training data's sounding frames, if it has any. Other frames are
  unchanged, so that silence stays silent.
"""

from typing import NamedTuple

import numpy as np

from pipeline.common.units import CONFIDENCE_THRESHOLD, SOUNDING_DB
from pipeline.features.loudness import FLOOR_DB
from pipeline.studies.target import Target, median_pitch


class Adjustment(NamedTuple):
    """A source's pitch and loudness, and how they were adjusted."""

    octaves: int
    pitch: float  # the source's median, MIDI; NaN if nothing is pitched
    loudness_mean: float  # the source's, dB over sounding frames
    loudness_std: float
    loudness_scale: float  # factor applied to deviations from the mean


def adjust(
    f0_hz: np.ndarray, confidence: np.ndarray, loudness_db: np.ndarray, target: Target
) -> tuple[Adjustment, np.ndarray, np.ndarray]:
    """Adjust a source's f0 and loudness to a target.

    A source of constant loudness is shifted but not scaled. If no frame of the source sounds, f0
    and loudness are returned unchanged; if none of the training data sounds, loudness is.

    Args:
        f0_hz: [frames] Hz.
        confidence: [frames] CREPE's confidence in f0.
        loudness_db: [frames] dB.
        target: the training data's pitch and loudness.

    Returns:
        The adjustment, the adjusted f0 [frames] in Hz, and the adjusted loudness [frames] in dB
        (at least -80).
    """
    sounding = loudness_db > SOUNDING_DB
    pitch = median_pitch(f0_hz[sounding & (confidence >= CONFIDENCE_THRESHOLD)])
    distance = target.pitch - pitch
    octaves = 0 if np.isnan(distance) else round(distance / 12)
    if not sounding.any():
        return Adjustment(octaves, pitch, np.nan, np.nan, 1.0), f0_hz, loudness_db
    mean = float(loudness_db[sounding].mean())
    std = float(loudness_db[sounding].std())
    adjusted_hz = (f0_hz * 2.0**octaves).astype(np.float32)
    if np.isnan(target.loudness_mean):
        return Adjustment(octaves, pitch, mean, std, 1.0), adjusted_hz, loudness_db
    scale = target.loudness_std / std if std > 0 else 1.0
    scaled_db = np.maximum(target.loudness_mean + scale * (loudness_db - mean), FLOOR_DB)
    adjusted_db = np.where(sounding, scaled_db, loudness_db).astype(np.float32)
    return Adjustment(octaves, pitch, mean, std, scale), adjusted_hz, adjusted_db
