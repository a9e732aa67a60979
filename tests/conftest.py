"""What tests share: paths, a random generator, a small model configuration."""

import os
import shutil
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Side by side, a file's tests stay together, for its fixtures' sake; those of the one smoke project too, and first, as the longest."""
    items.sort(key=lambda item: "smoke_project" not in item.fixturenames)
    for item in items:
        item.add_marker(pytest.mark.xdist_group("smoke" if "smoke_project" in item.fixturenames else item.path.name))


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def small_model_values() -> dict:
    """Nothing may change it: all tests share it."""
    return {"gru_units": 8, "mlp_units": 8, "mlp_layers": 2, "z_gru_units": 8, "z_dims": 4, "use_loudness": True, "use_z": True, "f0_bins": 0,
            "f0": "given", "f0_encoder": {"channels": 4, "stages": 2, "blocks": 1}, "harmonics": 20, "linear_envelopes": False, "noise_bands": 17,
            "reverb_seconds": 0.0}  # fmt: skip


@pytest.fixture(scope="session")
def smoke_project(tmp_path_factory) -> Path:
    """A copy of the repository in which `make repro` ran at smoke size; `.seconds` says how long that took. Undo what you change in it."""
    from commands import run

    folder = tmp_path_factory.mktemp("smoke") / "clone"
    files = run(ROOT, "git", "ls-files", "--cached", "--others", "--exclude-standard").stdout.splitlines()
    for name in files:
        if (ROOT / name).exists() and (not name.startswith("reports/") or name.startswith("reports/outside")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / "dvc.lock").unlink(missing_ok=True)
    run(folder, "git", "init", "--quiet")
    run(folder, sys.executable, "-m", "pipeline.overlay", "params/smoke.yaml")
    run(folder, "git", "add", "--all")
    run(folder, "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "--message", "smoke")
    started = time.monotonic()
    run(folder, sys.executable, "-m", "pipeline.side_by_side")
    (folder / ".seconds").write_text(str(time.monotonic() - started))
    return folder
