"""The baseline of dereverberation: offline weighted prediction error with one microphone (Yoshioka
and Nakatani 2012; nara_wpe). In each frequency bin it predicts late reverberation linearly from
earlier frames and subtracts it. It knows nothing of the room or the instrument.
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
    hop: PositiveInt  # samples
    taps: PositiveInt  # number of frames that predict
    delay: PositiveInt  # frames between these and the predicted frame
    iterations: PositiveInt


def dereverberate(audio: np.ndarray, config: WpeConfig) -> np.ndarray:
    """Reduce the reverberation of a whole recording: [samples] -> [samples]."""
    spectrum = stft(audio.astype(np.float64), config.fft, config.hop)  # [frames, bins]
    channels = spectrum.T[:, None]  # [bins, 1, frames]
    # One thread: on thousands of small products, threads are 20 times slower, and their order of
    # summation is not fixed.
    with threadpool_limits(1):
        dry = wpe_v8(channels, config.taps, config.delay, config.iterations)
    return istft(dry[:, 0].T, config.fft, config.hop)[: len(audio)].astype(np.float32)
