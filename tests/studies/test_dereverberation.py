"""Dereverberation: rooms and distances against closed forms, alignment against known delays and
gains, the stage on a small room.
"""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from scipy.io import wavfile
from scipy.signal import fftconvolve, lfilter

from commands import hashes
from pipeline.audio.clips import load_audio
from pipeline.audio.files import write_audio
from pipeline.common.cli import UserError
from pipeline.evaluation.alignment import (
    advance,
    best_gain,
    common_delay,
    magnitudes,
    onset_envelope,
)
from pipeline.evaluation.closeness import compare, measure_truth, tail_frames
from pipeline.evaluation.dereverberation import rows
from pipeline.examples.schema import Statistics
from pipeline.models.autoencoder import Autoencoder, ModelConfig
from pipeline.reporting import study_tables
from pipeline.reporting.cells import TabulateConfig
from pipeline.reporting.dereverberation_figure import draw_dereverberation
from pipeline.reporting.studies import TABLES
from pipeline.studies.dereverberation import (
    DereverberationConfig,
    TransferConfig,
    make_dereverberation,
    pick_evenly,
)
from pipeline.studies.held_out import HeldOut
from pipeline.studies.room_acoustics import (
    BANDS,
    DIRECT,
    EARLY,
    decay_curve,
    decay_distance,
    decaying_noise,
    describe_response,
    energy_ratio_db,
    reverberation_time,
)
from pipeline.studies.wpe import WpeConfig, dereverberate

FRAMES = 300
SAMPLES = 64 * FRAMES
WPE = WpeConfig(fft=512, hop=128, taps=10, delay=2, iterations=2)
CONFIG = DereverberationConfig(
    experiments=["solo"], wpe=WPE, transfer=TransferConfig(data="notes", clips=3), seed=0
)
TABULATE = TabulateConfig(bases={}, resamples=200, seed=0)


def decay(t60, seconds=1.0):
    """An exact exponential: 60 dB of energy in t60 seconds."""
    return 10 ** (-3 * np.arange(round(seconds * 16000)) / (t60 * 16000))


def ring(t60, seconds=1.0, hz=1000):
    """A tone that decays so: a response of which all octave bands hold all, and its own band
    nearly all.
    """
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * 16000)) / 16000) * decay(t60, seconds)


def room(t60, ratio_db, random):
    """Delta and decaying noise of this direct-to-reverberant ratio."""
    late = random.normal(size=16000) * decay(t60) * (np.arange(16000) >= DIRECT)
    late *= np.sqrt(10 ** (-ratio_db / 10) / np.square(late).sum())
    late[0] = 1.0
    return late.astype(np.float32)


def notes(random, hz=330.0):
    """Three struck tones with rests between, and noise in them."""
    line = np.zeros(SAMPLES, np.float32)
    for start in (20, 110, 200):
        seconds = np.arange(64 * 35) / 16000
        tone = sum(
            np.sin(2 * np.pi * hz * k * seconds) / k for k in range(1, 12)
        ) + 0.1 * random.normal(size=len(seconds))
        line[64 * start : 64 * (start + 35)] = (
            0.1 * tone * np.hanning(2 * len(seconds))[len(seconds) :]
        )
    return line


@pytest.mark.parametrize("t60", [0.3, 0.6, 0.9])
def test_t60_of_a_known_decay(t60, random):
    assert (
        reverberation_time(ring(t60))
        == pytest.approx(t60, rel=0.01)
        == reverberation_time(ring(t60), "1000")
    )
    assert reverberation_time(room(t60, 0.0, random)) == pytest.approx(t60, rel=0.05)
    for band in BANDS[3:]:  # from 500 Hz on, where a band holds enough of the noise
        assert reverberation_time(room(t60, 0.0, random), band) == pytest.approx(t60, rel=0.15)


def test_t60_does_not_hear_the_direct_sound(random):
    assert reverberation_time(room(0.6, 30.0, random)) == pytest.approx(0.6, rel=0.05)


