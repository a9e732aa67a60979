"""The violin data set: each work in one split, f0 and room known, bytes fixed by the seed."""

import itertools
import re
from dataclasses import dataclass

import librosa
import numpy as np
import pandas as pd
import pyroomacoustics
import pytest
import soundfile
from scipy.signal import fftconvolve

from conftest import ROOT
from pipeline.audio.files import audio_sha256
from pipeline.common.cli import UserError
from pipeline.common.manifest import AUDIO, TRUTH
from pipeline.common.settings import Settings
from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.data.performance import perform
from pipeline.data.room import room_response
from pipeline.data.scores import read_allow_list
from pipeline.data.sources import read_data_set
from pipeline.data.violin import make_violin, plan_passages

CONFIG = read_data_set(Settings.read(ROOT / "params.yaml"), "violin")
SCORES = read_allow_list()


@dataclass(frozen=True)
class Made:
    """The data set of params.yaml, as rendered."""

    folder: object
    manifest: pd.DataFrame

    def audio(self, name: str) -> np.ndarray:
        return soundfile.read(self.folder / AUDIO / f"{name}.wav")[0]

    def dry(self, name: str) -> np.ndarray:
        return soundfile.read(self.folder / TRUTH / f"{name}.dry.wav")[0]

    def f0(self, name: str) -> np.ndarray:
        return np.load(self.folder / TRUTH / f"{name}.f0.npy")


def make_folder(path):
    for part in (AUDIO, TRUTH):
        (path / part).mkdir()
    return path


@pytest.fixture(scope="module")
def passages():
    return plan_passages(CONFIG, SCORES)


@pytest.fixture(scope="module")
def made(tmp_path_factory, passages):
    with pytest.MonkeyPatch.context() as patch:  # the scores are read once for all tests
        patch.setattr("pipeline.data.violin.plan_passages", lambda config, scores: passages)
        folder = make_folder(tmp_path_factory.mktemp("violin"))
        data_set = make_violin(CONFIG, None, folder)
    assert data_set.root is None
    return Made(folder, data_set.manifest)


def performed(passage, seed=0, config=CONFIG):
    return perform(passage, config, np.random.default_rng(seed))


def test_it_is_as_long_as_the_papers_set(made):
    seconds = made.manifest.groupby("split").seconds.sum()
    assert 12 * 60 <= seconds.sum() <= 14 * 60
    share = seconds / seconds.sum()
    assert share.train == pytest.approx(0.7, abs=0.04) and share.valid == pytest.approx(
        0.1, abs=0.03
    )
    assert made.manifest.seconds.between(15, 62).all()


def test_no_work_is_in_two_splits_and_no_music_twice(made, passages):
    assert (made.manifest.groupby("group").split.nunique() == 1).all()
    assert made.manifest.groupby("split").group.nunique().to_dict() == {
        "train": 11,
        "valid": 2,
        "test": 4,
    }
    works = [
        (movement.score.rsplit("/movement")[0], name)
        for name, piece in SCORES.pieces.items()
        for movement in piece.movements
    ]
    # a work has one name, so that its movements stay together
    assert len({score for score, _ in set(works)}) == len(set(works))
    scores = {
        p.id: SCORES.pieces[p.piece].movements[int(p.id.split("-")[-2]) - 1].score for p in passages
    }
    spans = sorted((scores[p.id], p.notes[0].onset, p.notes[-1].end) for p in passages)
    assert all(a[0] != b[0] or a[2] <= b[1] for a, b in itertools.pairwise(spans))


def test_audio_is_the_dry_signal_in_the_room(made):
    response, rate = soundfile.read(made.folder / TRUTH / "room.wav", dtype="float32")
    assert (
        rate == SAMPLE_RATE and soundfile.info(made.folder / TRUTH / "room.wav").subtype == "FLOAT"
    )
    np.testing.assert_array_equal(response, room_response(CONFIG.room))
    for name in made.manifest.id[::6]:
        wet, dry = made.audio(name), made.dry(name)
        assert len(wet) == len(dry) == HOP * len(made.f0(name))
        expected = fftconvolve(dry, response.astype(float))
        assert np.abs(wet - expected[: len(wet)]).max() <= 1.5 / 32768
        # the recording ends when the room is silent
        assert np.abs(expected[len(wet) :]).max() < 2 / 32768


def test_the_room():
    response = room_response(CONFIG.room)
    # nothing rings about the direct path
    assert response[0] == 1 and np.abs(response[1:40]).max() < 1e-3
    assert pyroomacoustics.experimental.measure_rt60(response, SAMPLE_RATE, 30) == pytest.approx(
        0.6, abs=0.03
    )
    energy = np.add.reduceat(response.astype(float) ** 2, np.arange(0, len(response), 800))
    assert 10 * np.log10(energy[-1] / energy[0]) < -60
    assert pyroomacoustics.constants.get("rir_hpf_enable")  # the library's settings are as before


