"""Rows of control, extrapolation and phase, from what their stages left: one per clip, or per example and version."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from pipeline.clips import Clip, load_audio, read_clips, read_step_ms
from pipeline.metrics import spectral_loss
from pipeline.studies.conditions import Condition, follow, mean, read_conditions
from pipeline.units import FRAME_RATE, SOUNDING_DB

PHASE_VERSIONS = ("first", "other_phases", "other_noise")


def control_rows(folder: Path) -> dict[str, pd.DataFrame]:
    """A row per pair, varied feature and step; monotonicity and largest step are the pair's and stand in each of its rows."""
    conditions, clips, step_ms = read_conditions(folder), read_clips(folder), read_step_ms(folder)
    followed = {name: follow(conditions[name], clip, step_ms) | means(conditions[name], clip, step_ms) for name, clip in clips.items()}
    plan = pd.read_csv(folder / "plan.csv")
    rows = pd.concat([plan, pd.DataFrame([followed[name] for name in plan.clip])], axis=1)
    for kind in ("measured", "asked"):
        rows[kind] = [row[f"{kind}_{row.varied}"] for _, row in rows.iterrows()]
    ways = rows.groupby(["example_id", "varied"], sort=False)
    return {"control": rows.join(ways.apply(way_of, include_groups=False), on=["example_id", "varied"]).drop(
        columns=[f"{kind}_{varied}" for kind in ("measured", "asked") for varied in ("loudness", "f0", "z")])}  # fmt: skip


def means(condition: Condition, clip: Clip, step_ms: int) -> dict[str, float]:
    """A clip's mean loudness (dB), f0 (MIDI) and spectral centroid (semitones over 1 Hz), measured and as asked for; nothing is asked of the last."""
    sounding = condition.loudness_db > SOUNDING_DB
    grid = np.arange(len(clip.f0_hz)) * step_ms * FRAME_RATE // 1000
    pitched = condition.pitched & (clip.f0_hz > 0)
    return {
        "measured_loudness": mean(clip.loudness_db[sounding]), "asked_loudness": mean(condition.loudness_db[sounding]),
        "measured_f0": mean(midi(clip.f0_hz[pitched])), "asked_f0": mean(midi(condition.f0_hz[grid][pitched])),
        "measured_z": 12 * np.log2(follow(condition, clip, step_ms)["centroid_hz"]), "asked_z": np.nan,
    }  # fmt: skip
