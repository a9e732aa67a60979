"""Features of real notes, extracted by the stage: correct, reproducible, kept and reused."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from commands import command, error_line, hashes, run, small_data, stage
from conftest import ROOT
from pipeline.common.manifest import encode_path, read_manifest
from pipeline.common.units import CURVES
from pipeline.crepe import layers
from pipeline.features import f0, loudness
from pipeline.features.extract import FeaturesConfig
from pipeline.features.f0 import track_f0
from pipeline.features.loudness import loudness_curve, loudness_db
from pipeline.preparation.extraction import features_of
from pipeline.reporting import remarks


def extract(data, name, *options, manifest="manifest.csv", scratch=None, check=True):
    """Run the features stage and write to the folder `name`."""
    scratch = scratch or data / f"scratch-{name}"
    return stage(
        "features",
        data / "set",
        data / manifest,
        data / name,
        *options,
        "--scratch",
        scratch,
        params=data / "params.yaml",
        check=check,
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = small_data(tmp_path_factory.mktemp("data"))
    extract(folder, "features")
    return folder


def test_features_have_their_shapes_and_the_true_pitch(data):
    manifest = read_manifest(data / "manifest.csv")
    for name in manifest.id:
        frames = np.load(data / "features" / f"{name}.npy")
        truth = np.load(data / "set" / "truth" / f"{name}.f0.npy")
        assert frames["audio"].shape == (1000, 64) and truth.shape == (1000,)
        assert all(np.isfinite(frames[curve]).all() for curve in CURVES)
        pitched = frames["f0_confidence"] >= 0.85
        cents = np.abs(1200 * np.log2(frames["f0_hz"] / truth))[pitched]
        # 30 cents, because the samples themselves are slightly out of tune
        assert pitched.mean() > 0.3 and np.median(cents) < 30


def test_the_table_describes_the_features(data):
    table = pd.read_csv(data / "features" / "features.csv", index_col="id")
    for row in table.itertuples():
        frames = np.load(data / "features" / f"{row.Index}.npy")
        coverage = (frames["f0_confidence"] >= 0.85).mean()
        assert row.frames == 1000
        assert row.coverage == pytest.approx(coverage, abs=1e-6)
        assert row.loudness_low == pytest.approx(frames["loudness_db"].min(), abs=1e-3)
    assert table.rejected.isna().all()


def test_two_processes_and_another_run_give_the_same_bytes(data):
    expected = hashes(data / "features")
    for name, options in (
        ("processes", ["--workers", 2]),
        ("one_thread", ["--direct_num_workers=1"]),
    ):
        extract(data, name, *options)
        assert hashes(data / name) == expected, name


def test_finished_features_are_kept_and_only_missing_ones_computed(data):
    scratch = data / "scratch-features"
    times = {path: path.stat().st_mtime_ns for path in scratch.glob("*.npy")}
    missing = sorted(times)[0]
    missing.unlink()
    (scratch / ".half.1.tmp.npy").write_bytes(b"left by a kill")
    extract(data, "again", scratch=scratch)
    assert {path for path in times if path.stat().st_mtime_ns != times[path]} == {missing}
    assert hashes(data / "again") == hashes(data / "features")
    assert sorted(scratch.iterdir()) == sorted(times)  # nothing stale


def test_another_split_recomputes_nothing(data):
    scratch = data / "scratch-features"
    times = {path: path.stat().st_mtime_ns for path in scratch.glob("*.npy")}
    manifest = read_manifest(data / "manifest.csv")
    split = manifest.split.map({"train": "test", "test": "valid", "valid": "train"})
    manifest.assign(split=split).to_csv(data / "split.csv", index=False)
    extract(data, "other_split", manifest="split.csv", scratch=scratch)
    assert {path: path.stat().st_mtime_ns for path in scratch.glob("*.npy")} == times
    splits = set(read_manifest(data / "other_split" / "features.csv").split)
    assert splits == {"train", "valid", "test"}


def test_only_code_that_decides_the_features_recomputes_them(data, tmp_path):
    for name in ("pipeline", "stages"):
        shutil.copytree(ROOT / name, tmp_path / name)
    scratch = shutil.copytree(data / "scratch-features", tmp_path / "scratch")
    kept = set(scratch.glob("*.npy"))
    for module, computed in ((remarks, 0), (layers, len(kept))):
        with open(tmp_path / Path(module.__file__).relative_to(ROOT), "a") as file:
            file.write("# edited\n")
        arguments = [data / "set", data / "manifest.csv", tmp_path / "out", "--scratch", scratch]
        run(tmp_path, *command("features", *arguments, params=data / "params.yaml"))
        assert len(set(scratch.glob("*.npy")) - kept) == computed
        assert set(hashes(tmp_path / "out")) == set(hashes(data / "features"))


def test_too_many_rejects_fail_after_the_good_features_are_written(data):
    manifest = read_manifest(data / "manifest.csv")
    bad = manifest.iloc[:2].assign(
        id=["bad-1", "bad-2"],
        sha256=["a", "b"],
        path=["none.wav", "x.wav"],
        rejected=["", "is a directory"],
    )
    pd.concat([manifest, bad]).to_csv(data / "hostile.csv", index=False)
    done = extract(
        data, "hostile", manifest="hostile.csv", scratch=data / "scratch-features", check=False
    )
    assert done.returncode == 1
    assert error_line(done).startswith(
        f"error: 2 of {len(bad) + len(manifest)} recordings rejected, 0 allowed"
    )
    table = pd.read_csv(data / "hostile" / "features.csv", index_col="id")
    assert table.rejected["bad-2"] == "is a directory" and isinstance(table.rejected["bad-1"], str)
    good, written = (
        {name: value for name, value in hashes(data / folder).items() if name.endswith(".npy")}
        for folder in ("features", "hostile")
    )
    assert written == good


def test_as_many_rejects_as_allowed_pass(data):
    source = data / "set" / "audio" / "source.json"
    before = source.read_text()
    source.write_text(before.replace('"max_rejected": 0', '"max_rejected": 2'))
    try:
        extract(data, "allowed", manifest="hostile.csv", scratch=data / "scratch-features")
    finally:
        source.write_text(before)


def test_recordings_that_a_worker_cannot_find_are_not_rejected(tmp_path):
    """The driver found the file, but a worker on a machine without the disk does not."""
    unseen = {
        "id": "gone",
        "path": encode_path(tmp_path / "gone.wav"),
        "size": 1000,
        "scratch": str(tmp_path),
        "features": "x",
    }
    config = FeaturesConfig(crepe="tiny", f0_step_ms=16, viterbi=False)
    assert features_of(config, unseen) == {"id": "gone", "unseen": True}


def melody(seconds):
    """Tones of random pitch with silences between them: [samples]."""
    random = np.random.default_rng(0)
    time = np.arange(8000) / 16000
    notes = [
        random.uniform(0, 0.5)
        * np.sin(2 * np.pi * random.uniform(100, 800) * time)
        * (number % 5 > 0)
        for number in range(2 * seconds)
    ]
    return np.concatenate(notes).astype(np.float32)


@pytest.mark.parametrize("viterbi", [False, True])
def test_f0_has_no_seams_between_chunks(monkeypatch, viterbi):
    audio = melody(20)
    monkeypatch.setattr(f0, "BATCH", 10**6)
    whole = track_f0(audio, "tiny", 16, viterbi)
    monkeypatch.setattr(f0, "BATCH", 100)
    chunked = track_f0(audio, "tiny", 16, viterbi)
    np.testing.assert_allclose(chunked.confidence, whole.confidence, atol=1e-5)
    np.testing.assert_allclose(chunked.f0_hz, whole.f0_hz, rtol=1e-5)


def test_loudness_has_no_seams_between_chunks(monkeypatch):
    audio = melody(20)
    monkeypatch.setattr(loudness, "CHUNK", 99)
    np.testing.assert_allclose(
        loudness_curve(audio), loudness_db(audio[None])[0].numpy(), atol=1e-4
    )


def test_viterbi_smooths_a_jump_that_single_frames_follow():
    time = np.arange(32000) / 16000
    audio = (0.3 * np.sin(2 * np.pi * 220 * time)).astype(np.float32)
    audio[16000:16800] = np.sin(2 * np.pi * 1500 * time[:800])  # a click of another pitch
    framewise, smooth = (
        np.abs(1200 * np.log2(track_f0(audio, "tiny", 16, viterbi).f0_hz / 220)).max()
        for viterbi in (False, True)
    )
    assert smooth < 100 < framewise  # largest deviation in cents
