"""The default data set: split by recorded sample, stable, in tune, with what the issue of trust needs in its manifest."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from conftest import ROOT
from pipeline.audio import BadAudio, audio_sha256, read_audio
from pipeline.command import UserError
from pipeline.config import read_section
from pipeline.expression import Expression, draw_expression, dynamics_curve, pitch_curve
from pipeline.notes import MANIFEST_COLUMNS, DataConfig, make_notes, plan_notes, split_zones, true_f0
from pipeline.soundfont import packaged_soundfont, read_zones, render_note

CONFIG = read_section(ROOT / "params.yaml", "data", DataConfig)


@pytest.fixture(scope="module")
def planned():
    return pd.DataFrame(plan_notes(CONFIG, packaged_soundfont()))


def test_no_zone_is_in_two_splits(planned):
    assert (planned.groupby("zone").split.nunique() == 1).all()
    assert planned.id.is_unique


def test_it_is_as_large_as_promised(planned):
    assert planned.instrument.nunique() >= 8 and planned.family.nunique() >= 3
    assert 450 <= len(planned) <= 550 and (planned.split == "test").sum() >= 64
    assert planned[planned.split == "test"].zone.nunique() >= 10


def test_held_out_zones_lie_within_the_range_heard_in_training(planned):
    for _, notes in planned.groupby("instrument"):
        heard = notes[notes.split == "train"].pitch
        held_out = notes[notes.split != "train"].pitch
        assert held_out.between(heard.min(), heard.max()).all()


def test_planning_is_a_function_of_the_seed(planned):
    again = pd.DataFrame(plan_notes(CONFIG, packaged_soundfont()))
    pd.testing.assert_frame_equal(planned, again)
    other = pd.DataFrame(plan_notes(CONFIG.model_copy(update={"seed": 1}), packaged_soundfont()))
    assert not planned.expression.equals(other.expression)


def test_the_committed_manifest_is_the_plan(planned):
    manifest = pd.read_csv(ROOT / "reports" / "data" / "manifest.csv")
    assert list(manifest.columns) == MANIFEST_COLUMNS
    columns = [name for name in MANIFEST_COLUMNS if name != "sha256"]
    pd.testing.assert_frame_equal(manifest[columns], planned[columns].reset_index(drop=True))
    assert manifest.sha256.is_unique


def test_shared_recordings_share_a_zone():
    violin, viola = (set(read_zones(packaged_soundfont(), program).values()) for program in (40, 41))
    assert violin & viola  # TimGM6mb plays both from the same samples


def test_layered_keys_are_left_out():
    assert not set(range(30, 110)) & set(read_zones(packaged_soundfont(), 60))  # its French horns sound four samples at once


def test_split_counts_shared_zones_once():
    splits = split_zones({"a": list("uvwxyz"), "b": list("uvwxyz")}, 3, seed=0)
    assert sorted(splits.values()).count("test") == 2 and sorted(splits.values()).count("valid") == 2


def test_rendering_is_in_tune_bends_and_falls_silent():
    frames = 1000
    cents = np.full(frames, 100.0)
    audio = render_note(packaged_soundfont(), 73, 69, 100, 3.0, cents, np.zeros(frames), 0.0)
    assert audio.shape == (64000,) and np.abs(audio).max() < 1
    steady = audio[16000:32000] * np.hanning(16000)
    peak = np.abs(np.fft.rfft(steady))[100:2000].argmax() + 100
    assert abs(1200 * np.log2(peak / (440 * 2 ** (1 / 12)))) < 15
    assert np.abs(audio[-1600:]).max() < 1e-3


def test_dynamics_are_in_db():
    frames = 1000
    levels = [
        np.abs(render_note(packaged_soundfont(), 73, 69, 100, 3.0, np.zeros(frames), np.full(frames, db), 0.0)).max()
        for db in (0.0, -12.0)
    ]
    assert 20 * np.log10(levels[0] / levels[1]) == pytest.approx(12, abs=0.1)


def test_expression_curves(random):
    drawn = [draw_expression(CONFIG.expression, random, sustained=True) for _ in range(200)]
    assert any(e.vibrato_depth_cents for e in drawn) and not all(e.vibrato_depth_cents for e in drawn)
    for expression in drawn[:20]:
        cents, gain = pitch_curve(expression, 1000), dynamics_curve(expression, 1000, 3.0)
        assert np.abs(cents).max() <= 200 and gain.max() <= 0 and gain.min() >= -15
        assert Expression.model_validate_json(expression.model_dump_json()) == expression
    plucked = draw_expression(CONFIG.expression, random, sustained=False)
    assert not pitch_curve(plucked, 1000).any()


def test_files_manifest_and_true_f0_agree(tmp_path):
    few = {name: CONFIG.instruments[name] for name in ("oboe",)}
    config = CONFIG.model_copy(update={"instruments": few, "notes_per_zone": 1})
    manifest = make_notes(config, tmp_path / "notes", tmp_path / "manifest.csv")
    for row in manifest.to_dict("records"):
        path = tmp_path / "notes" / f"{row['id']}.wav"
        assert audio_sha256(path) == row["sha256"]
        assert len(read_audio(path)) == 64000 and soundfile.info(path).subtype == "PCM_16"
        f0 = np.load(path.with_suffix("").with_suffix(".f0.npy") if "." in path.stem else path.parent / f"{row['id']}.f0.npy")
        np.testing.assert_array_equal(f0, true_f0(row, 4.0))
        assert json.loads(row["expression"])["dynamics_db"]


@pytest.mark.parametrize("content", [None, b"RIFFnothing"])
def test_a_bad_soundfont_is_named(tmp_path, content):
    path = tmp_path / "missing.sf2"
    if content:
        path.write_bytes(content)
    with pytest.raises(UserError, match=f"data.soundfont: {path}: "):
        read_zones(Path(path), 40)


def test_unusable_audio_is_refused(tmp_path):
    (tmp_path / "text.wav").write_text("no audio")
    soundfile.write(tmp_path / "silent.wav", np.zeros(100), 16000)
    soundfile.write(tmp_path / "nan.wav", np.array([0.0, np.nan]), 16000, subtype="FLOAT")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 16000)
    for name, reason in (("text", "decoded"), ("silent", "silent"), ("nan", "NaN"), ("empty", "no samples"), ("gone", "decoded")):
        with pytest.raises(BadAudio, match=reason):
            read_audio(tmp_path / f"{name}.wav")
