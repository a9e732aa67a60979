"""F0 outliers beside the counts of the authors' code, restated from its source."""

import numpy as np
import pytest

from pipeline.audio.clips import Clip
from pipeline.evaluation.metrics import f0_metrics
from pipeline.evaluation.outliers import outlier_0_0_6, outlier_3_7, untrackable

SURE = (0.9, 0.2, 0.95, 0.85)
UNSURE = (0.84, 0.2, 0.5, 0.0)
A4 = np.full(4, 440.0)
# original and resynthesis: f0 and confidence of each
CLIPS = {
    "a resynthesis in tune": (A4, SURE, A4, SURE),
    "an untrackable original": (A4, UNSURE, A4, SURE),
    "both untrackable": (A4, UNSURE, 8 * A4, UNSURE),
    "an untrackable resynthesis in tune": (A4, SURE, A4, UNSURE),
    "an untrackable resynthesis out of tune": (A4, SURE, 8 * A4, UNSURE),
    "an octave": (A4, SURE, 2 * A4, SURE),
    "over an octave": (A4, SURE, 2.01 * A4, SURE),
    "over an octave in frames that do not count": (A4, SURE, A4 * [1, 64, 1, 1], SURE),
    "over an octave where the resynthesis alone is unsure": (
        A4,
        SURE,
        A4 * [1, 1, 64, 1],
        (0.9, 0.2, 0.3, 0.9),
    ),
    "no f0 in the resynthesis": (A4, SURE, 0 * A4, SURE),
}


def clip(f0_hz, confidence):
    return Clip(np.zeros(4), np.zeros(4), np.asarray(f0_hz), np.asarray(confidence))


def midi(f0_hz):
    return np.array([69 + 12 * np.log2(hz / 440) if hz else 0.0 for hz in f0_hz])


def source_distance(f0_hz, confidence, generated_hz):
    """The mean over the frames whose original is sure; as both versions compute it."""
    counted = [number for number, value in enumerate(confidence) if value >= 0.85]
    return np.abs(midi(generated_hz) - midi(f0_hz))[counted].mean()


def counts_0_0_6(clips):
    """The four counts and the sum of distances of MetricsWriter in 0.0.6."""
    found = {"original": 0, "far": 0, "resynthesis": 0, "trackable": 0, "sum": 0.0}
    for f0_hz, confidence, generated_hz, generated_confidence in clips:
        if max(confidence) < 0.85:
            found["original"] += 1
            continue
        if max(generated_confidence) < 0.85:
            found["resynthesis"] += 1
            continue
        distance = source_distance(f0_hz, confidence, generated_hz)
        if distance > 12:
            found["far"] += 1
        elif distance <= 12:
            found["trackable"] += 1
            found["sum"] += distance
    return found


def accuracy_3_7(clips):
    """The outliers, True or False, and the distances of the others of F0CrepeMetrics in 3.7."""
    outliers, distances = [], []
    for f0_hz, confidence, generated_hz, _ in clips:
        if max(confidence) < 0.85:
            continue
        distance = source_distance(f0_hz, confidence, generated_hz)
        outliers.append(distance > 12)
        if not distance > 12:
            distances.append(distance)
    return outliers, distances


def scored(clips):
    rows = [f0_metrics(clip(*made[:2]), clip(*made[2:])) for made in clips]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def test_all_branches_together_give_the_ratio_of_0_0_6():
    counts = counts_0_0_6(CLIPS.values())
    assert all(counts.values())
    rows = scored(CLIPS.values())
    outliers = counts["original"] + counts["far"] + counts["resynthesis"]
    assert rows["outlier_clips_0_0_6"].mean() == outliers / (outliers + counts["trackable"])
    assert np.nanmean(rows["f0_l1_without_outliers_0_0_6"]) == pytest.approx(
        counts["sum"] / counts["trackable"]
    )


def test_all_branches_together_give_the_ratio_of_3_7():
    outliers, distances = accuracy_3_7(CLIPS.values())
    rows = scored(CLIPS.values())
    assert np.nanmean(rows["outlier_clips_3_7"]) == np.mean(outliers)
    assert np.nanmean(rows["f0_l1_without_outliers_3_7"]) == pytest.approx(np.mean(distances))


@pytest.mark.parametrize("name", CLIPS)
def test_each_clip_is_counted_as_in_0_0_6_and_3_7(name):
    made = CLIPS[name]
    rows = scored([made])
    assert rows["outlier_clips_0_0_6"][0] == 1 - counts_0_0_6([made])["trackable"]
    expected, _ = accuracy_3_7([made])
    assert [value for value in rows["outlier_clips_3_7"] if not np.isnan(value)] == expected


def test_an_f0_l1_of_nan_is_counted_nowhere_in_0_0_6_and_as_no_outlier_in_3_7():
    """As in the sources: NaN is neither over 12 nor at most 12."""
    made = (A4, SURE, A4 * np.nan, SURE)
    sure = np.array(SURE)
    assert set(counts_0_0_6([made]).values()) == {0}
    assert np.isnan(outlier_0_0_6(sure, sure, np.nan))
    assert accuracy_3_7([made])[0] == [outlier_3_7(sure, np.nan)] == [0]


def test_a_confidence_of_085_is_trackable():
    assert not untrackable(np.array([0.1, 0.85]))
    assert untrackable(np.array([0.1, 0.849]))
