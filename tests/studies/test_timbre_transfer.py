"""Timbre transfer: lines, adjustment, playing in pieces, rows on signals with known answers."""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from batches import STATISTICS
from commands import ENVIRONMENT, error_line, hashes, run
from conftest import ROOT
from pipeline.audio.clips import Clip
from pipeline.common.cli import UserError
from pipeline.common.settings import Settings
from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.data.scores import read_allow_list
from pipeline.dsp.harmonic import phase_cycles
from pipeline.evaluation.timbre_transfer import correlation, rows, score, truth_scores
from pipeline.features.extract import FeaturesConfig
from pipeline.models.autoencoder import ModelConfig
from pipeline.models.recipe import Recipe, build_model, save_model
from pipeline.reporting.timbre_transfer_figure import draw_transfers
from pipeline.resynthesis.render import resynthesize
from pipeline.resynthesis.tracked_set import ResynthesizeConfig
from pipeline.studies.adjustment import adjust
from pipeline.studies.conditions import Condition
from pipeline.studies.held_out import HeldOut
from pipeline.studies.playing import phase_at_frames, play_in_pieces
from pipeline.studies.source_lines import SourceLine, play_lines
from pipeline.studies.target import Target, describe_target, timbre, timbre_distance
from pipeline.studies.timbre_transfer import (
    TimbreTransferConfig,
    in_learned_room,
    load_autoencoder,
    transfer,
    write_reference,
    write_transfers,
)

CONFIG = Settings.read(ROOT / "params.yaml").section("timbre_transfer", TimbreTransferConfig)
TARGET = Target(
    pitch=72.0, loudness_mean=-30.0, loudness_std=8.0, timbre_mean=[0.0] * 12, timbre_std=[2.0] * 12
)


def tone(f0_hz, seconds=4.0, harmonics=8, amplitude=0.1):
    """A sum of harmonics that fall by 6 dB an octave: [samples]."""
    n = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return sum(
        amplitude / k * np.sin(2 * np.pi * k * f0_hz * n) for k in range(1, harmonics + 1)
    ).astype(np.float32)


def model_of(values, random, **changes):
    """A small model, its weights and its room drawn."""
    model = build_model(Recipe(ModelConfig(**values | changes)), STATISTICS)
    for weight in model.trainable_variables:
        weight.assign(
            random.normal(size=weight.shape) * (0.01 if "impulse" in weight.name else 0.3)
        )
    return model


def curves(random, frames):
    """What a model takes: f0 that wanders, loudness that swells."""
    steps = np.cumsum(random.normal(size=frames)) * 0.02
    audio, noise = random.normal(size=frames * HOP) * 0.1, random.uniform(-1, 1, frames * HOP)
    f0, loudness = 440 * 2 ** (steps / 12), -30 + 10 * np.sin(np.arange(frames) / 40)
    return {
        name: values.astype(np.float32)
        for name, values in {
            "audio": audio,
            "noise": noise,
            "f0_hz": f0,
            "loudness_db": loudness,
        }.items()
    }


@pytest.mark.parametrize(("midi", "octaves"), [(72, 0), (66.5, 0), (65.5, 1), (48, 2), (79, -1)])
def test_f0_is_moved_by_the_octaves_that_bring_it_nearest(midi, octaves):
    f0 = np.full(100, 440 * 2 ** ((midi - 69) / 12))
    f0[:30] *= 4  # not sounding, or not pitched: no matter what is tracked there
    loudness, confidence = np.full(100, -30.0), np.full(100, 0.9)
    loudness[:15], confidence[15:30] = -75.0, 0.5
    done, moved, _ = adjust(f0, confidence, loudness, TARGET)
    assert done.octaves == octaves and done.pitch == pytest.approx(midi)
    np.testing.assert_allclose(moved, f0 * 2.0**octaves, rtol=1e-6)


def test_loudness_gets_the_targets_mean_and_spread_and_silence_stays(random):
    loudness = np.r_[random.normal(-45, 4, 500), np.full(300, -74.0), np.full(200, -80.0)]
    done, _, moved = adjust(np.full(1000, 440.0), np.ones(1000), loudness, TARGET)
    assert moved[:500].mean() == pytest.approx(-30, abs=1e-3) and moved[
        :500
    ].std() == pytest.approx(8, abs=1e-3)
    np.testing.assert_array_equal(moved[500:], loudness[500:].astype(np.float32))
    assert done.loudness_scale == pytest.approx(8 / loudness[:500].std())
    assert np.corrcoef(moved[:500], loudness[:500])[0, 1] == pytest.approx(1, abs=1e-6)


