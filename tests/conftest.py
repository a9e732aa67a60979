"""Shared fixtures: a random generator, a small model, the last commit, a smoke-size project."""

import os
import shutil
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import pytest

import pipeline  # noqa: F401, fixes the environment before a test's module imports Keras

ROOT = Path(__file__).parent.parent


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group tests for parallel runs, so that each fixture is set up once.

    The tests of a file stay together, and so do those of the smoke project, which take longest and
    therefore come first.
    """
    items.sort(key=lambda item: "smoke_project" not in item.fixturenames)
    for item in items:
        group = "smoke" if "smoke_project" in item.fixturenames else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def small_model_values() -> dict:
    """Settings of a small model. All tests share them: do not change them."""
    return {
        "gru_units": 8,
        "mlp_units": 8,
        "mlp_layers": 2,
        "z_gru_units": 8,
        "z_dims": 4,
        "z_normalization": "data_set",
        "use_loudness": True,
        "use_z": True,
        "f0_bins": 0,
        "f0": "given",
        "f0_resnet": {"stem_channels": 4, "channels": 2, "blocks": (1, 1), "bins": 16},
        "f0_frames": {
            "lowest_midi": 36.0,
            "semitones": 64,
            "channels": 4,
            "stages": 2,
            "blocks": 1,
        },
        "harmonics": 20,
        "linear_envelopes": False,
        "noise_bands": 17,
        "reverb_seconds": 0.0,
    }


def need_git() -> None:
    """Skip a test where there is no git history, as in an unpacked archive."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("needs git and a clone: this compares files of one commit")


@pytest.fixture(scope="session")
def committed(tmp_path_factory) -> Path:
    """The files of the last commit; do not change them.

    In the working tree, reports/ and README.md may come from different runs.
    """
    from commands import run

    need_git()
    folder = tmp_path_factory.mktemp("committed")
    run(ROOT, "git", "archive", "--output", str(folder / "all.tar"), "HEAD")
    shutil.unpack_archive(folder / "all.tar", folder / "all", filter="data")
    return folder / "all"


@pytest.fixture(scope="session")
def smoke_project(tmp_path_factory) -> Path:
    """A copy of the repository in which `make repro` ran at smoke size.

    All tests share it: undo every change.
    """
    from commands import copy_repository, run

    need_git()
    folder = tmp_path_factory.mktemp("smoke") / "clone"
    copy_repository(folder)
    run(folder, sys.executable, "-m", "pipeline.overlay", "params/smoke.yaml")
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--message", "smoke")
    run(folder, sys.executable, "-m", "pipeline.side_by_side")
    return folder


READ_BY_THE_AUDIT = (
    ".dvcignore",
    "reports",
    "docs",
    "params.yaml",
    "dvc.yaml",
    "dvc.lock",
    "uv.lock",
    "pipeline",
    "stages",
    "params",
    "data/examples",
    "data/yardsticks",
    "models",
)


@pytest.fixture
def clone(smoke_project, tmp_path) -> Path:
    """A copy of what the audit reads of the smoke project, which a test may change."""
    for name in READ_BY_THE_AUDIT:
        source = smoke_project / name
        copy = tmp_path / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy)
        else:
            shutil.copy2(source, copy)
    return tmp_path