def test_the_decay_curve_of_an_exponential_is_a_line():
    np.testing.assert_allclose(
        decay_curve(decay(0.5))[: 16000 // 2], -60 * np.arange(8000) / 8000, atol=0.01
    )


def test_nothing_but_a_click_has_no_reverberation():
    click = np.eye(1, 16000)[0]
    found = describe_response(click, click, "all")
    assert (
        np.isnan(found["t60_seconds"])
        and np.isnan(found["direct_to_reverberant_db"])
        and np.isnan(found["c50_db"])
    )
    assert found["decay_distance_db"] == 0
    assert decaying_noise(click, 0).sum() == 1


@pytest.mark.parametrize("gain", [0.1, 0.5, 2.0])
def test_an_echo_has_the_ratio_of_its_gain(gain):
    echo = np.zeros(16000)
    echo[0], echo[800 + DIRECT] = 1.0, gain
    for band in BANDS:
        assert energy_ratio_db(echo, DIRECT, band) == pytest.approx(-20 * np.log10(gain), abs=0.05)
        assert energy_ratio_db(echo, EARLY, band) == pytest.approx(-20 * np.log10(gain), abs=0.05)
    assert energy_ratio_db(echo, EARLY + 2 * DIRECT) != energy_ratio_db(echo, EARLY)


def test_distance_of_two_decays_is_that_of_their_lines():
    """Down to -30 dB, t / 0.4 s against t / 0.8 s: 0 dB at the start, 15 dB at the end."""
    assert decay_distance(ring(0.4), ring(0.4)) == 0
    assert decay_distance(ring(0.4, 2.0), ring(0.8, 2.0)) == pytest.approx(7.5, rel=0.02)


def test_a_band_knows_its_own_decay():
    both = ring(0.8, hz=500) + ring(0.3, hz=4000)
    assert reverberation_time(both, "500") == pytest.approx(0.8, rel=0.02) and reverberation_time(
        both, "4000"
    ) == pytest.approx(0.3, rel=0.02)


def test_decaying_noise_is_like_what_it_stands_for(random):
    learned = room(0.7, 3.0, random)
    like = decaying_noise(learned, 1)
    assert reverberation_time(like) == pytest.approx(reverberation_time(learned), rel=0.06)
    assert energy_ratio_db(like, DIRECT) == pytest.approx(energy_ratio_db(learned, DIRECT), abs=0.3)
    assert (
        like[0] == 1
        and (decaying_noise(learned, 1) == like).all()
        and (decaying_noise(learned, 2) != like).any()
    )
    assert abs(np.corrcoef(like[1:], learned[1:])[0, 1]) < 0.1


@pytest.mark.parametrize("late", [-20, -3, 0, 7, 25])
def test_a_delay_is_found_and_taken_away(late, random):
    sound = notes(random)
    moved = advance(sound, -late)
    envelopes = [(onset_envelope(sound), onset_envelope(moved))]
    assert common_delay(envelopes) == late
    np.testing.assert_array_equal(
        advance(moved, late)[64 * 30 : -64 * 30], sound[64 * 30 : -64 * 30]
    )


def test_the_delay_of_a_room_is_that_of_its_direct_sound(random):
    dry = [notes(random, hz) for hz in (220, 330, 495)]
    wet = [fftconvolve(sound, room(0.6, 0.0, random))[:SAMPLES] for sound in dry]
    assert (
        common_delay([(onset_envelope(one), onset_envelope(other)) for one, other in zip(dry, wet)])
        == 0
    )


def test_silence_has_no_delay_and_no_gain():
    silence = np.zeros(SAMPLES, np.float32)
    assert common_delay([(onset_envelope(silence), onset_envelope(silence))]) == 0
    assert best_gain(magnitudes(silence), magnitudes(silence)) == 1


def test_gain_and_delay_do_not_count_but_are_told(random):
    sound = notes(random)
    whole, bands = compare(measure_truth(sound, sound), advance(0.5 * sound, -5), 5)
    assert whole["gain_db"] == pytest.approx(20 * np.log10(2), abs=1e-4) and whole["delay_ms"] == 20
    for name in ("spectral_loss", "loudness_l1_db", "log_spectral_distance_db"):
        assert whole[name] == pytest.approx(0, abs=1e-3)
    assert whole["spectral_loss_as_is"] > 0.5
    assert all(band["level_db"] == pytest.approx(0, abs=1e-3) for band in bands)


def test_a_band_that_is_too_loud_is_told(random):
    dry = 0.1 * random.normal(size=SAMPLES).astype(np.float32)
    # below 1 kHz: + 6 dB
    hum = dry + fftconvolve(
        dry, np.sinc(np.arange(-400, 401) / 8) / 8 * np.hanning(801), "same"
    ).astype(np.float32)
    bands = {
        band["band_hz"]: band["level_db"] for band in compare(measure_truth(dry, dry), hum, 0)[1]
    }
    assert bands["250"] - bands["4000"] == pytest.approx(6, abs=0.3) and bands["500"] - bands[
        "2000"
    ] == pytest.approx(6, abs=0.3)
    assert len(bands) == 6


def test_a_tail_is_looked_for_in_rests_alone(random):
    silent = np.r_[np.full(50, -80.0), np.full(50, -20.0), np.full(200, -80.0)]
    found = np.flatnonzero(tail_frames(silent))
    # half a second after the last sounding frame
    assert found[0] == 100 and found[-1] == 223 and len(found) == 124


def test_a_tail_is_measured_over_the_sounding_level(random):
    """A room's sound has a tail; a steady one has no rest to measure it in."""
    dry = notes(random)
    wet = fftconvolve(dry, room(0.6, 0.0, random))[:SAMPLES].astype(np.float32)
    truth = measure_truth(dry, dry)
    tails = [compare(truth, sound, 0)[0]["tail_db"] for sound in (dry, wet, 10 ** (-5 / 20) * wet)]
    assert tails[0] < -40 and -25 < tails[1] < -5 and tails[2] == pytest.approx(tails[1], abs=0.01)
    steady = 0.1 * np.sin(2 * np.pi * 440 * np.arange(SAMPLES) / 16000).astype(np.float32)
    whole, _ = compare(measure_truth(steady, steady), steady, 0)
    assert np.isnan(whole["tail_db"]) and whole["frames_tail"] == 0


def test_a_silent_truth_is_undefined_not_zero(random):
    silence = np.zeros(SAMPLES, np.float32)
    whole, bands = compare(measure_truth(silence, silence), notes(random), 0)
    assert (
        np.isnan(whole["loudness_l1_db"])
        and np.isnan(whole["log_spectral_distance_db"])
        and whole["frames_sounding"] == 0
    )
    assert all(
        np.isnan(band["level_db"]) and np.isnan(band["log_spectral_distance_db"]) for band in bands
    )


def test_wpe_takes_reverberation_away(random):
    """In a room of the kind that it assumes: every sample comes back 48 ms later, again and
    again.
    """
    sound = random.normal(size=160000)
    wet = lfilter([1.0], np.r_[1.0, np.zeros(767), -0.7], sound)
    # frames that predict do not overlap the predicted one
    config = WpeConfig(fft=512, hop=128, taps=8, delay=4, iterations=2)
    kept = dereverberate(wet, config)
    assert kept.shape == wet.shape and kept.dtype == np.float32
    assert np.square(kept - sound).sum() < 0.5 * np.square(wet - sound).sum()
    np.testing.assert_array_equal(kept, dereverberate(wet, config))


def example(random, sound):
    return {
        "audio": sound,
        "f0_hz": np.full(FRAMES, 330, np.float32),
        "loudness_db": np.full(FRAMES, -30, np.float32),
        "noise": random.uniform(-1, 1, SAMPLES).astype(np.float32),
    }


@pytest.fixture
def made(tmp_path, random):
    """A data set of two recordings with its truth, as a test split, and dry notes of three
    instruments: (data set, split, others).
    """
    true, split = room(0.5, 0.0, random), {}
    for part in ("audio", "truth"):
        (tmp_path / "set" / part).mkdir(parents=True)
    wavfile.write(tmp_path / "set" / "truth" / "room.wav", 16000, true)
    for name in ("a", "b"):
        dry = np.r_[notes(random), notes(random)]
        write_audio(tmp_path / "set" / "truth" / f"{name}.dry.wav", dry)
        wet = fftconvolve(dry, true)[: len(dry)].astype(np.float32)
        write_audio(tmp_path / "set" / "audio" / f"{name}.wav", wet)
        split[f"{name}@{FRAMES}"] = example(random, wet[SAMPLES:])
    groups = pd.DataFrame({"instrument": "violin", "group": ["p", "q"]}, index=list(split))
    other = {
        f"n{number}@0": example(random, 6 * notes(random, 200.0 + 50 * number))
        for number in range(7)
    }
    about = pd.DataFrame({"instrument": [*"xxxyyzz"], "group": [*"1122345"]}, index=list(other))
    return tmp_path / "set", HeldOut("solo", split, groups), HeldOut("notes", other, about)


def small_model(values, **changes):
    tf.keras.utils.set_random_seed(0)
    config = ModelConfig(**values | {"reverb_seconds": 0.5, "use_z": False} | changes)
    network = Autoencoder(config, Statistics(loudness_mean=-40.0, loudness_std=10.0))
    network(
        {
            name: tf.zeros([1, SAMPLES if name in ("audio", "noise") else FRAMES]) + 1
            for name in ("audio", "noise", "f0_hz", "loudness_db")
        }
    )
    return network


def test_everything_is_compared_twice_alike(made, small_model_values, tmp_path):
    data_set, split, others = made
    for name in ("out", "again"):
        make_dereverberation(
            small_model(small_model_values), CONFIG, split, others, data_set, 2, tmp_path / name
        )
    assert hashes(tmp_path / "out") == hashes(tmp_path / "again")
    found = rows(tmp_path / "out")
    assert {name: len(table) for name, table in found.items()} == {
        "dereverberation": 10,
        "dereverberation_bands": 60,
        "learned_room": 21,
        "acoustic_transfer": 12,
        "acoustic_transfer_bands": 72,
    }
    by_signal = found["dereverberation"].groupby("signal").mean(numeric_only=True)
    # the wet and dry sounds are cut at one place
    assert by_signal.spectral_loss["dry"] < 1e-3 < by_signal.spectral_loss["wpe"]
    assert (by_signal.delay_ms[["wet", "wpe"]] <= 4).all()
    assert by_signal.tail_db["dry"] < by_signal.tail_db["wpe"] < by_signal.tail_db["wet"]
    transferred = found["acoustic_transfer"].groupby("response").mean(numeric_only=True)
    assert (
        transferred.spectral_loss["true"] == pytest.approx(0, abs=1e-6)
        and transferred.spectral_loss["dry"] > 0.1
    )
    learned = found["learned_room"].query("band_hz == 'all'").set_index("response")
    assert (
        learned.t60_seconds["true"] == pytest.approx(0.5, rel=0.1)
        and learned.decay_distance_db["true"] == 0
    )
    assert sorted(set(found["acoustic_transfer"].group)) == ["1", "2", "5"]
    # what a room adds is not clipped
    assert np.abs(load_audio(tmp_path / "out" / "transfer" / "true", "n0@0")).max() < 1
    check_tables(found, tmp_path)


def check_tables(found, tmp_path):
    """Every study of the stage has a table of these rows, and the picture is drawn."""
    studies = [study for study in TABLES if study.stage == "dereverberation"]
    assert sorted(study.name for study in studies) == sorted(found)
    named = {name: table.assign(experiment="solo", seed=0) for name, table in found.items()}
    for study in studies:
        study_tables.check_rows(named[study.name], study, {("solo", 0)})
        cells = study_tables.study_cells(named[study.name], study, TABULATE)
        study_tables.write_study_table(cells, study, tmp_path / "tables")
        figures = cells[~cells.metric.str.endswith("_minus_base")]
        assert (cells.clusters <= cells.examples).all() and len(figures) == len(
            study.metrics
        ) * cells[list(study.lines)].drop_duplicates().shape[0]
        assert "undefined" not in (tmp_path / "tables" / f"{study.name}.md").read_text()
    draw_dereverberation(named, tmp_path / "out", TABULATE, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 20_000


def test_transfer_takes_notes_of_all_instruments(made):
    *_, others = made
    assert (
        list(pick_evenly(others, 3).examples) == ["n0@0", "n3@0", "n6@0"]
        and len(pick_evenly(others, 99).examples) == 7
    )


def test_a_model_without_a_room_and_a_room_that_is_not_known_are_refused(
    made, small_model_values, tmp_path
):
    data_set, split, others = made
    with pytest.raises(UserError, match="dereverberation.experiments"):
        make_dereverberation(
            small_model(small_model_values, reverb_seconds=0.0),
            CONFIG,
            split,
            others,
            data_set,
            2,
            tmp_path / "out",
        )
    (data_set / "truth" / "room.wav").unlink()
    with pytest.raises(UserError, match="room.wav: no such file"):
        make_dereverberation(
            small_model(small_model_values), CONFIG, split, others, data_set, 2, tmp_path / "out"
        )
    assert not (tmp_path / "out").exists()
