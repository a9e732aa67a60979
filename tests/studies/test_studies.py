"""The studies: what is played, what is measured on it, the tables; against closed forms and
known sounds.
"""

import itertools

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from pipeline.audio.clips import Clip, store_audio, write_tracks
from pipeline.common.cli import UserError
from pipeline.common.params import STUDIES
from pipeline.common.settings import Settings, check_studies
from pipeline.dsp.harmonic import hann_envelope, harmonic_synthesis, normalized_distribution
from pipeline.evaluation import control, extrapolation, phase
from pipeline.evaluation.centroid import spectral_centroid
from pipeline.evaluation.control import describe_trajectory
from pipeline.evaluation.following import follow
from pipeline.examples.schema import Statistics
from pipeline.models.autoencoder import Autoencoder, ModelConfig
from pipeline.reporting.cells import TabulateConfig
from pipeline.reporting.studies import CONTROL, EXTRAPOLATION, PHASE
from pipeline.reporting.study_tables import check_rows, study_cells, write_study_table
from pipeline.studies.conditions import CLIPS, PLAN, Condition, read_conditions, write_conditions
from pipeline.studies.control import (
    Step,
    choose_pairs,
    controllable_features,
    interpolate,
    plan_steps,
    with_z,
)
from pipeline.studies.phase import VERSIONS, harmonics_with_phases, play_versions

FRAMES, STEP_MS = 256, 128
SAMPLES, COARSE = 64 * FRAMES, 8
CONFIG = TabulateConfig(bases={}, resamples=200, seed=0)


def tone(hz, decibels=-20.0):
    return (10 ** (decibels / 20) * np.sin(2 * np.pi * hz * np.arange(SAMPLES) / 16000)).astype(
        np.float32
    )


def measured(hz, decibels, confidence=1.0, audio=None):
    """A clip as an ideal tracker would see a tone of 1 kHz weighting."""
    return Clip(
        tone(hz) if audio is None else audio,
        np.full(FRAMES, decibels),
        np.full(COARSE, float(hz)),
        np.full(COARSE, confidence),
    )


def asked(hz, decibels):
    return Condition(np.full(FRAMES, float(hz)), np.full(FRAMES, decibels), np.ones(COARSE, bool))


@pytest.fixture(scope="module")
def model(small_model_values):
    tf.keras.utils.set_random_seed(0)
    network = Autoencoder(
        ModelConfig(**small_model_values | {"reverb_seconds": 0.1}),
        Statistics(loudness_mean=-40.0, loudness_std=10.0),
    )
    network(example_batch(np.random.default_rng(0)))
    # noise starts so quiet that rounding swallows it
    network.noise_head.bias.assign(tf.fill(network.noise_head.bias.shape, 6.0))
    return network


def example(random, hz=300.0, name="a@0"):
    return {
        "example_id": name,
        "audio": tone(hz),
        "f0_hz": np.full(FRAMES, hz, np.float32),
        "loudness_db": np.full(FRAMES, -30, np.float32),
        "noise": random.uniform(-1, 1, SAMPLES).astype(np.float32),
    }


def example_batch(random):
    return {
        name: tf.constant(value[None])
        for name, value in example(random).items()
        if name != "example_id"
    }


def test_following_is_measured_in_semitones_decibels_and_shares():
    found = follow(asked(440, -30.0), measured(440 * 2 ** (1 / 12), -24.0), STEP_MS)
    assert found["f0_l1"] == pytest.approx(1, abs=1e-6) and found[
        "loudness_l1_db"
    ] == pytest.approx(6)
    assert found["frames_outlier"] == 0 and found["frames_pitched"] == 8
    assert (
        follow(asked(440, -30.0), measured(440, -30.0, confidence=0.5), STEP_MS)["frames_outlier"]
        == 8
    )


def test_what_the_tracker_cannot_hear_is_left_out_and_counted():
    found = follow(asked(4000, -30.0), measured(4000, -30.0), STEP_MS)
    assert (
        np.isnan(found["f0_l1"])
        and found["frames_pitched"] == 0
        and found["frames_beyond"] == found["frames_asked"] == 8
    )


def test_the_centroid_of_a_tone_is_its_frequency():
    assert np.median(spectral_centroid(tone(1000))) == pytest.approx(1000, abs=2)
    assert follow(asked(500, -30.0), measured(500, -20.0, audio=tone(1000)), STEP_MS)[
        "centroid_harmonics"
    ] == pytest.approx(2, rel=0.1)


def test_silence_has_no_centroid():
    assert np.isnan(
        follow(
            asked(440, -30.0), measured(440, -80.0, audio=np.zeros(SAMPLES, np.float32)), STEP_MS
        )["centroid_hz"]
    )


def test_pairs_are_of_different_instruments_and_each_note_is_first_once():
    instruments = {
        f"{name}{number}": name for name in ("oboe", "flute", "viola") for number in range(10)
    }
    pairs = choose_pairs(instruments, 30, 0)
    assert all(instruments[one] != instruments[other] for one, other in pairs)
    assert len({one for one, _ in pairs}) == 30 and pairs == choose_pairs(
        instruments, 30, 0
    ) != choose_pairs(instruments, 30, 1)
    with pytest.raises(UserError, match="one example"):
        choose_pairs({"a": "oboe"}, 1, 0)


