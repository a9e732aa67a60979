"""Resynthesis metrics: how well a resynthesis preserves the original's loudness, f0 and spectrum.

Conventions (paper: Engel et al. 2020, section 4.3 and appendix C; 0.0.6 and 3.7: versions of the
authors' code, the first of the paper's time):
* Loudness L1: mean |difference| of the loudness curves at 250 Hz, in dB, over all frames and over
  the frames in which the original is above -70 dB ("sounding", our choice: the code has no mask).
  Also over all frames in standard deviations over the training split, the paper's unit, which the
  silence after a note inflates: `loudness_l1_std` of our curve, `loudness_l1_std_0_0_6` of the
  curve of 0.0.6 (`pipeline.features.loudness_0_0_6`), which is comparable with the paper's figure.
* F0 L1: mean |difference| in semitones over the frames in which CREPE's confidence on the original
  is at least 0.85 ("pitched"). "Without outliers" omits what a version of the code calls an
  outlier, as that version's F0 L1 does.
* F0 outliers have three definitions. The paper's text: confidence on the resynthesis below 0.85; it
  does not name the unit, and we report the share of pitched frames. 0.0.6: the share of clips whose
  original or resynthesis never reaches 0.85 or whose F0 L1 is over 12 semitones. 3.7: the share of
  clips whose F0 L1 is over 12 semitones, without those whose original never reaches 0.85
  (`pipeline.evaluation.outliers`).
* Raw pitch and raw chroma accuracy (Salamon et al. 2014; mir_eval): share of frames within 50 cents
  of a reference, either CREPE on the original (over the pitched frames) or the f0 the note was
  played with (over the sounding frames).
* Multi-scale spectral loss: the training loss on the whole clip.

Undefined values are NaN, never 0; the row holds the counts of frames that explain them.
"""

from typing import NamedTuple

import mir_eval
import numpy as np
import tensorflow as tf

from pipeline.audio.clips import Clip
from pipeline.common.units import CONFIDENCE_THRESHOLD, FRAME_RATE, SOUNDING_DB
from pipeline.dsp.spectral_loss import multi_scale_spectral_loss
from pipeline.evaluation.outliers import outlier_0_0_6, outlier_3_7
from pipeline.features.loudness_0_0_6 import loudness_0_0_6


class LoudnessDeviations(NamedTuple):
    """Standard deviations of loudness curves over a training split, in dB."""

    ours: float  # of `pipeline.features.loudness`
    of_0_0_6: float  # of `pipeline.features.loudness_0_0_6`


def validate(reference: Clip, estimate: Clip) -> None:
    """Check two clips.

    Raises:
        ValueError: unless they have the same shapes and all values are finite and in range.
    """
    for name, expected, actual in zip(Clip._fields, reference, estimate):
        if expected.shape != actual.shape or expected.ndim != 1 or not expected.size:
            raise ValueError(
                f"{name}: shapes {expected.shape} and {actual.shape} must be equal, [n] with n > 0"
            )
        if not (np.isfinite(expected).all() and np.isfinite(actual).all()):
            raise ValueError(f"{name}: holds NaN or infinite values")
    for clip in (reference, estimate):
        if (clip.f0_hz < 0).any() or (clip.confidence < 0).any() or (clip.confidence > 1).any():
            raise ValueError("f0_hz must be 0 or more and confidence from 0 to 1")


def coarse_grid(clip: Clip, step_ms: int) -> np.ndarray:
    """Return the control frames (250 Hz) of a clip's coarse f0 frames: [coarse frames]."""
    return np.arange(len(clip.f0_hz)) * step_ms * FRAME_RATE // 1000


def semitone_distance(reference_hz: np.ndarray, estimate_hz: np.ndarray) -> np.ndarray:
    """Return |MIDI(reference) - MIDI(estimate)| per frame: [frames].

    0 Hz counts as MIDI 0, as in the authors' code.
    """
    return np.abs(to_midi(reference_hz) - to_midi(estimate_hz))


def loudness_metrics(
    reference: Clip, estimate: Clip, deviations: LoudnessDeviations
) -> dict[str, float]:
    """Measure loudness L1 in dB, over all and over sounding frames, and in standard deviations.

    The bias is the signed mean difference, positive if the estimate is too loud.
    """
    difference = np.abs(reference.loudness_db - estimate.loudness_db)
    difference_0_0_6 = np.abs(loudness_0_0_6(reference.audio) - loudness_0_0_6(estimate.audio))
    sounding = reference.loudness_db > SOUNDING_DB
    return {
        "loudness_l1_std_0_0_6": float(difference_0_0_6.mean() / deviations.of_0_0_6),
        "loudness_l1_std": float(difference.mean() / deviations.ours),
        "loudness_l1_db": float(difference.mean()),
        "loudness_l1_db_sounding": mean(difference[sounding]),
        "loudness_bias_db_sounding": mean((estimate.loudness_db - reference.loudness_db)[sounding]),
        "frames_loudness": len(difference),
        "frames_sounding": int(sounding.sum()),
    }


