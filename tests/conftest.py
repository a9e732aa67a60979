"""What tests share: paths, a random generator, a small model configuration."""

import os
import shutil
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Side by side, a file's tests stay together, for its fixtures' sake; those of the one smoke
    project too, and first, as the longest.
    """
    items.sort(key=lambda item: "smoke_project" not in item.fixturenames)
    for item in items:
        item.add_marker(
            pytest.mark.xdist_group(
                "smoke" if "smoke_project" in item.fixturenames else item.path.name
            )
        )


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def small_model_values() -> dict:
    """Nothing may change it: all tests share it."""
    return {
        "gru_units": 8,
        "mlp_units": 8,
        "mlp_layers": 2,
        "z_gru_units": 8,
        "z_dims": 4,
        "use_loudness": True,
        "use_z": True,
        "f0_bins": 0,
        "f0": "given",
        "f0_encoder": {"channels": 4, "stages": 2, "blocks": 1},
        "harmonics": 20,
        "linear_envelopes": False,
        "noise_bands": 17,
        "reverb_seconds": 0.0,
    }


def need_git() -> None:
    """Skip where the repository's files lie without its history, as in an unpacked archive."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("needs git and a clone: this compares files of one commit")


@pytest.fixture(scope="session")
def committed(tmp_path_factory) -> Path:
    """The last commit's files, which nothing may change.

    In the working tree, reports/ may come from another run than README.md.
    """
    from commands import run

    need_git()
    folder = tmp_path_factory.mktemp("committed")
    run(ROOT, "git", "archive", "--output", str(folder / "all.tar"), "HEAD")
    shutil.unpack_archive(folder / "all.tar", folder / "all", filter="data")
    return folder / "all"


@pytest.fixture(scope="session")
def smoke_project(tmp_path_factory) -> Path:
    """A copy of the repository in which `make repro` ran at smoke size. Undo what you change in
    it.
    """
    from commands import run

    need_git()
    folder = tmp_path_factory.mktemp("smoke") / "clone"
    files = run(
        ROOT, "git", "ls-files", "--cached", "--others", "--exclude-standard"
    ).stdout.splitlines()
    for name in files:
        if (ROOT / name).exists() and (
            not name.startswith("reports/") or name.startswith("reports/outside")
        ):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / "dvc.lock").unlink(missing_ok=True)
    run(folder, "git", "init", "--quiet")
    run(folder, sys.executable, "-m", "pipeline.overlay", "params/smoke.yaml")
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--message", "smoke")
    run(folder, sys.executable, "-m", "pipeline.side_by_side")
    return folder


READ_BY_THE_AUDIT = (
    ".dvcignore",
    "reports",
    "params.yaml",
    "dvc.yaml",
    "dvc.lock",
    "uv.lock",
    "pipeline",
    "stages",
    "params",
    "data/examples",
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
