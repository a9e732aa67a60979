"""Rows of the study of independent control, one per step."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from pipeline.audio.clips import Clip, read_clips, read_step_ms
from pipeline.common.units import SOUNDING_DB
from pipeline.evaluation.following import follow
from pipeline.evaluation.metrics import coarse_grid, mean, to_midi
from pipeline.studies.conditions import CLIPS, PLAN, Condition, read_conditions


def rows(folder: Path) -> dict[str, pd.DataFrame]:
    """Score a study's folder: {"control": a row per pair, varied feature and step}.

    Rank correlation and largest step describe the trajectory over all steps of a pair and varied
    feature; each of its rows repeats them.
    """
    conditions = read_conditions(folder)
    clips = read_clips(folder / CLIPS)
    step_ms = read_step_ms(folder / CLIPS)
    followed = {name: follow(conditions[name], clip, step_ms) for name, clip in clips.items()}
    scored = []
    for step in pd.read_csv(folder / PLAN).itertuples(index=False):
        asked, measured = asked_and_measured(
            step.varied,
            conditions[step.clip],
            clips[step.clip],
            followed[step.clip]["centroid_hz"],
            step_ms,
        )
        means = {"asked": asked, "measured": measured}
        scored.append(step._asdict() | means | followed[step.clip])
    return {"control": add_trajectories(pd.DataFrame(scored))}


def add_trajectories(steps: pd.DataFrame) -> pd.DataFrame:
    """Add columns spearman and largest_step of each step's trajectory."""
    trajectories = {
        key: describe_trajectory(group.asked.to_numpy(), group.measured.to_numpy())
        for key, group in steps.groupby(["example_id", "varied"])
    }
    keys = list(zip(steps.example_id, steps.varied))
    return steps.assign(
        spearman=[trajectories[key][0] for key in keys],
        largest_step=[trajectories[key][1] for key in keys],
    )


def asked_and_measured(
    varied: str, condition: Condition, clip: Clip, centroid_hz: float, step_ms: int
) -> tuple[float, float]:
    """Average the varied feature over a clip, as conditioned and as measured.

    Args:
        varied: the feature: loudness, f0 or z.
        condition: the conditioning.
        clip: the tracked output.
        centroid_hz: mean spectral centroid of the output.
        step_ms: between the clip's coarse f0 frames.

    Returns:
        Conditioned and measured mean: loudness in dB; f0 as MIDI pitch; for z, NaN (nobody can say
        what a z asks for) and the spectral centroid in semitones above 1 Hz.
    """
    if varied == "loudness":
        sounding = condition.loudness_db > SOUNDING_DB
        return mean(condition.loudness_db[sounding]), mean(clip.loudness_db[sounding])
    if varied == "f0":
        conditioned = to_midi(condition.f0_hz[coarse_grid(clip, step_ms)])
        measured = to_midi(clip.f0_hz)
        return mean(conditioned[condition.pitched]), mean(measured[condition.pitched])
    return np.nan, float(12 * np.log2(centroid_hz))


def describe_trajectory(asked: np.ndarray, measured: np.ndarray) -> tuple[float, float]:
    """Describe how a measured feature moves from the first step of a pair to the last.

    Args:
        asked: [steps] the conditioned feature; NaN if unknown.
        measured: [steps] the measured feature.

    Returns:
        Rank correlation of measured feature and step number, positive if the feature moves in the
        direction of the conditioning (of the last step, if the conditioning is unknown); and the
        largest step's share of the summed steps. NaN if undefined.
    """
    if not np.isfinite(measured).all():
        return np.nan, np.nan
    goal = measured if np.isnan(asked).any() else asked
    steps = np.abs(np.diff(measured))
    direction = np.sign(goal[-1] - goal[0])
    if not steps.sum() or not direction:
        return np.nan, np.nan
    correlation = spearmanr(np.arange(len(measured)), measured).statistic
    return float(direction * correlation), float(steps.max() / steps.sum())
