"""f0 by CREPE (Kim et al. 2018), the `crepe` package's network and decoding."""

from typing import NamedTuple

import crepe.core
import numpy as np
import tensorflow as tf

from pipeline.common.units import FRAME_RATE, SAMPLE_RATE
from pipeline.crepe.layers import FRAME, SILENCE
from pipeline.crepe.network import Capacity, load_crepe

BATCH = 1024  # frames shown to CREPE at once: memory stays bounded however long a recording is


class F0Track(NamedTuple):
    """f0 in Hz and CREPE's confidence, [frames] each."""

    f0_hz: np.ndarray
    confidence: np.ndarray


def track_f0(audio: np.ndarray, capacity: Capacity, step_ms: int, viterbi: bool = False) -> F0Track:
    """Track [samples] at 16 kHz every `step_ms` milliseconds, frames centred: frame t is at t *
    step_ms.

    The last frame is the last whose centre lies inside the audio. Frames below -80 dB are not shown
    to the network; they have confidence 0 and the f0 of the nearest frame that does. With `viterbi`
    the path of the package's hidden Markov model through all heard frames replaces each frame's own
    maximum.
    """
    padded = np.pad(audio.astype(np.float32), FRAME // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[
        : len(audio) : SAMPLE_RATE * step_ms // 1000
    ]
    heard, activation = _activations(frames, load_crepe(capacity))
    f0_hz, confidence = np.zeros(len(frames)), np.zeros(len(frames))
    if heard.any():
        cents = (
            crepe.core.to_viterbi_cents(activation)
            if viterbi
            else crepe.core.to_local_average_cents(activation)
        )
        confidence[heard] = activation.max(axis=1)
        f0_hz = (10 * 2 ** (cents / 1200))[_nearest(np.flatnonzero(heard), len(frames))]
    return F0Track(f0_hz.astype(np.float32), confidence.astype(np.float32))


def _activations(frames: np.ndarray, network: tf.Module) -> tuple[np.ndarray, np.ndarray]:
    """Which of [frames, 1024] are loud enough, and the network's activations of those: [frames]
    bool, [heard, 360].
    """
    heard, activations = [], [np.zeros((0, 360), np.float32)]
    for start in range(0, len(frames), BATCH):
        batch = frames[start : start + BATCH]
        deviation = batch.std(axis=1, keepdims=True)
        loud = deviation[:, 0] > SILENCE
        heard.append(loud)
        if loud.any():
            normalized = (batch - batch.mean(axis=1, keepdims=True))[loud] / deviation[loud]
            activations.append(network(tf.constant(normalized)).numpy())
    return np.concatenate(heard), np.concatenate(activations)


def _nearest(known: np.ndarray, count: int) -> np.ndarray:
    """For each of `count` positions the index of the nearest of the `known` positions, the
    earlier one of two: [count].
    """
    return np.searchsorted((known[1:] + known[:-1]) / 2, np.arange(count))


def to_control_rate(track: F0Track, step_ms: int, frames: int) -> F0Track:
    """Interpolate a coarse track to [frames] at 250 Hz: f0 linearly in log frequency, confidence
    linearly.
    """
    coarse, fine = np.arange(len(track.f0_hz)) * step_ms / 1000, np.arange(frames) / FRAME_RATE
    f0_hz = np.exp(np.interp(fine, coarse, np.log(np.maximum(track.f0_hz, 1e-3))))
    return F0Track(
        f0_hz.astype(np.float32), np.interp(fine, coarse, track.confidence).astype(np.float32)
    )
