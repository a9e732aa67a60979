"""Features of one recording: audio, f0 and loudness in control frames."""

import numpy as np
from pydantic import PositiveInt

from pipeline.common.params import Params
from pipeline.common.units import FRAME, HOP
from pipeline.crepe.network import Capacity
from pipeline.features.f0 import to_control_rate, track_f0
from pipeline.features.loudness import loudness_curve


class FeaturesConfig(Params):
    """The `features` section of params.yaml."""

    crepe: Capacity
    f0_step_ms: PositiveInt  # time between CREPE's frames; f0 is then interpolated to 250 Hz
    viterbi: bool


def compute_features(config: FeaturesConfig, samples: np.ndarray) -> np.ndarray:
    """Compute the control frames of a recording; samples beyond the last whole frame are dropped.

    Args:
        config: settings of the f0 tracker.
        samples: [samples] at 16 kHz.

    Returns:
        [samples // 64] of dtype FRAME: audio, f0_hz, f0_confidence, loudness_db.
    """
    frames = np.empty(len(samples) // HOP, FRAME)
    samples = samples[: len(frames) * HOP]
    track = track_f0(samples, config.crepe, config.f0_step_ms, config.viterbi)
    fine_track = to_control_rate(track, config.f0_step_ms, len(frames))
    frames["audio"] = samples.reshape(-1, HOP)
    frames["f0_hz"] = fine_track.f0_hz
    frames["f0_confidence"] = fine_track.confidence
    frames["loudness_db"] = loudness_curve(samples)
    return frames
