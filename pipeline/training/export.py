"""Export trained models as SavedModels, which resynthesize with TensorFlow alone, without this
project's code. Such a model may be given the output of any pitch tracker and loudness meter.
"""

from pathlib import Path

import keras
import tensorflow as tf

from pipeline.common.files import atomic_folder
from pipeline.common.units import HOP
from pipeline.models.recipe import load_model

SIGNATURE = [
    tf.TensorSpec([None, None], tf.float32, name)
    for name in ("audio", "f0_hz", "loudness_db", "noise")
]
FLOOR_DB = -80.0  # the lowest loudness in training (`features.loudness`)
NO_PITCH_HZ = 440.0  # f0 where no frame is voiced; no harmonic sounds then


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
            usable_batch(audio, f0_hz, loudness_db, noise)
        ),
        input_signature=SIGNATURE,
    )
    with atomic_folder(out) as temporary:
        archive.write_out(temporary, verbose=False)


def usable_batch(
    audio: tf.Tensor, f0_hz: tf.Tensor, loudness_db: tf.Tensor, noise: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Check a model's inputs and replace the controls that it cannot use.

    Frames whose f0 is not a positive number are unvoiced: there f0 is interpolated, as in the
    features, and an autoencoder's harmonics are silent. A loudness of NaN or below -80 dB, -inf
    included, is -80 dB. Controls that a model can use are not changed.

    Args:
        audio: [batch, frames * 64].
        f0_hz: [batch, frames] Hz, one frame or more.
        loudness_db: [batch, frames] dB.
        noise: [batch, frames * 64].

    Returns:
        The batch, and `voiced` [batch, frames].
    """
    given = {"audio": audio, "f0_hz": f0_hz, "loudness_db": loudness_db, "noise": noise}
    with tf.control_dependencies(shape_checks(given)):  # else a model may fail first, less clearly
        given = {name: tf.identity(values) for name, values in given.items()}
    voiced = tf.math.is_finite(given["f0_hz"]) & (given["f0_hz"] > 0)
    loudness_db = given["loudness_db"]
    audible = tf.where(tf.math.is_nan(loudness_db), FLOOR_DB, tf.maximum(loudness_db, FLOOR_DB))
    return {
        "audio": tf.debugging.assert_all_finite(given["audio"], "audio: give finite samples"),
        "f0_hz": across_gaps(given["f0_hz"], voiced),
        "voiced": voiced,
        "loudness_db": tf.debugging.assert_all_finite(audible, "loudness_db: is infinitely loud"),
        "noise": tf.debugging.assert_all_finite(given["noise"], "noise: give finite samples"),
    }


def shape_checks(given: dict[str, tf.Tensor]) -> list[tf.Operation]:
    """Return operations that fail, with the input's name, unless all lengths fit."""
    shape = tf.shape(given["f0_hz"])
    frames = "loudness_db: give as many frames as f0_hz has"
    return [
        tf.debugging.assert_positive(shape, message="f0_hz: give at least one frame"),
        tf.debugging.assert_equal(tf.shape(given["loudness_db"]), shape, frames),
        *(
            tf.debugging.assert_equal(
                tf.shape(given[name]), shape * [1, HOP], f"{name}: give {HOP} samples per frame"
            )
            for name in ("audio", "noise")
        ),
    ]


def across_gaps(f0_hz: tf.Tensor, voiced: tf.Tensor) -> tf.Tensor:
    """Interpolate f0 across unvoiced frames, linearly in log frequency; before the first voiced
    frame and after the last, hold f0.

    Args:
        f0_hz: [batch, frames] Hz; any value where unvoiced.
        voiced: [batch, frames].

    Returns:
        [batch, frames] Hz; f0 as it was where voiced.
    """
    passed = tf.cumsum(tf.cast(voiced, tf.int32), axis=1)  # voiced frames up to this one
    last = tf.maximum(passed[:, -1:] - 1, 0)
    frames = tf.argsort(tf.cast(~voiced, tf.int32), axis=1, stable=True)  # the voiced ones first
    before = tf.gather(frames, tf.clip_by_value(passed - 1, 0, last), batch_dims=1)
    after = tf.gather(frames, tf.minimum(passed, last), batch_dims=1)
    elapsed = tf.range(tf.shape(f0_hz)[1])[None] - before
    share = tf.math.divide_no_nan(
        tf.cast(elapsed, f0_hz.dtype), tf.cast(after - before, f0_hz.dtype)
    )
    log_f0 = tf.math.log(tf.where(voiced, f0_hz, NO_PITCH_HZ))
    start, end = (tf.gather(log_f0, frame, batch_dims=1) for frame in (before, after))
    return tf.where(voiced, f0_hz, tf.exp(start + share * (end - start)))
