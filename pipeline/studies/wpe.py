"""The baseline of dereverberation: weighted prediction error with one microphone, offline (Yoshioka
and Nakatani 2012; nara_wpe). It predicts late reverberation linearly from earlier frames of each
frequency and subtracts it; it is told nothing of room or instrument.
"""

import numpy as np
from nara_wpe.utils import istft, stft
from nara_wpe.wpe import wpe_v8
from pydantic import PositiveInt
from threadpoolctl import threadpool_limits

from pipeline.common.params import Params


class WpeConfig(Params):
    """The block `wpe` of the `dereverberation` section of params.yaml."""

    fft: PositiveInt  # samples
    hop: PositiveInt
    taps: PositiveInt  # frames that predict
    delay: PositiveInt  # frames between them and the predicted one
    iterations: PositiveInt


def dereverberate(audio: np.ndarray, config: WpeConfig) -> np.ndarray:
    """A whole recording with less reverberation: [samples] -> [samples]."""
    spectrum = stft(audio.astype(np.float64), config.fft, config.hop)  # [frames, bins]
    # thousands of small products: threads would take 20 times as long, and sum in an order of their
    # own
    with threadpool_limits(1):
        # [bins, 1, frames]
        kept = wpe_v8(spectrum.T[:, None], config.taps, config.delay, config.iterations)
    return istft(kept[:, 0].T, config.fft, config.hop)[: len(audio)].astype(np.float32)
