"""The violin's scores and their performance: licences, monophonic lines, timing, slides and f0."""

import itertools
import re

import numpy as np
import pytest
from music21 import common, converter

from conftest import ROOT
from pipeline.common.cli import UserError
from pipeline.common.settings import Settings
from pipeline.common.units import FRAME_RATE
from pipeline.data.expression import line_pitch_curve, phrase_curve
from pipeline.data.performance import SHORTEST, perform, true_f0
from pipeline.data.scores import cut_passages, read_allow_list, read_lines
from pipeline.data.soundfont import packaged_soundfont, play_note
from pipeline.data.sources import read_data_set
from pipeline.data.violin import plan_passages

CONFIG = read_data_set(Settings.read(ROOT / "params.yaml"), "violin")
SCORES = read_allow_list()


@pytest.fixture(scope="module")
def passages():
    return plan_passages(CONFIG, SCORES)


def performed(passage, seed=0, config=CONFIG):
    return perform(passage, config, np.random.default_rng(seed))


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
