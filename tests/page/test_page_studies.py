"""Sounds of the studies on the page: which are picked, and their order and labels."""

import numpy as np
import pandas as pd
import pytest

from pipeline.audio.clips import store_audio
from pipeline.common.cli import UserError
from pipeline.page.picks import check_worst_by
from pipeline.page.sound import SoundFolder
from pipeline.page.studies import study_pickers
from pipeline.page.tracks import PageInputs, Tracks


@pytest.fixture
def tracks(tmp_path):
    (tmp_path / "sounds").mkdir()
    inputs = PageInputs(*[tmp_path / "nothing"] * 5, data={}, seed=0, seconds=4.0, noise_seed=0)
    return Tracks(inputs, SoundFolder(tmp_path / "sounds", 0.5))


def sound(value):
    return np.full(1600, value, np.float32)


def store(folder, name, value):
    folder.mkdir(parents=True, exist_ok=True)
    store_audio(folder, name, sound(value))


def study_rows(folder, name, rows):
    folder.mkdir(exist_ok=True)
    pd.DataFrame(rows).assign(experiment="x", seed=0).to_parquet(folder / f"{name}-x-0.parquet")


def test_steps_of_a_varied_feature_share_a_row(tmp_path, tracks):
    rows = [
        {
            "example_id": f"{pair} to z",
            "group": pair,
            "varied": varied,
            "step": step,
            "clip": f"{pair}-{varied}-{step}",
            "f0_l1": f0_l1,
        }
        for pair, f0_l1 in (("a", 1.0), ("b", 2.0), ("c", 3.0))
        for varied in ("loudness", "f0")
        for step in range(3)
    ]
    study_rows(tmp_path / "rows", "control", rows)
    for number, row in enumerate(rows):
        store(tmp_path / "control" / "x-0" / "clips", row["clip"], number / 100)
    (picker,) = study_pickers(tracks, tmp_path, tmp_path / "rows", {"control": ["f0_l1"]})
    assert (picker.section, picker.title, picker.experiment) == (
        "control",
        "Independent control, `x`",
        "x",
    )
    assert [(each.title, each.why) for each in picker.examples] == [
        ("b to z", ["median F0 L1"]),
        ("c to z", ["worst F0 L1"]),
    ]
    first, second = picker.examples[0].lines
    assert (first.label, second.label) == ("loudness", "f0")
    assert [track.label for track in second.tracks] == ["1 of 3", "2 of 3", "3 of 3"]
    assert [track.name for track in second.tracks] == [
        tracks.sounds.add(sound(number / 100))[0] for number in (9, 10, 11)
    ]


def test_single_clips_share_one_row(tmp_path, tracks):
    rows = [
        {
            "example_id": "a@1000",
            "group": "g",
            "octaves": octaves,
            "clip": f"a{octaves:+g}",
            "f0_l1": 1.0,
        }
        for octaves in (-1.0, 0.0)
    ]
    study_rows(tmp_path / "rows", "extrapolation", rows)
    for row in rows:
        store(tmp_path / "extrapolation" / "x-0" / "clips", row["clip"], 0.1)
    (picker,) = study_pickers(tracks, tmp_path, tmp_path / "rows", {"extrapolation": ["f0_l1"]})
    (example,) = picker.examples
    assert example.title == "a from 4 s" and [track.label for track in example.lines[0].tracks] == [
        "octaves -1",
        "octaves +0",
    ]


def test_tracked_sets_follow_the_order_of_the_table(tmp_path, tracks):
    rows = [
        {"example_id": "a@0", "group": "g", "version": version, "spectral_loss": 1.0}
        for version in ("first", "other_phases", "other_noise")
    ]
    study_rows(tmp_path / "rows", "phase", rows)
    for name in ("other_noise", "first", "other_phases", "original"):
        store(tmp_path / "phase" / "x-0" / name, "a@0", 0.1)
    (picker,) = study_pickers(tracks, tmp_path, tmp_path / "rows", {"phase": ["spectral_loss"]})
    assert [track.label for track in picker.examples[0].lines[0].tracks] == [
        "original",
        "first",
        "other phases",
        "other noise",
    ]


def test_examples_with_sound_are_picked_within_each_line_of_the_table(tmp_path, tracks):
    lines = [
        ("a@0", "flute", 1.0),
        ("b@0", "flute", 3.0),
        ("c@0", "oboe", 2.0),
        ("d@0", "real", 9.0),
    ]
    study_rows(
        tmp_path / "rows",
        "phase",
        [
            {"example_id": name, "group": "g", "version": kind, "spectral_loss": loss}
            for name, kind, loss in lines
        ],
    )
    for name in ("a@0", "b@0", "c@0"):
        store(tmp_path / "phase" / "x-0" / "source", name, 0.1)
        store(tmp_path / "phase" / "x-0" / "deeper" / "output", name, 0.2)
    (picker,) = study_pickers(tracks, tmp_path, tmp_path / "rows", {"phase": ["spectral_loss"]})
    assert [(each.title, each.why) for each in picker.examples] == [
        ("a", ["flute: median spectral loss"]),
        ("b", ["flute: worst spectral loss"]),
        ("c", ["oboe: first"]),
    ]
    assert [track.label for track in picker.examples[0].lines[0].tracks] == ["source", "output"]


def test_errors_name_a_study_without_sound_and_an_unknown_table(tmp_path, tracks):
    study_rows(
        tmp_path / "rows",
        "phase",
        [{"example_id": "a@0", "group": "g", "version": "first", "spectral_loss": 1.0}],
    )
    with pytest.raises(UserError, match="holds no sound of a@0; run `dvc repro phase`"):
        study_pickers(tracks, tmp_path, tmp_path / "rows", {"phase": ["spectral_loss"]})
    with pytest.raises(UserError, match="page.worst_by.phases: neither"):
        check_worst_by({"phases": []})
