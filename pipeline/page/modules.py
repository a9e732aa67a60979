"""A DDSP autoencoder's sound module by module."""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from pipeline.models.autoencoder import Autoencoder
from pipeline.resynthesis.render import input_batches


def module_sounds(model: keras.Model, examples: list[dict]) -> Iterator[dict[str, np.ndarray]]:
    """Per example [samples] of the whole (`audio`) and of each module that the model has; nothing
    of what is no autoencoder.

    `reverb` is what the room adds: the whole without the dry sound.
    """
    names = _modules(model)
    if not names:
        return
    run = tf.function(lambda batch: model(batch), autograph=False, reduce_retracing=True)
    ((_, batch),) = input_batches(examples, len(examples))
    sounds = run(batch)
    if "reverb" in names:
        sounds["reverb"] = sounds["audio"] - sounds["dry"]
    whole = {name: sounds[name].numpy() for name in ("audio", *names)}
    for number in range(len(examples)):
        yield {name: audio[number] for name, audio in whole.items()}


def _modules(model: keras.Model) -> list[str]:
    if not isinstance(model, Autoencoder):
        return []
    parts = {"harmonic": model.amplitude_head, "noise": model.noise_head, "reverb": model.reverb}
    return [name for name, part in parts.items() if part is not None]
