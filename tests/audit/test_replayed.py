"""The audit's replays of studies: rows that are drawn, inputs of models, measurements."""

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from pipeline.audit.replay_checks import REPLAYS, pick
from pipeline.audit.replayed import (
    Player,
    control,
    dereverberation,
    extrapolation,
    learned_room,
    phases,
)
from pipeline.examples.schema import Statistics
from pipeline.models.autoencoder import Autoencoder, ModelConfig
from pipeline.studies.control import interpolate, with_z
from pipeline.studies.room_acoustics import describe_response

FRAMES = 256
PARAMS = {
    "resynthesize": {"crepe": "tiny", "f0_step_ms": 128, "batch_size": 2, "noise_seed": 0},
    "control": {"steps": 3},
    "phase": {"seed": 3},
}


def tone(hz, level=0.3):
    """About a second of five harmonics; CREPE is not confident of a sine."""
    time = np.arange(64 * FRAMES) / 16000
    return sum(
        level / number * np.sin(2 * np.pi * number * hz * time) for number in range(1, 6)
    ).astype(np.float32)


def example(name, hz, seed):
    noise = np.random.default_rng(seed).uniform(-1, 1, 64 * FRAMES).astype(np.float32)
    return {
        "example_id": name,
        "audio": tone(hz),
        "f0_hz": np.full(FRAMES, hz, np.float32),
        "loudness_db": np.full(FRAMES, -30 - seed, np.float32),
        "noise": noise,
    }


@pytest.fixture(scope="module")
def player(small_model_values, tmp_path_factory):
    tf.keras.utils.set_random_seed(0)
    model = Autoencoder(
        ModelConfig(**small_model_values | {"reverb_seconds": 0.2}),
        Statistics(loudness_mean=-40.0, loudness_std=10.0),
    )
    examples = {
        name: example(name, hz, seed)
        for seed, (name, hz) in enumerate({"a to b@0": 220.0, "c@0": 330.0, "d@0": 880.0}.items())
    }
    model({name: value[None] for name, value in examples["c@0"].items() if name != "example_id"})
    return Player(
        model,
        examples,
        PARAMS,
        tmp_path_factory.mktemp("params") / "params.yaml",
        tmp_path_factory.mktemp("data"),
        tmp_path_factory.mktemp("truth"),
    )


def table(**columns):
    return {
        name: np.array(values, dtype=object if isinstance(values[0], str) else float)
        for name, values in columns.items()
    }


@pytest.fixture
def played_inputs(monkeypatch):
    """The inputs that a player is given; it plays the examples' own audio."""
    inputs = []

    def play(self, examples):
        inputs.extend(examples)
        return [example["audio"] for example in examples]

    monkeypatch.setattr(Player, "play", play)
    return inputs


def test_following_is_measured_on_the_frames_that_count(player):
    asked = {"f0_hz": np.full(FRAMES, 440.0), "loudness_db": np.full(FRAMES, -20.0)}
    silence = np.zeros(64 * FRAMES, np.float32)
    too_high_for_crepe = asked | {"f0_hz": np.full(FRAMES, 4000.0)}
    silent = asked | {"loudness_db": np.full(FRAMES, -75.0)}
    figures = player.follow(asked, [tone(440), tone(220)], tone(880))
    assert figures["f0_l1"] == pytest.approx(12, abs=0.2)
    assert np.isnan(player.follow(asked, [tone(440), silence], tone(880))["f0_l1"])
    assert np.isnan(player.follow(too_high_for_crepe, [tone(440)], tone(880))["f0_l1"])
    assert np.isnan(player.follow(silent, [tone(440)], tone(880))["loudness_l1_db"])


def test_f0_may_follow_a_shifted_source(player):
    asked = {"f0_hz": np.full(FRAMES, 100.0), "loudness_db": np.full(FRAMES, -20.0)}
    figures = player.follow(asked, [tone(440)], tone(880), np.full(8, 880.0))
    assert figures["f0_l1"] == pytest.approx(0, abs=0.2)