def test_what_has_no_pitch_no_spread_or_no_sound_is_not_divided_by():
    flat, unsure = np.full(50, -40.0), np.full(50, 0.2)
    done, f0, moved = adjust(np.full(50, 100.0), unsure, flat, TARGET)
    assert done.octaves == 0 and np.isnan(done.pitch) and (f0 == 100).all() and (moved == -30).all()
    done, _, moved = adjust(np.full(50, 100.0), unsure, np.full(50, -80.0), TARGET)
    assert np.isnan(done.loudness_mean) and (moved == -80).all()


def test_the_target_is_that_of_sounding_and_pitched_frames():
    def example(midi, loudness, confidence):
        silent = np.arange(1000) >= 800
        return {
            "audio": tone(440 * 2 ** ((midi - 69) / 12)),
            "f0_hz": np.where(silent, 4000.0, 440 * 2 ** ((midi - 69) / 12)),
            "f0_confidence": np.full(1000, confidence),
            "loudness_db": np.where(silent, -80.0, loudness),
        }

    examples = [example(60, -20.0, 0.9), example(64, -30.0, 0.9), example(90, -40.0, 0.3)]
    target = describe_target(examples)
    assert target.pitch == pytest.approx(62, abs=1e-3)
    assert target.loudness_mean == pytest.approx(-30) and target.loudness_std == pytest.approx(
        np.std([20, 30, 40])
    )
    timbres = np.array([timbre(each["audio"], each["loudness_db"]) for each in examples])
    distances = [timbre_distance(each, np.array(target.timbre_mean), target) for each in timbres]
    # a training clip is 1 from the mean, as root mean square
    assert np.mean(np.square(distances)) == pytest.approx(1, abs=1e-6)


def test_timbre_is_neither_gain_nor_silence():
    bright, dull = (tone(300, harmonics=count) for count in (20, 2))
    sounding = np.full(1000, -20.0)
    same, other = (
        timbre_distance(timbre(bright, sounding), timbre(bright * 0.3, sounding), TARGET),
        timbre_distance(timbre(bright, sounding), timbre(dull, sounding), TARGET),
    )
    assert same < 0.01 and other > 10 * max(same, 0.1)
    half = np.r_[bright[:32000], np.zeros(32000, np.float32)]
    heard = np.r_[np.full(480, -20.0), np.full(520, -80.0)]
    assert timbre_distance(timbre(half, heard), timbre(bright, sounding), TARGET) < 0.2
    assert np.isnan(timbre(half, np.full(1000, -80.0))).all()
    assert timbre_distance(np.zeros(12), np.full(12, 6.0), TARGET) == 3.0


def test_phase_at_frames_is_the_synthesizers(random):
    f0 = curves(random, 700)["f0_hz"]
    within = (f0 / SAMPLE_RATE).astype(float)  # the phase after a frame's first sample
    found = phase_cycles(tf.constant(f0[None]))[0, :, 0].numpy() - within
    difference = (found - phase_at_frames(f0) + 0.5) % 1 - 0.5
    assert np.abs(difference).max() < 1e-4