@pytest.mark.parametrize("place", [(9.5, 3.0, 1.8), CONFIG.room.source_m])
def test_a_microphone_outside_the_room_is_named(place):
    with pytest.raises(UserError, match="microphone_m must lie apart and inside"):
        room_response(CONFIG.room.model_copy(update={"microphone_m": place}))


def test_f0_is_what_sounds(made):
    for name in ("mozart-k156-2-001", "beethoven-op18-4-1-027"):
        f0 = made.f0(name)
        heard = librosa.yin(
            made.dry(name), fmin=170, fmax=1600, sr=SAMPLE_RATE, frame_length=1024, hop_length=HOP
        )[: len(f0)]
        around = np.lib.stride_tricks.sliding_window_view(np.pad(f0, 12, mode="edge"), 25)
        steady = (around.min(axis=1) > 0) & (
            around.max(axis=1) < 1.03 * np.maximum(around.min(axis=1), 1)
        )
        cents = 1200 * np.log2(heard[steady] / f0[steady])
        # the recorded samples' own tuning is in it
        assert steady.sum() > 1000 and abs(np.median(cents)) < 10
        assert (np.abs(cents) < 40).mean() > 0.95
        wrong = 1200 * np.log2(heard[steady] / np.roll(f0, 125)[steady].clip(1))
        assert (np.abs(wrong) < 40).mean() < 0.5


def test_rests_have_no_f0_and_are_silent(made):
    for name in made.manifest.id[::5]:
        f0, frames = made.f0(name), made.dry(name).reshape(-1, HOP)
        silent = f0 == 0
        assert 0.02 < silent.mean() < 0.5
        levels = 20 * np.log10(np.sqrt((frames**2).mean(axis=1)) + 1e-9)
        # the resampler rings where a note begins or ends
        assert levels[silent].max() < np.median(levels[~silent]) - 25
        assert np.median(levels[silent]) < -95


def test_a_seed_is_the_bytes(made, passages, tmp_path):
    chosen = passages[18:20]
    for number, seed in enumerate((CONFIG.seed, CONFIG.seed + 1)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("pipeline.data.violin.plan_passages", lambda config, scores: chosen)
            again = make_violin(
                CONFIG.model_copy(update={"seed": seed}), None, make_folder(folder)
            ).manifest
        before = made.manifest.set_index("id").loc[again.id]
        assert (before.sha256.to_numpy() == again.sha256.to_numpy()).all() == (seed == CONFIG.seed)
        assert seed != CONFIG.seed or all(
            (folder / TRUTH / f"{name}.f0.npy").read_bytes()
            == (made.folder / TRUTH / f"{name}.f0.npy").read_bytes()
            for name in again.id
        )
        assert (folder / TRUTH / "room.wav").read_bytes() == (
            made.folder / TRUTH / "room.wav"
        ).read_bytes()


def test_the_manifest_is_what_was_written(made):
    for row in made.manifest.to_dict("records"):
        path = made.folder / AUDIO / row["path"]
        assert audio_sha256(path) == row["sha256"] and soundfile.info(path).subtype == "PCM_16"
        assert row["instrument"] == "violin" and row["family"] == "string" and row["rejected"] == ""
        assert (
            row["seconds"] == soundfile.info(path).duration
            and row["first_measure"] <= row["last_measure"]
        )
        assert re.fullmatch("[A-Za-z0-9_-]+", row["id"]) and row["title"]
    assert made.manifest.pitch.isna().all() and made.manifest.sha256.is_unique


def test_a_gain_that_clips_is_named_with_one_that_does_not(passages, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.data.violin.plan_passages", lambda config, scores: passages[:1])
    make_folder(tmp_path)
    with pytest.raises(UserError, match=f"gain_db: {passages[0].id} would be clipped") as error:
        make_violin(CONFIG.model_copy(update={"gain_db": 12.0}), None, tmp_path)
    lower = 12.0 - float(re.search(r"by ([0-9.]+) dB", str(error.value))[1])
    make_violin(CONFIG.model_copy(update={"gain_db": lower}), None, tmp_path)
    assert np.abs(soundfile.read(tmp_path / AUDIO / f"{passages[0].id}.wav")[0]).max() > 0.9


def test_lengths_that_no_score_has_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.data.violin.plan_passages", lambda config, scores: [])
    with pytest.raises(UserError, match="passage_seconds"):
        make_violin(CONFIG, None, make_folder(tmp_path))


def test_a_program_that_cannot_play_the_line_is_named(tmp_path, monkeypatch, passages):
    high = passages[0]._replace(notes=[passages[0].notes[0]._replace(pitch=120)])
    monkeypatch.setattr("pipeline.data.violin.plan_passages", lambda config, scores: [high])
    with pytest.raises(UserError, match="program 40 of .* sounds no key 120"):
        make_violin(CONFIG, None, make_folder(tmp_path))
