"""Rows of the timbre transfers: a row per 4-s window, and for scale one per real test clip, of
which the output is its resynthesis. Conventions are those of `pipeline.metrics` and
`pipeline.studies.following`; where they speak of the original's f0, here it is the source's as
CREPE tracked it, moved by the octaves, over the coarse frames whose confidence on the source is at
least 0.85 and whose moved f0 CREPE can track at all.
* Raw pitch and raw chroma accuracy, F0 L1, F0 outliers: of the output against that f0. Raw pitch
  accuracy also of the f0 asked for, which the features' smaller CREPE tracked with errors of its
  own.
* Against the true f0, over the coarse frames in which it is known and the source sounds: raw pitch
  accuracy of CREPE on the source, and raw chroma accuracy of the output. Chroma, because the
  octaves are chosen by what was tracked: where a tracker is an octave too high, the output is an
  octave lower and right.
* Loudness correlation: Pearson's, of the loudness measured on the output and on the source, over
  the source's sounding frames at 250 Hz. Of the loudness asked for and the source's, too: how far
  adjustment and room alone change the curve.
* Loudness L1: mean |difference| of the output's loudness to the one asked for, over the frames
  asked for above -70 dB.
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

LEAST_FRAMES = 2  # of which a correlation can be taken


def rows(folder: Path) -> dict[str, pd.DataFrame]:
    """{timbre_transfer: rows} of what `write_transfers` and `write_reference` wrote; NaN for
    undefined, with the counts that explain it.
    """
    plan = pd.read_csv(
        folder / PLAN,
        dtype={"example_id": str, "instrument": str, "group": str},
        keep_default_na=False,
        na_values=[""],
    )
    target = Target(**json.loads((folder / "target.json").read_text()))
    sources, outputs, conditions = (
        read(folder / name)
        for read, name in (
            (read_clips, "source"),
            (read_clips, "output"),
            (read_conditions, "output"),
        )
    )
    with np.load(folder / "truth.npz") as stored:
        truth = {str(name): f0_hz for name, f0_hz in zip(stored["ids"], stored["f0_hz"])}
    step_ms, found = read_step_ms(folder / "source"), []
    for row in plan.to_dict("records"):
        name = row["example_id"]
        source, output = sources[name], outputs[name]
        scores = score(source, output, conditions[name], row["octaves"], target, step_ms)
        found.append(row | scores | truth_scores(source, output, truth.get(name), step_ms))
    return {"timbre_transfer": pd.DataFrame(found + _reference(folder, target))}


def score(
    source: Clip, output: Clip, condition: Condition, octaves: int, target: Target, step_ms: int
) -> dict[str, float]:
    """Metrics of one window as a flat dict."""
    wanted = source.f0_hz * 2.0**octaves
    trackable = (wanted >= TRACKABLE_HZ[0]) & (wanted <= TRACKABLE_HZ[1])
    pitched = condition.pitched & trackable
    rpa, rca = pitch_accuracy(wanted, pitched, output.f0_hz)
    timbres = (timbre(clip.audio, clip.loudness_db) for clip in (source, output))
    return (
        {
            "rpa": rpa,
            "rca": rca,
            "rpa_asked": pitch_accuracy(
                wanted, pitched, condition.f0_hz[coarse_grid(source, step_ms)]
            )[0],
            "f0_l1": mean(semitone_distance(wanted, output.f0_hz)[pitched]),
            "frames_pitched": int(pitched.sum()),
            "frames_beyond": int((condition.pitched & ~trackable).sum()),
            "frames_outlier": int((output.confidence[pitched] < CONFIDENCE_THRESHOLD).sum()),
        }
        | loudness_scores(source.loudness_db, output.loudness_db, condition.loudness_db)
        | timbre_scores(*timbres, target)
    )


def truth_scores(
    source: Clip, output: Clip, true_f0_hz: np.ndarray | None, step_ms: int
) -> dict[str, float]:
    """How well the source was tracked, and what became of it; `true_f0_hz` [frames] or None."""
    if true_f0_hz is None:
        return {"source_rpa_true": np.nan, "rca_true": np.nan, "frames_true": 0}
    grid = coarse_grid(source, step_ms)
    known = (true_f0_hz[grid] > 0) & (source.loudness_db[grid] > SOUNDING_DB)
    tracked, made = (
        pitch_accuracy(true_f0_hz[grid], known, clip.f0_hz) for clip in (source, output)
    )
    return {"source_rpa_true": tracked[0], "rca_true": made[1], "frames_true": int(known.sum())}


def loudness_scores(
    source_db: np.ndarray, output_db: np.ndarray, asked_db: np.ndarray
) -> dict[str, float]:
    """Metrics of three loudness curves, [frames] each."""
    sounding, asked = source_db > SOUNDING_DB, asked_db > SOUNDING_DB
    return {
        "loudness_correlation": correlation(source_db[sounding], output_db[sounding]),
        "loudness_correlation_asked": correlation(source_db[sounding], asked_db[sounding]),
        "loudness_l1_db": mean(np.abs(output_db - asked_db)[asked]),
        "frames_source": int(sounding.sum()),
        "frames_sounding": int(asked.sum()),
    }


def timbre_scores(source: np.ndarray, output: np.ndarray, target: Target) -> dict[str, float]:
    """Metrics of two timbres, [12] each."""
    of_training = np.array(target.timbre_mean)
    return {
        "timbre_to_training": timbre_distance(output, of_training, target),
        "timbre_to_source": timbre_distance(output, source, target),
        "timbre_source_to_training": timbre_distance(source, of_training, target),
    }


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's correlation, NaN of a constant or of too few frames."""
    if len(one) < LEAST_FRAMES or not (np.ptp(one) and np.ptp(other)):
        return np.nan
    return float(np.corrcoef(one, other)[0, 1])


def _reference(folder: Path, target: Target) -> list[dict]:
    """Rows of the real test clips, without f0; none where there are none."""
    if not (folder / "reference.npz").exists():
        return []
    with np.load(folder / "reference.npz") as stored:
        line = {
            "instrument": f"{stored['data']}, test clips",
            "frames_pitched": 0,
            "frames_beyond": 0,
            "frames_outlier": 0,
            "frames_true": 0,
        }
        clips = zip(*(stored[name] for name in ("ids", "groups", "timbres", "loudness_db")))
        return [
            {"example_id": str(name)}
            | line
            | {"group": str(group)}
            | loudness_scores(*curves, curves[0])
            | timbre_scores(*timbres, target)
            for name, group, timbres, curves in clips
        ]