@pytest.mark.parametrize("changes", [{"reverb_seconds": 0.1}, {"use_z": True, "noise_bands": 0}])
def test_pieces_join_without_a_seam(random, small_model_values, changes):
    """A model without recurrence in the decoder plays in pieces what it plays at once; z's own
    recurrence finds its state in the lead.
    """
    model = model_of(small_model_values, random, **{"gru_units": 0, "use_z": False} | changes)
    inputs = curves(random, 2504)
    (whole,) = resynthesize(model, [inputs], 1)
    pieces = play_in_pieces(model, inputs, piece=800)
    assert pieces.shape == whole.shape == (2504 * HOP,)
    assert np.abs(pieces - whole).max() < 1e-3 * np.abs(whole).max()
    unaligned = np.concatenate(
        [
            next(
                resynthesize(
                    model,
                    [
                        {
                            name: values[
                                start * (len(values) // 2504) : (start + 800)
                                * (len(values) // 2504)
                            ]
                            for name, values in inputs.items()
                        }
                    ],
                    1,
                )
            )
            for start in range(0, 2504, 800)
        ]
    )
    assert np.abs(unaligned - whole).max() > 0.1 * np.abs(whole).max()


def test_the_learned_room(random, small_model_values):
    audio = tone(300, seconds=0.5)
    assert in_learned_room(model_of(small_model_values, random), audio) is audio
    model = model_of(small_model_values, random, reverb_seconds=0.1)
    np.testing.assert_allclose(
        in_learned_room(model, audio), model.reverb(audio[None])[0], atol=1e-5
    )


def clip(f0=440.0, loudness=None, confidence=0.95):
    loudness = np.linspace(-40, -20, 1000) if loudness is None else loudness
    return Clip(tone(f0), loudness, np.full(32, f0), np.full(32, confidence))


def scored(source, output, octaves, asked=None):
    asked = source.loudness_db if asked is None else asked
    condition = Condition(
        np.full(1000, source.f0_hz[0] * 2.0**octaves), asked, source.confidence >= 0.85
    )
    return score(source, output, condition, octaves, TARGET, step_ms=128)


def test_a_transfer_that_does_what_it_was_asked_is_perfect():
    row = scored(clip(), clip(f0=880.0), octaves=1)
    assert row["rpa"] == row["rca"] == row["rpa_asked"] == 1 and row["f0_l1"] == pytest.approx(0)
    assert row["loudness_correlation"] == pytest.approx(1) and row["loudness_l1_db"] == 0
    assert row["frames_pitched"] == 32 and row["frames_outlier"] == row["frames_beyond"] == 0
    assert scored(clip(), clip(), octaves=0)["timbre_to_source"] == 0


def test_a_wrong_octave_keeps_chroma_and_loses_pitch():
    row = scored(clip(), clip(), octaves=1)
    assert row["rpa"] == 0 and row["rca"] == 1 and row["f0_l1"] == pytest.approx(12)
    assert scored(clip(), clip(f0=500.0), octaves=0)["rca"] == 0


def test_loudness_is_compared_with_what_was_asked_and_correlated_with_the_source():
    source, output = clip(), clip(loudness=np.linspace(-30, -20, 1000))
    row = scored(source, output, 0, asked=np.linspace(-32, -22, 1000))
    assert row["loudness_correlation"] == pytest.approx(1) and row[
        "loudness_l1_db"
    ] == pytest.approx(2)
    falling = scored(source, clip(loudness=np.linspace(-20, -40, 1000)), 0)
    assert falling["loudness_correlation"] == pytest.approx(-1) and falling[
        "loudness_correlation_asked"
    ] == pytest.approx(1)


def test_undefined_is_not_zero():
    silent = clip(loudness=np.full(1000, -80.0), confidence=0.3)
    row = scored(silent, clip(), 0)
    for name in (
        "rpa",
        "rca",
        "f0_l1",
        "loudness_correlation",
        "loudness_l1_db",
        "timbre_to_source",
        "timbre_source_to_training",
    ):
        assert np.isnan(row[name]), name
    assert row["frames_pitched"] == row["frames_sounding"] == row[
        "frames_source"
    ] == 0 and np.isfinite(row["timbre_to_training"])
    assert np.isnan(correlation(np.ones(9), np.arange(9))) and np.isnan(
        correlation(np.ones(1), np.ones(1))
    )
    beyond = scored(clip(f0=1500.0), clip(), octaves=1)  # CREPE cannot track 3000 Hz
    assert np.isnan(beyond["rpa"]) and beyond["frames_beyond"] == 32


def test_the_truth_tells_an_octave_error_of_the_tracker():
    """Tracked an octave too high, moved an octave down: the output is right."""
    source = clip()._replace(f0_hz=np.full(32, 880.0))
    truth = np.where(np.arange(1000) < 512, 440.0, 0.0)
    found = truth_scores(source, clip(), truth, 128)
    assert found == {"source_rpa_true": 0, "rca_true": 1, "frames_true": 16}
    assert np.isnan(truth_scores(source, clip(), None, 128)["rca_true"])


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
    assert (
        made.adjustment.octaves == 1
        and len(made.audio) == len(low.audio)
        and np.isfinite(made.audio).all()
    )
    assert np.median(made.f0_hz) == pytest.approx(523.25, rel=0.01)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        again = transfer(model, low, target, features, room=True, noise_seed=0)
        write_transfers(tmp_path / name, [again], target, tracking, 256)
        write_reference(tmp_path / name, model, held_out, 2)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")
    found = rows(tmp_path / "one")["timbre_transfer"]
    assert list(found.example_id) == ["low@0", "low@256", "x@0"] and list(found.group) == [
        "a",
        "a",
        "b",
    ]
    assert (
        list(found.instrument.unique()) == ["tone", "violin, test clips"]
        and found.example_id.is_unique
    )
    assert (
        (found.source_rpa_true[:2] == 1).all()
        and (found.rpa_asked[:2] == 1).all()
        and found.rpa[2:].isna().all()
    )
    assert found.timbre_to_source.notna().all() and found.loudness_correlation_asked[
        2
    ] == pytest.approx(1)
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
    assert (
        trumpet.low - 0.5 < 69 + 12 * np.log2(played.min() / 440)
        and 69 + 12 * np.log2(played.max() / 440) < trumpet.high + 0.5
    )
    assert (
        line.group == "mozart-k156"
        and len(line.audio) == len(line.true_f0_hz) * HOP >= 12 * SAMPLE_RATE
    )
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
    recipe = Recipe(ModelConfig(**small_model_values | {"f0": "encoded"}))
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
    assert (
        done.returncode == 2
        and error_line(done) == "error: no recording; run make transfer AUDIO=path/to/recording.wav"
    )
