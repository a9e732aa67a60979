"""The audit's sample of the studies: which rows are drawn, what a model is given for them, how
the result is measured.
"""

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from pipeline.audit.replayed import (
    TABLES,
    Player,
    control,
    dereverberation,
    extrapolation,
    learned_room,
    phases,
    pick,
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
    """A second and a bit of five harmonics: CREPE is not sure of a sine."""
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


def given(player, monkeypatch):
    """What a model is given, gathered while its sound is that of the examples."""
    inputs = []
    monkeypatch.setattr(
        Player,
        "play",
        lambda self, examples: inputs.extend(examples) or [each["audio"] for each in examples],
    )
    return inputs


def test_following_is_measured_on_the_frames_that_count(player):
    asked = {"f0_hz": np.full(FRAMES, 440.0), "loudness_db": np.full(FRAMES, -20.0)}
    found = player.follow(asked, [tone(440), tone(220)], tone(880))
    assert found["f0_l1"] == pytest.approx(12, abs=0.2)
    # one source has no pitch
    assert np.isnan(
        player.follow(asked, [tone(440), np.zeros(64 * FRAMES, np.float32)], tone(880))["f0_l1"]
    )
    # CREPE cannot hear that
    assert np.isnan(
        player.follow(asked | {"f0_hz": np.full(FRAMES, 4000.0)}, [tone(440)], tone(880))["f0_l1"]
    )
    assert np.isnan(
        player.follow(asked | {"loudness_db": np.full(FRAMES, -75.0)}, [tone(440)], tone(880))[
            "loudness_l1_db"
        ]
    )


def test_a_source_that_was_moved_is_what_is_wanted(player):
    asked = {"f0_hz": np.full(FRAMES, 100.0), "loudness_db": np.full(FRAMES, -20.0)}
    assert player.follow(asked, [tone(440)], tone(880), np.full(8, 880.0))[
        "f0_l1"
    ] == pytest.approx(0, abs=0.2)


def test_steps_of_control_are_those_of_the_study(player, monkeypatch):
    inputs, pair = given(player, monkeypatch), ("a to b@0", "c@0")  # an id may hold what joins them
    rows = table(example_id=[" to ".join(pair)] * 3, varied=["f0", "loudness", "z"], step=[1, 2, 1])
    assert len(list(control(player, rows))) == 3
    first, second = with_z(player.model, [player.examples[name] for name in pair])
    for asked, varied, share in zip(inputs, ("f0", "loudness", "z"), (0.5, 1.0, 0.5)):
        expected = interpolate(first, second, varied, share)
        for name in ("f0_hz", "loudness_db", "z", "noise"):
            np.testing.assert_allclose(asked[name], expected[name], rtol=1e-5, atol=1e-6)


def test_octaves_double_f0_and_nothing_else(player, monkeypatch):
    inputs = given(player, monkeypatch)
    (found,) = extrapolation(player, table(example_id=["c@0"], octaves=[1]))
    original = player.examples["c@0"]
    assert (
        np.array_equal(inputs[0]["f0_hz"], 2 * original["f0_hz"])
        and inputs[0]["loudness_db"] is original["loudness_db"]
    )
    assert found["f0_l1"] == pytest.approx(12, abs=0.2)


def test_the_first_version_is_its_own_and_another_phase_is_not(player):
    found = list(
        phases(player, table(example_id=["c@0", "d@0"], version=["first", "other_phases"]))
    )
    assert (
        found[0]["waveform_distance"]
        == found[0]["spectral_loss"]
        == 0
        < found[0]["spectral_loss_to_original"]
    )
    assert found[1]["waveform_distance"] > 0 < found[1]["spectral_loss"]


def test_dry_sound_is_compared_with_the_true_dry_sound_where_the_example_was_cut(player):
    made = player.model(
        {
            name: value[None]
            for name, value in player.examples["d@0"].items()
            if name != "example_id"
        }
    )
    soundfile.write(
        player.truth / "d.dry.wav", np.pad(made["dry"][0].numpy(), (0, 500)), 16000, subtype="FLOAT"
    )
    dry, wet = dereverberation(
        player, table(example_id=["d@0", "d@0"], signal=["model_dry", "model_wet"])
    )
    assert (
        dry["spectral_loss_as_is"] == pytest.approx(0, abs=0.01)
        and wet["spectral_loss_as_is"] > 0.1
    )


def test_the_learned_room_is_measured_as_the_study_does(player):
    response = player.model.reverb.impulse_response().numpy()
    for band, found in zip(
        ("all", "500"),
        learned_room(player, table(example_id=["response"] * 2, band_hz=["all", "500"])),
    ):
        expected = describe_response(response, response, band)
        assert found == {name: pytest.approx(expected[name], abs=1e-3) for name in found}


def test_what_is_drawn_can_be_made_again_and_the_worst_is_among_it(random):
    rows = table(
        example_id=[f"{number}" for number in range(20)],
        signal=["wet", "model_dry"] * 10,
        spectral_loss_as_is=[float(n) for n in range(20)],
    )
    again = TABLES["dereverberation"]
    chosen = pick(rows, again, random)
    assert (
        set(chosen["signal"]) == {"model_dry"}
        and "19" in chosen["example_id"]
        and len(chosen["example_id"]) in (2, 3)
    )
    assert next(
        list(pick(rows, again, np.random.default_rng(1))["example_id"]) for _ in range(2)
    ) == list(pick(rows, again, np.random.default_rng(1))["example_id"])


def test_test_clips_that_were_not_moved_are_not_drawn(random):
    rows = table(example_id=["line", "clip"], octaves=[1.0, np.nan], loudness_l1_db=[1.0, 9.0])
    assert list(pick(rows, TABLES["timbre_transfer"], random)["example_id"]) == ["line"]


def test_an_undefined_error_is_not_the_worst(random):
    rows = table(
        example_id=list("abcdef"),
        octaves=[0.0] * 6,
        loudness_l1_db=[np.nan, 1.0, 5.0, 2.0, np.nan, 3.0],
    )
    assert "c" in pick(rows, TABLES["extrapolation"], random)["example_id"]
