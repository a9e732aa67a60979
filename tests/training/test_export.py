"""Exported models take any number of frames and the output of any pitch tracker."""

import numpy as np
import pytest
import tensorflow as tf

from batches import STATISTICS, random_batch
from pipeline.common.units import HOP
from pipeline.features.loudness import FLOOR_DB as FEATURES_FLOOR_DB
from pipeline.models.recipe import build_model, save_model
from pipeline.training.export import FLOOR_DB, NO_PITCH_HZ, across_gaps, export_model
from small_recipes import small_recipe

# z, an f0 encoder, a reverb without z, no recurrence, and the baselines
KINDS = ("supervised", "unsupervised", "solo_violin", "no_gru", "wavernn", "strided_conv", "stft")
LENGTHS = (1, 2, 7, 8, 9, 33)  # z has one MFCC frame per 8 control frames
FRAMES = 40


@pytest.fixture(scope="module", params=KINDS)
def exported(request, tmp_path_factory, small_model_values):
    """A small exported model of each kind."""
    folder = tmp_path_factory.mktemp(request.param)
    tf.keras.utils.set_random_seed(0)
    recipe = small_recipe(small_model_values, request.param)
    model = build_model(recipe, STATISTICS)
    if recipe.model.reverb_seconds:  # untrained, the room is nearly silent
        model.reverb.tail.assign(tf.random.normal(model.reverb.tail.shape, stddev=0.01))
    save_model(model, recipe, STATISTICS, folder)
    export_model(folder, folder / "exported")
    return tf.saved_model.load(folder / "exported")


@pytest.fixture(scope="module")
def harmonics(tmp_path_factory, small_model_values):
    """A small exported model without noise, so that harmonics are all of its sound."""
    folder = tmp_path_factory.mktemp("harmonics")
    recipe = small_recipe(small_model_values, "no_noise")
    save_model(build_model(recipe, STATISTICS), recipe, STATISTICS, folder)
    export_model(folder, folder / "exported")
    return tf.saved_model.load(folder / "exported")


def test_any_number_of_frames(exported, random):
    whole = random_batch(random, frames=max(LENGTHS))
    for frames in LENGTHS:
        given = {name: value[:, : frames * HOP] for name, value in whole.items()}
        given |= {name: whole[name][:, :frames] for name in ("f0_hz", "loudness_db")}
        sound = exported.resynthesize(**given)["audio"].numpy()
        assert sound.shape == (2, frames * HOP)
        assert np.isfinite(sound).all()


def undefined(given: dict) -> dict:
    """Return a batch with frames that have no f0 or loudness, in the ways of several trackers."""
    f0_hz = given["f0_hz"].numpy()
    loudness_db = given["loudness_db"].numpy()
    for frames, value in (
        ((10, 20), np.nan),
        ((24, 26), 0.0),
        ((30, 31), -1.0),
        ((37, 40), np.inf),
    ):
        f0_hz[:, slice(*frames)] = value
    f0_hz[1] = np.nan  # an example without any pitch
    for frames, value in (((0, 4), -np.inf), ((12, 13), np.nan), ((38, 40), -300.0)):
        loudness_db[:, slice(*frames)] = value
    return given | {"f0_hz": tf.constant(f0_hz), "loudness_db": tf.constant(loudness_db)}


def test_controls_without_a_value_give_finite_sound(exported, random):
    for name, value in exported.resynthesize(**undefined(random_batch(random, FRAMES))).items():
        assert np.isfinite(value).all(), name


def test_harmonics_are_silent_where_unvoiced_and_unchanged_elsewhere(harmonics, random):
    given = random_batch(random, FRAMES)
    f0_hz = given["f0_hz"].numpy()
    gap = slice(10, 20)
    f0_hz[:, gap] = np.exp(np.linspace(*np.log(f0_hz[:, [9, 20]].T), 12))[1:-1].T
    voiced = harmonics.resynthesize(**given | {"f0_hz": tf.constant(f0_hz)})["audio"].numpy()
    f0_hz[:, gap] = np.nan
    sound = harmonics.resynthesize(**given | {"f0_hz": tf.constant(f0_hz)})["audio"].numpy()
    assert np.abs(voiced[:, 10 * HOP : 19 * HOP]).max() > 1e-3
    assert np.abs(sound[:, 10 * HOP : 19 * HOP]).max() == 0
    for outside in (slice(0, 9 * HOP), slice(20 * HOP, None)):
        np.testing.assert_allclose(sound[:, outside], voiced[:, outside], atol=1e-4)


@pytest.mark.parametrize("loudness", [-np.inf, np.nan, -300.0])
def test_a_loudness_below_the_floor_is_the_floor(harmonics, random, loudness):
    given = random_batch(random, FRAMES)
    sounds = [
        harmonics.resynthesize(**given | {"loudness_db": tf.fill([2, FRAMES], np.float32(value))})
        for value in (loudness, FLOOR_DB)
    ]
    np.testing.assert_array_equal(*(sound["audio"] for sound in sounds))
    assert FLOOR_DB == FEATURES_FLOOR_DB


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("f0_hz: give at least one frame", lambda given: {k: v[:, :0] for k, v in given.items()}),
        ("loudness_db: give as many frames", lambda given: {"loudness_db": given["f0_hz"][:, 1:]}),
        ("audio: give 64 samples per frame", lambda given: {"audio": given["audio"][:, 1:]}),
        ("noise: give 64 samples per frame", lambda given: {"noise": given["noise"][:1]}),
        ("audio: give finite samples", lambda given: {"audio": given["audio"] * np.nan}),
        ("noise: give finite samples", lambda given: {"noise": given["noise"] * np.inf}),
        (
            "loudness_db: is infinitely loud",
            lambda given: {"loudness_db": given["f0_hz"] * np.inf},
        ),
    ],
)
def test_inputs_that_do_not_fit_are_named(harmonics, random, name, change):
    given = random_batch(random, FRAMES)
    with pytest.raises(tf.errors.InvalidArgumentError, match=name):
        harmonics.resynthesize(**given | change(given))


def test_f0_is_interpolated_in_log_frequency_and_held_at_the_ends(random):
    f0_hz = random.uniform(100, 1000, (3, 50)).astype(np.float32)
    voiced = random.uniform(size=(3, 50)) < 0.4
    voiced[2] = False
    filled = across_gaps(tf.constant(np.where(voiced, f0_hz, np.nan)), tf.constant(voiced)).numpy()
    frames = np.arange(50)
    for row in range(2):
        known = voiced[row]
        expected = np.exp(np.interp(frames, frames[known], np.log(f0_hz[row, known])))
        np.testing.assert_allclose(filled[row], expected, rtol=1e-5)
    np.testing.assert_array_equal(filled[voiced], f0_hz[voiced])
    np.testing.assert_allclose(filled[2], NO_PITCH_HZ, rtol=1e-6)
