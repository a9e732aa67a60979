"""Dereverberation: WPE in a room it assumes, and the study from sound to tables in a small room."""

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
from pipeline.studies.wpe import WpeConfig, dereverberate
from room_sounds import FRAMES, SAMPLES, notes, room

WPE = WpeConfig(fft=512, hop=128, taps=10, delay=2, iterations=2)
CONFIG = DereverberationConfig(
    experiments=["solo"], wpe=WPE, transfer=TransferConfig(data="notes", clips=3), seed=0
)
TABULATE = TabulateConfig(bases={}, resamples=200, seed=0)


def test_wpe_takes_reverberation_away(random):
    """The room is of the kind WPE assumes: an echo that repeats every 48 ms."""
    sound = random.normal(size=160000)
    wet = lfilter([1.0], np.r_[1.0, np.zeros(767), -0.7], sound)
    # The predicting frames do not overlap the predicted one.
    config = WpeConfig(fft=512, hop=128, taps=8, delay=4, iterations=2)
    kept = dereverberate(wet, config)
    assert kept.shape == wet.shape
    assert kept.dtype == np.float32
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
    """Write a data set of two recordings with its truth; return its folder, its test split and a
    split of dry notes of three instruments.
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
        example_id = f"{name}@{FRAMES}"
        split[example_id] = {"example_id": example_id} | example(random, wet[SAMPLES:])
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
    # Wet and dry sounds are cut at the same place.
    assert by_signal.spectral_loss["dry"] < 1e-3 < by_signal.spectral_loss["wpe"]
    assert (by_signal.delay_ms[["wet", "wpe"]] <= 4).all()
    assert by_signal.tail_db["dry"] < by_signal.tail_db["wpe"] < by_signal.tail_db["wet"]
    transferred = found["acoustic_transfer"].groupby("response").mean(numeric_only=True)
    assert transferred.spectral_loss["true"] == pytest.approx(0, abs=1e-6)
    assert transferred.spectral_loss["dry"] > 0.1
    learned = found["learned_room"].query("band_hz == 'all'").set_index("response")
    assert learned.t60_seconds["true"] == pytest.approx(0.5, rel=0.1)
    assert learned.decay_distance_db["true"] == 0
    assert sorted(set(found["acoustic_transfer"].group)) == ["1", "2", "5"]
    # The room does not make sounds clip.
    assert np.abs(load_audio(tmp_path / "out" / "transfer" / "true", "n0@0")).max() < 1
    check_tables(found, tmp_path)


def check_tables(found, tmp_path):
    """Check that each of the stage's tables is made of these rows, and that the figure is drawn."""
    studies = [study for study in TABLES if study.stage == "dereverberation"]
    assert sorted(study.name for study in studies) == sorted(found)
    named = {name: table.assign(experiment="solo", seed=0) for name, table in found.items()}
    for study in studies:
        study_tables.check_rows(named[study.name], study, {("solo", 0)})
        cells = study_tables.study_cells(named[study.name], study, TABULATE)
        study_tables.write_study_table(cells, study, tmp_path / "tables")
        figures = cells[~cells.metric.str.endswith("_minus_base")]
        assert (cells.clusters <= cells.examples).all()
        assert (
            len(figures) == len(study.metrics) * cells[list(study.lines)].drop_duplicates().shape[0]
        )
        assert "undefined" not in (tmp_path / "tables" / f"{study.name}.md").read_text()
    draw_dereverberation(named, tmp_path / "out", TABULATE, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 20_000


def test_transfer_takes_notes_of_all_instruments(made):
    *_, others = made
    assert list(pick_evenly(others, 3).examples) == ["n0@0", "n3@0", "n6@0"]
    assert len(pick_evenly(others, 99).examples) == 7


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
