"""The objective: its terms, their shares, and that each that is switched on does something."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from batches import STATISTICS
from conftest import ROOT
from pipeline.common.settings import Settings
from pipeline.common.units import HOP
from pipeline.data.notes import plan_notes, play
from pipeline.data.soundfont import packaged_soundfont
from pipeline.data.sources import read_data_set
from pipeline.features.loudness import loudness_curve
from pipeline.models.objective import LossConfig, Objective, term_shares
from pipeline.models.perceptual import random_pair_distance
from pipeline.models.recipe import build_model, read_recipe

SETTINGS = Settings.read(ROOT / "params.yaml")
EVERY_TERM = LossConfig(fft_sizes=(512, 128), alpha=0.7, perceptual_weight=0.5, perceptual_frames=2)
NOTES = 16
CROP_FRAMES = 128


def sounds(random) -> tuple[tf.Tensor, tf.Tensor]:
    target, audio = (random.normal(size=[3, 4096]) * 0.1 for _ in range(2))
    return tf.constant(target, tf.float32), tf.constant(audio, tf.float32)


def test_the_terms_add_up_to_the_objective(random):
    target, audio = sounds(random)
    objective = Objective(EVERY_TERM, perceptual_scale=0.3)
    terms = objective.terms(target, audio)
    assert list(terms) == ["magnitudes", "log_magnitudes", "perceptual"]
    assert all((losses > 0).numpy().all() for losses in terms.values())
    np.testing.assert_allclose(sum(terms.values()), objective(target, audio), rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"alpha": 0.0}, ["magnitudes", "perceptual"]),
        ({"perceptual_weight": 0.0}, ["magnitudes", "log_magnitudes"]),
        ({"alpha": 0.0, "perceptual_weight": 0.0}, ["magnitudes"]),
    ],
)
def test_what_is_switched_off_is_no_term(random, changes, names):
    target, audio = sounds(random)
    objective = Objective(EVERY_TERM.model_copy(update=changes))
    assert list(objective.terms(target, audio)) == names
    shares = term_shares(objective, target, audio)
    assert list(shares) == [f"{kind}_{name}" for kind in ("share", "gradient") for name in names]


def test_shares_add_up_to_one_and_follow_the_weight(random):
    target, audio = sounds(random)
    weights = (0.5, 1.0)
    once, twice = (
        term_shares(
            Objective(EVERY_TERM.model_copy(update={"perceptual_weight": weight})), target, audio
        )
        for weight in weights
    )
    for kind in ("share", "gradient"):
        for shares in (once, twice):
            total = sum(share for name, share in shares.items() if name.startswith(kind))
            assert abs(total - 1) < 1e-5
        odds = [
            shares[f"{kind}_perceptual"] / (1 - shares[f"{kind}_perceptual"])
            for shares in (once, twice)
        ]
        np.testing.assert_allclose(odds[1], 2 * odds[0], rtol=1e-3)


def test_the_unit_of_the_perceptual_loss_is_the_distance_of_random_pairs(random):
    config = EVERY_TERM.model_copy(update={"perceptual_weight": 1.0})
    audio = tf.constant(
        random.normal(size=[40, 4096]) * random.uniform(0.01, 1, [40, 1]), tf.float32
    )
    scale = random_pair_distance([audio], config.perceptual_frames)
    shuffled = tf.gather(audio, random.permutation(40))
    terms = Objective(config, scale).terms(audio, shuffled)
    assert abs(terms["perceptual"].numpy().mean() - 1) < 0.1


def test_silent_and_single_examples_cannot_be_compared(random):
    silence = tf.zeros([3, 4096])
    sound = tf.constant(random.normal(size=[1, 4096]), tf.float32)
    for batches in ([silence], [sound], [silence, sound], []):
        with pytest.raises(ValueError, match="no two audible examples"):
            random_pair_distance(batches, 2)


@pytest.fixture(scope="module")
def notes() -> dict[str, tf.Tensor]:
    """A batch of real notes: half a second around the start of each, with f0 and loudness."""
    config = read_data_set(SETTINGS, "notes")
    plan = plan_notes(config, packaged_soundfont())
    chosen = plan[:: len(plan) // NOTES][:NOTES]
    played = [play(config, packaged_soundfont(), note) for note in chosen]
    frames = slice(20, 20 + CROP_FRAMES)
    samples = slice(20 * HOP, (20 + CROP_FRAMES) * HOP)
    noise = np.random.default_rng(0).uniform(-1, 1, [NOTES, CROP_FRAMES * HOP])
    batch = {
        "audio": np.stack([audio[samples] for audio, _ in played]),
        "noise": noise,
        "f0_hz": np.stack([f0_hz[frames] for _, f0_hz in played]),
        "loudness_db": np.stack([loudness_curve(audio)[frames] for audio, _ in played]),
    }
    return {name: tf.constant(value, tf.float32) for name, value in batch.items()}


def switched_on() -> list[tuple[str, str]]:
    """The experiments whose objective has more than the spectral loss, with the term."""
    found = []
    for experiment in SETTINGS.experiments:
        loss = SETTINGS.section("loss", LossConfig, experiment.name)
        if loss.perceptual_weight and not experiment.baseline:
            found.append((experiment.name, "perceptual"))
        if loss.alpha and not experiment.baseline:
            found.append((experiment.name, "log_magnitudes"))
    return found


@pytest.mark.parametrize(("experiment", "term"), switched_on())
def test_a_term_that_is_switched_on_has_a_share_of_the_gradient(notes, experiment, term):
    """At initialization. The linear magnitudes are no switch and not asked: the untrained model is
    so quiet that the slope of the logarithm is some thousand times theirs.
    """
    keras.utils.set_random_seed(0)
    model = build_model(read_recipe(SETTINGS, experiment), STATISTICS)
    loss = SETTINGS.section("loss", LossConfig, experiment)
    scale = random_pair_distance([notes["audio"]], loss.perceptual_frames)
    shares = term_shares(Objective(loss, scale), notes["audio"], model(notes)["audio"])
    assert shares[f"gradient_{term}"] > 0.01