def test_steps_of_control_are_those_of_the_study(player, played_inputs):
    pair = ("a to b@0", "c@0")  # an id may contain the text that joins a pair
    rows = table(example_id=[" to ".join(pair)] * 3, varied=["f0", "loudness", "z"], step=[1, 2, 1])
    assert len(list(control(player, rows))) == 3
    first, second = with_z(player.model, [player.examples[name] for name in pair])
    for asked, varied, share in zip(played_inputs, ("f0", "loudness", "z"), (0.5, 1.0, 0.5)):
        expected = interpolate(first, second, varied, share)
        for name in ("f0_hz", "loudness_db", "z", "noise"):
            np.testing.assert_allclose(asked[name], expected[name], rtol=1e-5, atol=1e-6)


def test_an_octave_doubles_f0_and_nothing_else(player, played_inputs):
    (figures,) = extrapolation(player, table(example_id=["c@0"], octaves=[1]))
    original = player.examples["c@0"]
    assert np.array_equal(played_inputs[0]["f0_hz"], 2 * original["f0_hz"])
    assert played_inputs[0]["loudness_db"] is original["loudness_db"]
    assert figures["f0_l1"] == pytest.approx(12, abs=0.2)


def test_only_other_phases_differ_from_the_first_version(player):
    rows = table(example_id=["c@0", "d@0"], version=["first", "other_phases"])
    first, other = phases(player, rows)
    assert first["waveform_distance"] == first["spectral_loss"] == 0
    assert first["spectral_loss_to_original"] > 0
    assert other["waveform_distance"] > 0
    assert other["spectral_loss"] > 0


def test_dry_sound_is_compared_with_the_true_dry_sound_where_the_example_was_cut(player):
    example = player.examples["d@0"]
    outputs = player.model(
        {name: value[None] for name, value in example.items() if name != "example_id"}
    )
    true_dry = np.pad(outputs["dry"][0].numpy(), (0, 500))
    soundfile.write(player.truth / "d.dry.wav", true_dry, 16000, subtype="FLOAT")
    rows = table(example_id=["d@0", "d@0"], signal=["model_dry", "model_wet"])
    dry, wet = dereverberation(player, rows)
    assert dry["spectral_loss_as_is"] == pytest.approx(0, abs=0.01)
    assert wet["spectral_loss_as_is"] > 0.1


def test_the_learned_room_is_measured_as_the_study_does(player):
    response = player.model.reverb.impulse_response().numpy()
    bands = ["all", "500"]
    measured = learned_room(player, table(example_id=["response"] * 2, band_hz=bands))
    for band, figures in zip(bands, measured, strict=True):
        expected = describe_response(response, response, band)
        assert figures == {name: pytest.approx(expected[name], abs=1e-3) for name in figures}


def test_only_rows_that_can_be_replayed_are_drawn_and_the_worst_is_added(random):
    rows = table(
        example_id=[f"{number}" for number in range(20)],
        signal=["wet", "model_dry"] * 10,
        spectral_loss_as_is=[float(number) for number in range(20)],
    )
    picked = pick(rows, REPLAYS["dereverberation"], random)
    assert set(picked["signal"]) == {"model_dry"}
    assert "19" in picked["example_id"]
    assert len(picked["example_id"]) in (2, 3)


def test_a_seed_draws_the_same_rows():
    rows = table(
        example_id=[f"{number}" for number in range(20)],
        loudness_l1_db=[float(number) for number in range(20)],
    )
    first, second = (
        pick(rows, REPLAYS["control"], np.random.default_rng(1))["example_id"] for _ in range(2)
    )
    assert list(first) == list(second)


def test_test_clips_of_timbre_transfer_are_not_drawn(random):
    rows = table(example_id=["line", "clip"], octaves=[1.0, np.nan], loudness_l1_db=[1.0, 9.0])
    assert list(pick(rows, REPLAYS["timbre_transfer"], random)["example_id"]) == ["line"]


def test_an_undefined_error_is_not_the_worst(random):
    rows = table(
        example_id=list("abcdef"),
        octaves=[0.0] * 6,
        loudness_l1_db=[np.nan, 1.0, 5.0, 2.0, np.nan, 3.0],
    )
    assert "c" in pick(rows, REPLAYS["extrapolation"], random)["example_id"]
