"""The violin: free scores, one split a work, f0 and room known, the same bytes for the same
seed.
"""

import itertools
import re
from dataclasses import dataclass

import librosa
import numpy as np
import pandas as pd
import pyroomacoustics
import pytest
import soundfile
from music21 import common, converter
from scipy.signal import fftconvolve

from conftest import ROOT
from pipeline.audio.files import audio_sha256
from pipeline.common.cli import UserError
from pipeline.common.manifest import AUDIO, TRUTH
from pipeline.common.settings import Settings
from pipeline.common.units import FRAME_RATE, HOP, SAMPLE_RATE
from pipeline.data.expression import line_pitch_curve, phrase_curve
from pipeline.data.performance import SHORTEST, perform, true_f0
from pipeline.data.room import room_response
from pipeline.data.scores import cut_passages, read_allow_list, read_lines
from pipeline.data.soundfont import packaged_soundfont, play_note
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


@pytest.mark.parametrize("name", SCORES.pieces)
def test_every_score_is_there_and_its_file_says_what_the_licence_says(name):
    piece = SCORES.pieces[name]
    assert len(SCORES.licences[piece.licence]) > 40
    for movement in piece.movements:
        path = common.getCorpusFilePath() / movement.score
        text = (
            converter.ArchiveManager(path).getData(dataFormat="musicxml")
            if path.suffix == ".mxl"
            else path.read_text("utf-8")
        )
        rights = " ".join(re.findall(r"<rights[^>]*>(.*?)</rights>", text, re.DOTALL)).strip()
        printed = " ".join(re.findall(r"<credit-words[^>]*>(.*?)</credit-words>", text, re.DOTALL))
        if piece.licence == "cc-by":
            assert "CC-BY" in rights and "NC" not in rights
        else:
            assert rights == "" and not re.search(
                "copyright|©|all rights|licen[cs]e|non-?commercial", printed, re.IGNORECASE
            )


def test_a_misspelt_licence_is_refused(tmp_path):
    text = (ROOT / "pipeline" / "data" / "violin_scores.yaml").read_text()
    (tmp_path / "scores.yaml").write_text(text.replace("licence: cc-by", "licence: cc-bye"))
    with pytest.raises(UserError, match="cc-bye is not explained"):
        read_allow_list(tmp_path / "scores.yaml")


def test_lines_are_monophonic_and_within_the_violins_range(passages):
    for passage in passages:
        assert all(
            CONFIG.low <= note.pitch <= CONFIG.high and note.duration > 0 for note in passage.notes
        )
        assert all(a.end <= b.onset + 1e-3 for a, b in zip(passage.notes, passage.notes[1:])), (
            passage.id
        )
    assert any(note.slurred for passage in passages for note in passage.notes)


def test_a_line_is_as_written():
    """Against music21's own reading of the whole score: ties are joined, rests are gaps."""
    movement = SCORES.pieces["corelli-op3-1"].movements[0]
    line = read_lines(movement, 55, 88)[0]
    path = common.getCorpusFilePath() / movement.score
    score = (
        converter.parse(path, forceSource=True, storePickle=False)
        .parts[0]
        .stripTies()
        .flatten()
        .notes
    )
    written = [
        (float(note.offset), float(note.quarterLength), note.pitch.midi)
        for note in score
        if not note.duration.isGrace
    ]
    assert [(note.onset, note.duration, note.pitch) for note in line] == written[: len(line)]


def test_chords_plucked_and_high_notes_end_a_passage():
    movement = SCORES.pieces["beethoven-op18-1"].movements[0]
    whole = sum(len(line) for line in read_lines(movement, 55, 88))
    lines = read_lines(movement, 55, 79)
    assert len(lines) > 1 and sum(len(line) for line in lines) < whole
    assert max(note.pitch for line in lines for note in line) <= 79
    for line in cut_passages(lines, movement, CONFIG.passage_seconds, CONFIG.longest_rest_seconds):
        assert line[-1].end - line[0].onset <= movement.seconds * movement.quarters_per_minute / 60


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


def test_the_line_bends_and_swells_as_drawn(passages):
    expression = CONFIG.expression
    slides = 0
    for passage in passages[::4]:
        played = performed(passage)
        starts = [start for start, _ in played]
        assert min(np.diff(starts)) >= SHORTEST and starts[0] >= 0
        onsets = np.array([written.onset for written in passage.notes])
        frames_per_quarter, first = np.polyfit(onsets, starts, 1)
        tempo = passage.seconds_per_quarter * FRAME_RATE / frames_per_quarter
        assert expression.tempo[0] - 0.005 < tempo < expression.tempo[1] + 0.005
        late = np.abs(starts - (first + frames_per_quarter * onsets)) / FRAME_RATE
        assert np.percentile(late, 98) <= expression.timing_seconds[1] + 0.005
        for (_start, note), written in zip(played, passage.notes):
            assert note.pitch == written.pitch and note.dynamics_db.max() <= 0
            assert note.dynamics_db.min() >= expression.dynamics_db[0] + expression.accent_db[0]
            settled = note.cents[round(FRAME_RATE * expression.slide_seconds[1]) + 1 :]
            assert not len(settled) or np.abs(settled).max() <= expression.vibrato_depth_cents[1]
            if (
                note.held < FRAME_RATE * expression.vibrato_from_seconds
                and np.abs(note.cents).max() > 0
            ):
                # without vibrato it is a slide, from the pitch before
                assert np.round(note.cents[0], 6) % 100 == 0
            slides += abs(note.cents[0]) >= 100
    assert slides > 5
    gains = phrase_curve(expression, np.random.default_rng(0), 5000)
    assert np.ptp(gains) > 5 and np.abs(np.diff(gains)).max() < 0.2


def test_slides_begin_at_the_pitch_before():
    always = CONFIG.expression.model_copy(
        update={"slide_probability": 1.0, "vibrato_probability": 0.0}
    )
    cents = line_pitch_curve(always, np.random.default_rng(0), 200, 0.8, 3)
    assert cents[0] == pytest.approx(-300) and abs(cents[-1]) < 1e-9 and (np.diff(cents) >= 0).all()
    # too wide to slide over
    assert not line_pitch_curve(always, np.random.default_rng(0), 200, 0.8, 7).any()


def test_true_f0_follows_the_newer_note(passages):
    played = performed(passages[0])
    f0 = true_f0(played, 10_000)
    for (start, note), (following, _) in itertools.pairwise(played):
        stop = min(start + len(note.cents), following)
        np.testing.assert_allclose(
            f0[start:stop],
            440 * 2 ** ((note.pitch - 69 + note.cents[: stop - start] / 100) / 12),
            rtol=1e-6,
        )
        assert not f0[stop:following].any()


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


def test_an_interval_of_a_slide_is_within_the_bend(passages):
    played = next(
        note
        for passage in passages[:6]
        for _, note in performed(passage)
        if abs(note.cents[0]) >= 300
    )
    audio = play_note(
        packaged_soundfont(),
        CONFIG.program,
        played._replace(cents=np.full(250, 500.0), held=250, dynamics_db=np.zeros(250)),
        0.0,
        12.0,
    )
    peak = (
        np.abs(np.fft.rfft(audio[12000:36000] * np.hanning(24000), 96000))[200:4000].argmax() + 200
    )
    assert (
        abs(1200 * np.log2(peak / 2 / (440 * 2 ** ((played.pitch + 5 - 69) / 12))) % 1200 + 600)
        % 1200
        - 600
        < 20
    )
