"""Sounds of the page: picked examples, files and spectrograms, modules, the listing."""

import io

import numpy as np
import pandas as pd
import pytest
import soundfile
import tensorflow as tf
from PIL import Image

from commands import hashes
from pipeline.common.cli import UserError
from pipeline.examples.schema import Statistics
from pipeline.models.autoencoder import Autoencoder, ModelConfig
from pipeline.page.listing import Example, Picker, Track, TrackRow, read_listing, write_listing
from pipeline.page.modules import module_sounds
from pipeline.page.picks import pick
from pipeline.page.sound import SoundFolder, picture
from pipeline.reporting.columns import METRICS

SECONDS = np.arange(64000) / 16000


def tone(hz, level=0.5):
    return (level * np.sin(2 * np.pi * hz * SECONDS)).astype(np.float32)


def test_best_median_and_worst_examples_are_picked_once_each():
    rows = pd.DataFrame(
        {
            "example_id": list("abcde"),
            "group": "g",
            "spectral_loss": [3.0, 1, 2, 5, 4],
            "f0_l1": [0, 0, 0, 9, 1.0],
            "rpa_true": [1, 1, 0.2, 1, 1],
            "frames_outlier_paper": [1, 0, 0, 0, 1],
            "frames_pitched": [9, 9, 9, 9, 2],
        }
    )
    found = pick(rows, METRICS, ["spectral_loss", "f0_l1", "-rpa_true", "outlier_frames_paper"])
    assert found == {
        "b": ["best spectral loss"],
        "a": ["median spectral loss"],
        "d": ["worst spectral loss", "worst F0 L1"],
        "c": ["worst RPA vs true f0"],
        "e": ["worst F0 outliers"],
    }


def test_a_metric_with_equal_values_picks_no_example():
    rows = pd.DataFrame(
        {
            "example_id": list("ba"),
            "group": "g",
            "spectral_loss": [1.0, 1.0],
            "f0_l1": [np.nan, 2.0],
        }
    )
    assert pick(rows, METRICS, ["spectral_loss", "f0_l1"]) == {"a": ["first"]}


def test_a_misspelt_metric_is_named():
    with pytest.raises(UserError, match="page.worst_by: no metric 'f0_l2'; known: "):
        pick(pd.DataFrame(), METRICS, ["f0_l2"])


def test_the_same_sound_is_one_file_and_sounds_like_itself(tmp_path):
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        sounds = SoundFolder(tmp_path / folder, 0.5)
        name, seconds = sounds.add(tone(440))
        assert seconds == 4 and sounds.add(tone(440)) == (name, seconds) != sounds.add(tone(441))
    assert (
        hashes(tmp_path / "one") == hashes(tmp_path / "other")
        and len(hashes(tmp_path / "one")) == 4
    )
    heard, rate = soundfile.read(tmp_path / "one" / f"{name}.mp3", dtype="float32")
    # nothing before or behind it that would shift the play position
    assert (len(heard), rate) == (64000, 16000)
    assert 20 * np.log10(np.std(heard - tone(440)) / np.std(tone(440))) < -20


@pytest.mark.parametrize("hz", [1000, 6000])
def test_a_tone_is_a_line_at_its_height(hz):
    image = np.asarray(Image.open(io.BytesIO(picture(tone(hz))))).sum(axis=2)
    assert image.shape == (128, 320)
    assert np.median(image.argmax(axis=0)) == pytest.approx(128 * (1 - hz / 8000), abs=1.5)
    assert image.max() > 600  # of 765: at -6 dB nearly white


def test_silence_is_black():
    assert np.asarray(Image.open(io.BytesIO(picture(np.zeros(64000, np.float32))))).max() < 12


def test_modules_add_up_to_the_whole(small_model_values, random):
    model = Autoencoder(
        ModelConfig(**small_model_values | {"reverb_seconds": 0.1, "use_z": False}),
        Statistics(loudness_mean=-40.0, loudness_std=10.0),
    )
    example = {
        "audio": tone(440)[:16000],
        "noise": random.uniform(-1, 1, 16000).astype(np.float32),
        "f0_hz": np.full(250, 440, np.float32),
        "loudness_db": np.full(250, -30, np.float32),
    }
    model({name: tf.constant(value[None]) for name, value in example.items()})
    model.reverb.set_weights(
        [random.normal(size=weight.shape, scale=0.01) for weight in model.reverb.get_weights()]
    )
    (found,) = module_sounds(model, [example])
    assert set(found) == {"audio", "harmonic", "noise", "reverb"}
    assert found["harmonic"] + found["noise"] + found["reverb"] == pytest.approx(
        found["audio"], abs=1e-6
    )
    assert all(np.abs(sound).max() > 1e-6 for sound in found.values())


def test_the_listing_is_read_as_written(tmp_path):
    track = Track(label="original", name="0123", seconds=4.0)
    example = Example(
        example_id="a@0", title="A", why=["best"], lines=[TrackRow(label="", tracks=[track])]
    )
    pickers = [
        Picker(
            section="models", title="X", experiment="x", kind="modules", seed=0, examples=[example]
        )
    ]
    write_listing(pickers, tmp_path)
    assert read_listing(tmp_path) == pickers