def f0_metrics(reference: Clip, estimate: Clip) -> dict[str, float]:
    """Measure F0 L1, and outliers by their three definitions."""
    pitched = reference.confidence >= CONFIDENCE_THRESHOLD
    distance = semitone_distance(reference.f0_hz, estimate.f0_hz)[pitched]
    f0_l1 = mean(distance)
    outliers = {
        "0_0_6": outlier_0_0_6(reference.confidence, estimate.confidence, f0_l1),
        "3_7": outlier_3_7(reference.confidence, f0_l1),
    }
    row = {"f0_l1": f0_l1}
    for version, outlier in outliers.items():
        row[f"outlier_clips_{version}"] = outlier
        row[f"f0_l1_without_outliers_{version}"] = f0_l1 if outlier == 0 else np.nan
    below = estimate.confidence[pitched] < CONFIDENCE_THRESHOLD
    return row | {"frames_pitched": int(pitched.sum()), "frames_outlier_paper": int(below.sum())}


def pitch_accuracy(
    reference_hz: np.ndarray, voiced: np.ndarray, estimate_hz: np.ndarray
) -> tuple[float, float]:
    """Measure raw pitch and raw chroma accuracy at 50 cents.

    Args:
        reference_hz: [frames] Hz.
        voiced: [frames] bool: frames to count.
        estimate_hz: [frames] Hz.

    Returns:
        Raw pitch and raw chroma accuracy; NaN if no frame is voiced (mir_eval returns 0).
    """
    if not voiced.any():
        return np.nan, np.nan
    reference_cents = mir_eval.melody.hz2cents(np.where(voiced, reference_hz, 0.0).astype(float))
    estimate_cents = mir_eval.melody.hz2cents(estimate_hz.astype(float))
    arguments = (
        voiced.astype(float),
        reference_cents,
        (estimate_hz > 0).astype(float),
        estimate_cents,
    )
    return (
        float(mir_eval.melody.raw_pitch_accuracy(*arguments)),
        float(mir_eval.melody.raw_chroma_accuracy(*arguments)),
    )


def spectral_loss(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Return the multi-scale spectral loss between two sounds, [samples] each."""
    batches = [np.asarray(audio, np.float32)[None] for audio in (reference, estimate)]
    return float(_spectral_loss(*batches)[0])


def evaluate(
    reference: Clip,
    estimate: Clip,
    true_f0_hz: np.ndarray | None,
    step_ms: int,
    deviations: LoudnessDeviations,
) -> dict:
    """Measure every metric of one clip.

    Args:
        reference: the original.
        estimate: its resynthesis.
        true_f0_hz: [coarse frames] the f0 as played, Hz; None if the data set does not know it.
        step_ms: between coarse f0 frames.
        deviations: of the training split's loudness curves.

    Returns:
        A flat dict.
    """
    validate(reference, estimate)
    sounding = reference.loudness_db[coarse_grid(reference, step_ms)] > SOUNDING_DB
    pitched = reference.confidence >= CONFIDENCE_THRESHOLD
    row = loudness_metrics(reference, estimate, deviations) | f0_metrics(reference, estimate)
    row["rpa_crepe"], row["rca_crepe"] = pitch_accuracy(reference.f0_hz, pitched, estimate.f0_hz)
    if true_f0_hz is None:
        row |= {"rpa_true": np.nan, "rca_true": np.nan}
    else:
        row["rpa_true"], row["rca_true"] = pitch_accuracy(true_f0_hz, sounding, estimate.f0_hz)
    row["frames_sounding_coarse"] = int(sounding.sum())
    row["spectral_loss"] = spectral_loss(reference.audio, estimate.audio)
    return row


_spectral_loss = tf.function(multi_scale_spectral_loss, autograph=False, reduce_retracing=True)


def to_midi(hz: np.ndarray) -> np.ndarray:
    """Convert Hz to fractional MIDI pitches; 0 Hz becomes MIDI 0."""
    hz = np.asarray(hz, float)
    return np.where(hz > 0, 69 + 12 * np.log2(np.maximum(hz, 1e-9) / 440), 0.0)


def mean(values: np.ndarray) -> float:
    """Return the mean; NaN of an empty array."""
    return float(values.mean()) if values.size else np.nan
