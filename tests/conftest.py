"""What tests share: paths, a random generator, a small model configuration."""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def small_model_values() -> dict:
    """Nothing may change it: all tests share it."""
    return {"gru_units": 8, "mlp_units": 8, "mlp_layers": 2, "z_gru_units": 8, "z_dims": 4, "use_loudness": True, "use_z": True, "f0_bins": 0,
            "f0": "given", "f0_encoder": {"channels": 4, "stages": 2, "blocks": 1}, "harmonics": 20, "linear_envelopes": False, "noise_bands": 17,
            "reverb_seconds": 0.0}  # fmt: skip
