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
    f0_step_ms: PositiveInt  # the tracker's grid; interpolated to 250 Hz
    viterbi: bool


def compute_features(config: FeaturesConfig, samples: np.ndarray) -> np.ndarray:
    """Features of [samples] at 16 kHz, cut to whole control frames: [frames] of FRAME."""
    frames = np.empty(len(samples) // HOP, FRAME)
    samples = samples[: len(frames) * HOP]
    track = track_f0(samples, config.crepe, config.f0_step_ms, config.viterbi)
    frames["audio"] = samples.reshape(-1, HOP)
    frames["f0_hz"], frames["f0_confidence"] = to_control_rate(
        track, config.f0_step_ms, len(frames)
    )
    frames["loudness_db"] = loudness_curve(samples)
    return frames
