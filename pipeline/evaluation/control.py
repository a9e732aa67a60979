"""Rows of the study of independent control, from what its stage wrote: one per clip."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from pipeline.audio.clips import Clip, read_clips, read_step_ms
from pipeline.common.units import SOUNDING_DB
from pipeline.evaluation.following import follow
from pipeline.evaluation.metrics import coarse_grid, mean, to_midi
from pipeline.studies.conditions import CLIPS, PLAN, Condition, read_conditions


def control_rows(folder: Path) -> dict[str, pd.DataFrame]:
    """A row per pair, varied feature and step; monotonicity and largest step are the way's and
    stand in each of its rows.
    """
    conditions, clips, step_ms = (
        read_conditions(folder),
        read_clips(folder / CLIPS),
        read_step_ms(folder / CLIPS),
    )
    followed = {name: follow(conditions[name], clip, step_ms) for name, clip in clips.items()}
    plan = pd.read_csv(folder / PLAN)
    found = []
    for step in plan.itertuples(index=False):
        means = asked_and_measured(
            step.varied,
            conditions[step.clip],
            clips[step.clip],
            followed[step.clip]["centroid_hz"],
            step_ms,
        )
        found.append(step._asdict() | dict(zip(("asked", "measured"), means)) | followed[step.clip])
    rows = pd.DataFrame(found)
    ways = {
        key: way(mine.asked.to_numpy(), mine.measured.to_numpy())
        for key, mine in rows.groupby(["example_id", "varied"])
    }
    for number, name in enumerate(("spearman", "largest_step")):
        rows[name] = [ways[key][number] for key in zip(rows.example_id, rows.varied)]
    return {"control": rows}


def asked_and_measured(
    varied: str, condition: Condition, clip: Clip, centroid_hz: float, step_ms: int
) -> tuple[float, float]:
    """A clip's mean of what is varied, as conditioned and as measured: loudness in dB, f0 as MIDI
    pitch.

    For z it is the spectral centroid in semitones (over 1 Hz); nobody can say beforehand what was
    asked for: NaN.
    """
    if varied == "loudness":
        sounding = condition.loudness_db > SOUNDING_DB
        return mean(condition.loudness_db[sounding]), mean(clip.loudness_db[sounding])
    if varied == "f0":
        wanted = condition.f0_hz[coarse_grid(clip, step_ms)]
        return mean(to_midi(wanted)[condition.pitched]), mean(
            to_midi(clip.f0_hz)[condition.pitched]
        )
    return np.nan, float(12 * np.log2(centroid_hz))


def way(asked: np.ndarray, measured: np.ndarray) -> tuple[float, float]:
    """Of one way, [steps]: rank correlation of step and measured, upwards being where the
    conditioning goes; largest step's share.

    Where nothing was asked for, upwards is where the last step lies.
    """
    if not np.isfinite(measured).all():
        return np.nan, np.nan
    goal = measured if np.isnan(asked).any() else asked
    steps, direction = np.abs(np.diff(measured)), np.sign(goal[-1] - goal[0])
    if not steps.sum() or not direction:
        return np.nan, np.nan
    return float(direction * spearmanr(np.arange(len(measured)), measured).statistic), float(
        steps.max() / steps.sum()
    )
