"""Split a DDSP autoencoder's sound into its modules."""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from pipeline.models.autoencoder import Autoencoder
from pipeline.resynthesis.render import input_batches


def module_sounds(model: keras.Model, examples: list[dict]) -> Iterator[dict[str, np.ndarray]]:
    """Render examples as a whole and module by module.

    `reverb` is what the room adds: the whole without the dry sound.

    Args:
        model: a model; only autoencoders have modules.
        examples: of one test split.

    Yields:
        [samples] per example by name: `audio` (the whole) and each module that the model has.
        Nothing for a model without modules.
    """
    names = _modules(model)
    if not names:
        return
    run = tf.function(lambda batch: model(batch), autograph=False, reduce_retracing=True)
    ((_, batch),) = input_batches(examples, len(examples))
    sounds = run(batch)
    if "reverb" in names:
        sounds["reverb"] = sounds["audio"] - sounds["dry"]
    arrays = {name: sounds[name].numpy() for name in ("audio", *names)}
    for number in range(len(examples)):
        yield {name: audio[number] for name, audio in arrays.items()}


def _modules(model: keras.Model) -> list[str]:
    if not isinstance(model, Autoencoder):
        return []
    parts = {"harmonic": model.amplitude_head, "noise": model.noise_head, "reverb": model.reverb}
    return [name for name, part in parts.items() if part is not None]