def test_interpolation_is_even_in_what_is_heard():
    first = {"f0_hz": np.array([200.0]), "loudness_db": np.array([-60.0]), "z": np.zeros((1, 2))}
    second = {"f0_hz": np.array([800.0]), "loudness_db": np.array([-20.0]), "z": np.ones((1, 2))}
    assert interpolate(first, second, "f0", 0.5)["f0_hz"] == pytest.approx(400)
    assert interpolate(first, second, "loudness", 0.25)["loudness_db"] == pytest.approx(-50)
    moved = interpolate(first, second, "z", 0.5)
    assert (moved["z"] == 0.5).all() and moved["f0_hz"] == 200 and moved["loudness_db"] == -60


def test_the_first_step_is_one_clip_whatever_is_varied():
    plan = plan_steps(2, ("f0", "z"), 5)
    assert len(plan) == 20 and len({step.clip() for step in plan}) == 18
    assert Step(1, "f0", 0).clip() == Step(1, "z", 0).clip()


def test_z_of_the_example_itself_changes_nothing(model, random):
    batch = example_batch(random)
    given = with_z(model, [example(np.random.default_rng(0))])[0]
    assert controllable_features(model) == ("loudness", "f0", "z")
    np.testing.assert_allclose(
        model(batch)["audio"], model(batch | {"z": given["z"][None]})["audio"], atol=1e-5
    )


def test_a_way_up_a_way_down_and_a_jump():
    steps = np.arange(5.0)
    assert describe_trajectory(steps, steps) == pytest.approx((1, 0.25))
    assert describe_trajectory(-steps, steps) == pytest.approx(
        (-1, 0.25)
    )  # it goes where it was not asked to
    assert describe_trajectory(np.full(5, np.nan), -steps) == pytest.approx((1, 0.25))
    assert describe_trajectory(steps, np.array([0, 0, 0, 1, 1.0]))[1] == 1
    assert np.isnan(describe_trajectory(steps, np.full(5, 3.0))).all()


def test_chance_of_a_way_without_a_goal_is_as_the_table_says():
    found = [
        describe_trajectory(np.full(5, np.nan), np.array(order, float))[0]
        for order in itertools.permutations(range(5))
    ]
    assert np.mean(found) == pytest.approx(0.4) and "0.4 on average" in CONTROL.about


def test_harmonics_without_phases_are_the_synthesizer(random):
    f0, shape = (
        np.full(FRAMES, 220, np.float32),
        random.uniform(0, 1, (1, FRAMES, 30)).astype(np.float32),
    )
    distribution = normalized_distribution(tf.constant(f0[None]), tf.constant(shape))
    amplitude = random.uniform(0, 1, FRAMES).astype(np.float32)
    expected = harmonic_synthesis(
        tf.constant(f0[None]), tf.constant(amplitude[None]), distribution
    )[0]
    amplitudes = amplitude[:, None] * distribution[0].numpy()
    plain = harmonics_with_phases(f0, amplitudes, hann_envelope().numpy(), np.zeros(30))
    np.testing.assert_allclose(plain, expected, atol=1e-4)
    quarter = harmonics_with_phases(f0, amplitudes, hann_envelope().numpy(), np.full(30, np.pi / 2))
    assert np.sqrt(np.square(quarter - plain).sum() / np.square(plain).sum()) == pytest.approx(
        np.sqrt(2), rel=0.02
    )


def test_versions_differ_only_in_what_they_should(model):
    examples = [example(np.random.default_rng(n), 200.0 + 100 * n, f"{n}@0") for n in range(3)]
    played = [versions for _, versions in play_versions(model, examples, 7, 2)]
    again = [versions for _, versions in play_versions(model, examples, 7, 2)]
    for one, other, source in zip(played, again, examples):
        assert set(one) == set(VERSIONS) and all(
            np.array_equal(one[name], other[name]) for name in VERSIONS
        )
        assert np.array_equal(one["original"], source["audio"])
        assert not np.allclose(one["first"], one["other_phases"]) and not np.array_equal(
            one["first"], one["other_noise"]
        )


def test_what_is_drawn_for_an_example_does_not_hang_on_the_others(model):
    examples = [example(np.random.default_rng(n), 200.0 + 100 * n, f"{n}@0") for n in range(3)]
    (_, alone), (*_, (_, among)) = (
        next(play_versions(model, examples[2:], 7, 1)),
        play_versions(model, examples, 7, 2),
    )
    for version in VERSIONS:
        np.testing.assert_allclose(alone[version], among[version], atol=1e-5)


