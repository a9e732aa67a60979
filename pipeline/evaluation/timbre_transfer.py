"""Rows of timbre transfer: one per 4-s window, and as a reference one per real test clip, with its
resynthesis as the output.

Conventions are those of `pipeline.evaluation.metrics` and `pipeline.evaluation.following`, but the
reference f0 is the source's as CREPE tracked it, shifted by the octaves. It counts over the coarse
frames in which CREPE's confidence on the source is at least 0.85 and the shifted f0 is within
CREPE's range.
* Raw pitch and raw chroma accuracy, F0 L1, F0 outliers: of the output against the reference f0. Raw
  pitch accuracy also of the f0 asked for, which contains the errors of the features' smaller CREPE.
* Against the true f0, over the coarse frames in which it is known and the source sounds: raw pitch
  accuracy of CREPE on the source, and raw chroma accuracy of the output. Chroma, because octaves
  are chosen from the tracked f0: if the tracker is an octave too high, the output is an octave
  lower, and correct.
* Loudness correlation: Pearson's, between the loudness measured on output and source, over the
  source's sounding frames at 250 Hz. Also between the loudness asked for and the source's: the
  effect of adjustment and room alone.
* Loudness L1: mean |difference| of the output's loudness to the loudness asked for, over the frames
  in which the latter is above -70 dB.
* Timbre distances (`pipeline.studies.target`): output to the training data's mean, output to
  source, source to the training data's mean.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.audio.clips import Clip, read_clips, read_step_ms
from pipeline.common.units import CONFIDENCE_THRESHOLD, SOUNDING_DB
from pipeline.evaluation.following import TRACKABLE_HZ
from pipeline.evaluation.metrics import coarse_grid, mean, pitch_accuracy, semitone_distance
from pipeline.studies.conditions import PLAN, Condition, read_conditions
from pipeline.studies.target import Target, timbre, timbre_distance

MIN_FRAMES = 2  # for a correlation


def rows(folder: Path) -> dict[str, pd.DataFrame]:
    """Score a study's folder: {"timbre_transfer": a row per window and reference clip}.

    Undefined scores are NaN; counts of frames explain them.
    """
    plan = pd.read_csv(
        folder / PLAN,
        dtype={"example_id": str, "instrument": str, "group": str},
        keep_default_na=False,
        na_values=[""],
    )
    target = Target(**json.loads((folder / "target.json").read_text()))
    sources = read_clips(folder / "source")
    outputs = read_clips(folder / "output")
    conditions = read_conditions(folder / "output")
    with np.load(folder / "truth.npz") as stored:
        truth = {str(name): f0_hz for name, f0_hz in zip(stored["ids"], stored["f0_hz"])}
    step_ms = read_step_ms(folder / "source")
    scored = []
    for row in plan.to_dict("records"):
        name = row["example_id"]
        source = sources[name]
        output = outputs[name]
        scores = score(source, output, conditions[name], row["octaves"], target, step_ms)
        scored.append(row | scores | truth_scores(source, output, truth.get(name), step_ms))
    return {"timbre_transfer": pd.DataFrame(scored + _reference_rows(folder, target))}


def score(
    source: Clip, output: Clip, condition: Condition, octaves: int, target: Target, step_ms: int
) -> dict[str, float]:
    """Score one window.

    Args:
        source: the tracked source.
        output: the tracked output of the model.
        condition: what the model was asked for.
        octaves: by which the source's f0 was shifted.
        target: the training data's target.
        step_ms: between coarse f0 frames.

    Returns:
        A flat dict.
    """
    reference_hz = source.f0_hz * 2.0**octaves
    asked_hz = condition.f0_hz[coarse_grid(source, step_ms)]
    trackable = (reference_hz >= TRACKABLE_HZ[0]) & (reference_hz <= TRACKABLE_HZ[1])
    pitched = condition.pitched & trackable
    rpa, rca = pitch_accuracy(reference_hz, pitched, output.f0_hz)
    rpa_asked, _ = pitch_accuracy(reference_hz, pitched, asked_hz)
    f0_scores = {
        "rpa": rpa,
        "rca": rca,
        "rpa_asked": rpa_asked,
        "f0_l1": mean(semitone_distance(reference_hz, output.f0_hz)[pitched]),
        "frames_pitched": int(pitched.sum()),
        "frames_beyond": int((condition.pitched & ~trackable).sum()),
        "frames_outlier": int((output.confidence[pitched] < CONFIDENCE_THRESHOLD).sum()),
    }
    loudness = loudness_scores(source.loudness_db, output.loudness_db, condition.loudness_db)
    timbres = [timbre(clip.audio, clip.loudness_db) for clip in (source, output)]
    return f0_scores | loudness | timbre_scores(*timbres, target)


def truth_scores(
    source: Clip, output: Clip, true_f0_hz: np.ndarray | None, step_ms: int
) -> dict[str, float]:
    """Score tracked source and output against the f0 as played, [frames] Hz or None if unknown."""
    if true_f0_hz is None:
        return {"source_rpa_true": np.nan, "rca_true": np.nan, "frames_true": 0}
    grid = coarse_grid(source, step_ms)
    voiced = (true_f0_hz[grid] > 0) & (source.loudness_db[grid] > SOUNDING_DB)
    source_rpa, _ = pitch_accuracy(true_f0_hz[grid], voiced, source.f0_hz)
    _, output_rca = pitch_accuracy(true_f0_hz[grid], voiced, output.f0_hz)
    return {
        "source_rpa_true": source_rpa,
        "rca_true": output_rca,
        "frames_true": int(voiced.sum()),
    }


def loudness_scores(
    source_db: np.ndarray, output_db: np.ndarray, asked_db: np.ndarray
) -> dict[str, float]:
    """Score the loudness of an output, given the source's and the one asked for: [frames] each."""
    sounding = source_db > SOUNDING_DB
    asked = asked_db > SOUNDING_DB
    return {
        "loudness_correlation": correlation(source_db[sounding], output_db[sounding]),
        "loudness_correlation_asked": correlation(source_db[sounding], asked_db[sounding]),
        "loudness_l1_db": mean(np.abs(output_db - asked_db)[asked]),
        "frames_source": int(sounding.sum()),
        "frames_sounding": int(asked.sum()),
    }


