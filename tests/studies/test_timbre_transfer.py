"""Timbre transfer: source lines, models that can play them, and the study from sound to rows."""

import numpy as np
import pandas as pd
import pytest

from batches import STATISTICS
from commands import ENVIRONMENT, error_line, hashes, run
from conftest import ROOT
from pipeline.common.cli import UserError
from pipeline.common.settings import Settings
from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.data.scores import read_allow_list
from pipeline.evaluation.timbre_transfer import rows
from pipeline.features.extract import FeaturesConfig
from pipeline.models.autoencoder import ModelConfig
from pipeline.models.recipe import Recipe, build_model, save_model
from pipeline.reporting.timbre_transfer_figure import draw_transfers
from pipeline.resynthesis.tracked_set import ResynthesizeConfig
from pipeline.studies.held_out import HeldOut
from pipeline.studies.source_lines import SourceLine, play_lines
from pipeline.studies.timbre_transfer import (
    TimbreTransferConfig,
    in_learned_room,
    load_autoencoder,
    transfer,
    write_reference,
    write_transfers,
)
from transfer_sounds import TARGET, curves, model_of, tone

CONFIG = Settings.read(ROOT / "params.yaml").section("timbre_transfer", TimbreTransferConfig)


def test_the_learned_room(random, small_model_values):
    audio = tone(300, seconds=0.5)
    assert in_learned_room(model_of(small_model_values, random), audio) is audio
    model = model_of(small_model_values, random, reverb_seconds=0.1)
    np.testing.assert_allclose(
        in_learned_room(model, audio), model.reverb(audio[None])[0], atol=1e-5
    )


def test_a_transfer_from_sound_to_rows(tmp_path, random, small_model_values):
    """All of it on a tone an octave below the target: with z and a room, twice with the same
    bytes.
    """
    model, features = (
        model_of(small_model_values, random, reverb_seconds=0.1),
        FeaturesConfig(crepe="tiny", f0_step_ms=64, viterbi=False),
    )
    tracking = ResynthesizeConfig(crepe="tiny", f0_step_ms=128, noise_seed=0, batch_size=2)
    low = SourceLine("low", "tone", "a", tone(261.63, seconds=2.5), np.full(625, 261.63))
    target = TARGET.model_copy(update={"pitch": 71.0})
    example = {"example_id": "x@0"} | {
        name: values[: len(values) // 2504 * 256] for name, values in curves(random, 2504).items()
    }
    held_out = HeldOut(
        "violin",
        {"x@0": example},
        pd.DataFrame({"instrument": ["violin"], "group": ["b"]}, index=["x@0"]),
    )
    made = transfer(model, low, target, features, room=True, noise_seed=0)
    assert made.adjustment.octaves == 1
    assert len(made.audio) == len(low.audio)
    assert np.isfinite(made.audio).all()
    assert np.median(made.f0_hz) == pytest.approx(523.25, rel=0.01)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        again = transfer(model, low, target, features, room=True, noise_seed=0)
        write_transfers(tmp_path / name, [again], target, tracking, 256)
        write_reference(tmp_path / name, model, held_out, 2)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")
    found = rows(tmp_path / "one")["timbre_transfer"]
    assert list(found.example_id) == ["low@0", "low@256", "x@0"]
    assert list(found.group) == ["a", "a", "b"]
    assert list(found.instrument.unique()) == ["tone", "violin, test clips"]
    assert found.example_id.is_unique
    assert (found.source_rpa_true[:2] == 1).all()
    assert (found.rpa_asked[:2] == 1).all()
    assert found.rpa[2:].isna().all()
    assert found.timbre_to_source.notna().all()
    assert found.loudness_correlation_asked[2] == pytest.approx(1)
    draw_transfers(found, tmp_path / "one", tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def lines_with(**changes):
    return CONFIG.lines.model_copy(update=changes)


def test_lines_are_of_pieces_that_are_not_trained_on():
    pieces = read_allow_list().pieces
    assert {pieces[name].split for name in CONFIG.lines.pieces} == {"test"}
    for name in ("beethoven-op74", "bolero"):
        with pytest.raises(
            UserError,
            match=f"'{name}' is not a piece outside the training split; choose from mozart-k80, ",
        ):
            play_lines(lines_with(pieces=[name]))


def test_a_line_lies_within_its_instruments_range():
    trumpet = CONFIG.lines.instruments["trumpet"]
    config = lines_with(pieces=CONFIG.lines.pieces[:1], instruments={"trumpet": trumpet})
    (line,) = play_lines(config)
    played = line.true_f0_hz[line.true_f0_hz > 0]
    assert trumpet.low - 0.5 < 69 + 12 * np.log2(played.min() / 440)
    assert 69 + 12 * np.log2(played.max() / 440) < trumpet.high + 0.5
    assert line.group == "mozart-k156"
    assert len(line.audio) == len(line.true_f0_hz) * HOP >= 12 * SAMPLE_RATE
    assert 0.05 < np.abs(line.audio).max() < 1
    np.testing.assert_array_equal(play_lines(config)[0].audio, line.audio)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"passage_seconds": (300.0, 400.0)},
            "passage_seconds: mozart-k156 has no passage of this length within the range of flute",
        ),
        ({"gain_db": 40.0}, "gain_db: flute-mozart-k156-1-015 would clip; lower it by"),
    ],
)
def test_lines_that_cannot_be_played_are_named(changes, message):
    with pytest.raises(UserError, match=message):
        play_lines(
            lines_with(
                pieces=["mozart-k156"],
                instruments={"flute": CONFIG.lines.instruments["flute"]},
                **changes,
            )
        )


def test_models_that_take_no_f0_are_named(tmp_path, small_model_values):
    with pytest.raises(
        UserError, match="none-0: no trained model; run `make repro`, or `dvc repro train@none-0`"
    ):
        load_autoencoder(tmp_path / "none-0")
    recipe = Recipe(ModelConfig(**small_model_values | {"f0": "resnet"}))
    save_model(build_model(recipe, STATISTICS), recipe, STATISTICS, tmp_path)
    with pytest.raises(UserError, match="cannot be given an f0"):
        load_autoencoder(tmp_path)


def test_make_transfer_without_a_recording_says_how():
    environment = {name: value for name, value in ENVIRONMENT.items() if name != "AUDIO"}
    done = run(
        ROOT,
        "env",
        "-i",
        f"PATH={environment['PATH']}",
        "make",
        "--silent",
        "-o",
        "environment",
        "transfer",
        check=False,
    )
    assert done.returncode == 2
    assert error_line(done) == "error: no recording; run make transfer AUDIO=path/to/recording.wav"
