"""Export trained models as SavedModels, which resynthesize with TensorFlow alone, without this
project's code.
"""

from pathlib import Path

import keras
import tensorflow as tf

from pipeline.common.files import atomic_folder
from pipeline.models.recipe import load_model

SIGNATURE = [
    tf.TensorSpec([None, None], tf.float32, name)
    for name in ("audio", "f0_hz", "loudness_db", "noise")
]


def export_model(folder: Path, out: Path) -> None:
    """Write the model in `folder` as a SavedModel whose endpoint `resynthesize` takes the tensors
    of a batch and returns the model's outputs.

    The export is always in float32, whatever precision the model was trained with.
    """
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        model = load_model(folder)
    finally:
        keras.config.set_dtype_policy(policy)
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        "resynthesize",
        lambda audio, f0_hz, loudness_db, noise: model(
            {"audio": audio, "f0_hz": f0_hz, "loudness_db": loudness_db, "noise": noise}
        ),
        input_signature=SIGNATURE,
    )
    with atomic_folder(out) as temporary:
        archive.write_out(temporary, verbose=False)
