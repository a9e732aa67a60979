"""f0 from CREPE (Kim et al. 2018), with the network and the decoding of the `crepe` package."""

from typing import NamedTuple

import crepe.core
import numpy as np
import tensorflow as tf

from pipeline.common.units import FRAME_RATE, SAMPLE_RATE
from pipeline.crepe.layers import FRAME, SILENCE
from pipeline.crepe.network import Capacity, load_crepe

BATCH = 1024  # frames per call of the network; bounds memory for recordings of any length


class F0Track(NamedTuple):
    """f0 in Hz and CREPE's confidence in [0, 1], [frames] each."""

    f0_hz: np.ndarray
    confidence: np.ndarray


def track_f0(audio: np.ndarray, capacity: Capacity, step_ms: int, viterbi: bool = False) -> F0Track:
    """Track f0 with CREPE, one frame every `step_ms` milliseconds.

    Frame t is centred on t * step_ms; the last frame is the last one centred inside the audio.
    Frames below -80 dB skip the network: they get confidence 0 and the f0 of the nearest frame
    that does not. If all frames are below -80 dB, f0 is 0.

    Args:
        audio: [samples] at 16 kHz.
        capacity: CREPE's size.
        step_ms: time between frames, in milliseconds.
        viterbi: decode f0 as the path of the package's hidden Markov model through all audible
            frames, instead of frame by frame from each frame's maximum.

    Returns:
        The track, [frames] at intervals of `step_ms`.
    """
    padded = np.pad(audio.astype(np.float32), FRAME // 2)
    step = SAMPLE_RATE * step_ms // 1000
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[: len(audio) : step]
    audible, activations = _activations(frames, load_crepe(capacity))
    f0_hz = np.zeros(len(frames))
    confidence = np.zeros(len(frames))
    if audible.any():
        decode = crepe.core.to_viterbi_cents if viterbi else crepe.core.to_local_average_cents
        cents = decode(activations)
        confidence[audible] = activations.max(axis=1)
        f0_hz = (10 * 2 ** (cents / 1200))[_nearest(np.flatnonzero(audible), len(frames))]
    return F0Track(f0_hz.astype(np.float32), confidence.astype(np.float32))


def _activations(frames: np.ndarray, network: tf.Module) -> tuple[np.ndarray, np.ndarray]:
    """Run the network on the audible frames of [frames, 1024].

    Returns:
        Which frames are audible, [frames] bool, and the network's activations for those alone,
        [audible, 360].
    """
    audible = []
    activations = [np.zeros((0, 360), np.float32)]
    for start in range(0, len(frames), BATCH):
        batch = frames[start : start + BATCH]
        deviation = batch.std(axis=1, keepdims=True)
        loud = deviation[:, 0] > SILENCE
        audible.append(loud)
        if loud.any():
            normalized = (batch - batch.mean(axis=1, keepdims=True))[loud] / deviation[loud]
            activations.append(network(tf.constant(normalized)).numpy())
    return np.concatenate(audible), np.concatenate(activations)


def _nearest(positions: np.ndarray, count: int) -> np.ndarray:
    """Index into the sorted `positions` of the one nearest to each of 0 ... count - 1: [count].

    At equal distance the earlier position wins.
    """
    return np.searchsorted((positions[1:] + positions[:-1]) / 2, np.arange(count))


def to_control_rate(track: F0Track, step_ms: int, frames: int) -> F0Track:
    """Interpolate a coarse track to 250 Hz: f0 linearly in log frequency, confidence linearly.

    Args:
        track: a track with one frame every `step_ms`.
        step_ms: time between the frames of `track`, in milliseconds.
        frames: number of control frames to return.
    """
    coarse_times = np.arange(len(track.f0_hz)) * step_ms / 1000
    fine_times = np.arange(frames) / FRAME_RATE
    log_f0 = np.log(np.maximum(track.f0_hz, 1e-3))
    f0_hz = np.exp(np.interp(fine_times, coarse_times, log_f0))
    confidence = np.interp(fine_times, coarse_times, track.confidence)
    return F0Track(f0_hz.astype(np.float32), confidence.astype(np.float32))