def test_rows_and_tables_of_control(tmp_path):
    ways = {"f0": [200, 300, 400], "loudness": [-40, -30, -20]}
    clips, conditions, lines = {}, {}, []
    for varied, values in ways.items():
        for step, value in enumerate(values):
            hz, decibels = (value, -40.0) if varied == "f0" else (200, float(value))
            name = f"{varied}{step}"
            clips[name], conditions[name] = measured(hz, decibels), asked(hz, decibels)
            lines.append(
                {"example_id": "a to b", "group": "g", "varied": varied, "step": step, "clip": name}
            )
    save_tracked(tmp_path, clips, conditions, pd.DataFrame(lines))
    rows = control.rows(tmp_path)["control"]
    assert (
        (rows.f0_l1 < 1e-5).all()
        and (rows.loudness_l1_db < 1e-5).all()
        and rows.spearman.eq(1).all()
    )
    assert rows[rows.varied == "loudness"].largest_step.tolist() == pytest.approx([0.5] * 3)
    cells = study_cells(rows.assign(experiment="supervised", seed=0), CONTROL, CONFIG)
    write_study_table(cells, CONTROL, tmp_path)
    assert set(cells.varied) == {"f0", "loudness"} and set(cells.rows) == {"control-supervised-0"}
    assert "| supervised" in (tmp_path / "control.md").read_text()


def save_tracked(folder, clips, conditions, plan):
    (folder / CLIPS).mkdir()
    for name, clip in clips.items():
        store_audio(folder / CLIPS, name, clip.audio)
    write_tracks(folder / CLIPS, clips, STEP_MS)
    write_conditions(folder, conditions)
    plan.to_csv(folder / PLAN, index=False)
    assert read_conditions(folder).keys() == conditions.keys()


def test_rows_of_extrapolation(tmp_path):
    clips = {f"a@0-{octaves:+d}": measured(440 * 2.0**octaves, -30.0) for octaves in (-1, 0)}
    conditions = {f"a@0-{octaves:+d}": asked(440 * 2.0**octaves, -30.0) for octaves in (-1, 0)}
    plan = pd.DataFrame(
        [("a@0", "g", octaves, f"a@0-{octaves:+d}") for octaves in (-1, 0)],
        columns=["example_id", "group", "octaves", "clip"],
    )
    save_tracked(tmp_path, clips, conditions, plan)
    rows = extrapolation.rows(tmp_path)["extrapolation"].assign(experiment="solo_violin", seed=0)
    assert rows.f0_l1.max() < 1e-5 and rows.octaves.tolist() == [-1, 0]
    check_rows(rows, EXTRAPOLATION, {("solo_violin", 0)})
    cells = (
        study_cells(rows.assign(loudness_l1_db=[3.0, 1.0]), EXTRAPOLATION, CONFIG)
        .set_index(["octaves", "metric"])
        .value
    )
    assert (
        cells[-1, "loudness_l1_db_minus_base"] == 2
        and (0, "loudness_l1_db_minus_base") not in cells.index
    )
    assert (
        not study_cells(rows[rows.octaves < 0], EXTRAPOLATION, CONFIG)
        .metric.str.contains("minus")
        .any()
    )
    with pytest.raises(UserError, match="params.yaml names"):
        check_rows(rows, EXTRAPOLATION, {("solo_violin", 0), ("solo_violin", 1)})
    with pytest.raises(UserError, match="other lines or examples"):
        check_rows(
            pd.concat([rows, rows.head(1).assign(seed=1)]),
            EXTRAPOLATION,
            {("solo_violin", 0), ("solo_violin", 1)},
        )


def test_rows_of_phase(tmp_path, random):
    sound = tone(440)
    versions = {
        "original": sound,
        "first": sound,
        "other_phases": -sound,
        "other_noise": np.zeros_like(sound),
    }
    for version, audio in versions.items():
        (tmp_path / version).mkdir()
        store_audio(tmp_path / version, "a@0", audio)
    pd.DataFrame({"example_id": ["a@0"], "group": ["g"]}).to_csv(tmp_path / PLAN, index=False)
    rows = phase.rows(tmp_path)["phase"].set_index("version")
    assert rows.waveform_distance.to_dict() == pytest.approx(
        {"first": 0, "other_phases": 2, "other_noise": 1}, abs=1e-5
    )
    # the loss hears no phase
    assert rows.spectral_loss["other_phases"] < 1e-4 < rows.spectral_loss["other_noise"]
    assert set(PHASE.metrics[0]) and rows.spectral_loss_to_original["first"] < 1e-4


def test_studies_name_autoencoders_that_exist(tmp_path):
    params = {
        "experiments": {"supervised": {"data": "notes"}, "stft": {"data": "notes", "stft": {}}},
        "data": {"notes": {}},
    }
    studies = {name: {"experiments": []} for name in STUDIES}
    check_studies(Settings(tmp_path, params | studies))
    for wrong, said in (
        (["nobody"], "no experiment 'nobody'"),
        (["stft"], "not a DDSP autoencoder"),
        ("supervised", "must be a list"),
    ):
        with pytest.raises(UserError, match=said):
            check_studies(Settings(tmp_path, params | studies | {"phase": {"experiments": wrong}}))
