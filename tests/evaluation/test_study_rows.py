"""Rows of control, extrapolation and phase, on tones with known answers."""

import numpy as np
import pandas as pd
import pytest

from pipeline.audio.clips import store_audio
from pipeline.evaluation import control, extrapolation, phase
from pipeline.studies.conditions import PLAN
from tracked_tones import tone, write_control, write_extrapolation


def test_rows_of_control(tmp_path):
    write_control(tmp_path)
    rows = control.rows(tmp_path)["control"]
    assert (rows.f0_l1 < 1e-5).all()
    assert (rows.loudness_l1_db < 1e-5).all()
    assert rows.spearman.eq(1).all()
    assert rows[rows.varied == "loudness"].largest_step.tolist() == pytest.approx([0.5] * 3)


def test_rows_of_extrapolation(tmp_path):
    write_extrapolation(tmp_path)
    rows = extrapolation.rows(tmp_path)["extrapolation"]
    assert rows.octaves.tolist() == [-1, 0]
    assert rows.f0_l1.max() < 1e-5


def test_rows_of_phase(tmp_path, random):
    sound = tone(440)
    versions = {
        "original": sound,
        "first": sound,
        "other_phases": -sound,
        "other_noise": np.zeros_like(sound),
    }
    for version, audio in versions.items():
        (tmp_path / version).mkdir()
        store_audio(tmp_path / version, "a@0", audio)
    pd.DataFrame({"example_id": ["a@0"], "group": ["g"]}).to_csv(tmp_path / PLAN, index=False)
    rows = phase.rows(tmp_path)["phase"].set_index("version")
    assert rows.waveform_distance.to_dict() == pytest.approx(
        {"first": 0, "other_phases": 2, "other_noise": 1}, abs=1e-5
    )
    # The loss is blind to phase.
    assert rows.spectral_loss["other_phases"] < 1e-4 < rows.spectral_loss["other_noise"]
    assert rows.spectral_loss_to_original["first"] < 1e-4