def timbre_scores(source: np.ndarray, output: np.ndarray, target: Target) -> dict[str, float]:
    """Measure the distances of two timbres, [12] each, and of the training data's mean timbre."""
    training = np.array(target.timbre_mean)
    return {
        "timbre_to_training": timbre_distance(output, training, target),
        "timbre_to_source": timbre_distance(output, source, target),
        "timbre_source_to_training": timbre_distance(source, training, target),
    }


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Pearson's correlation; NaN if either is constant or there are too few frames."""
    if len(one) < MIN_FRAMES or not (np.ptp(one) and np.ptp(other)):
        return np.nan
    return float(np.corrcoef(one, other)[0, 1])


def _reference_rows(folder: Path, target: Target) -> list[dict]:
    """Score the real test clips, without f0; none if the folder has no reference."""
    if not (folder / "reference.npz").exists():
        return []
    with np.load(folder / "reference.npz") as stored:
        constants = {
            "instrument": f"{stored['data']}, test clips",
            "frames_pitched": 0,
            "frames_beyond": 0,
            "frames_outlier": 0,
            "frames_true": 0,
        }
        clips = zip(*(stored[name] for name in ("ids", "groups", "timbres", "loudness_db")))
        return [
            {"example_id": str(name)}
            | constants
            | {"group": str(group)}
            | loudness_scores(*curves, curves[0])
            | timbre_scores(*timbres, target)
            for name, group, timbres, curves in clips
        ]
