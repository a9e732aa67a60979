"""A user's settings of libraries reach no run: variables, and files in the home folder."""

import json
import os
import subprocess
import sys

import pytest

from commands import ENVIRONMENT
from conftest import ROOT

KERAS = """
import pipeline, keras
print(keras.config.backend(), keras.config.floatx(), keras.config.image_data_format(),
      keras.config.epsilon())
"""
DRAW = """
import sys
from pathlib import Path
from pipeline.reporting.drawing import panels
with panels(1, 2, (2, 2), Path(sys.argv[1])) as (_, axes):
    axes[0][0].plot([0, 1], [1e-9, 3])
    axes[0][1].imshow([[0, 1], [2, 3]])
    axes[0][1].set_title("f0 in $Hz$")
"""
ODD_KERAS = {
    "floatx": "float64",
    "image_data_format": "channels_first",
    "backend": "jax",
    "epsilon": 0.1,
}
MATPLOTLIBRC = {
    "grid": "axes.grid: True",
    "transparent": "savefig.transparent: True",
    "usetex": "text.usetex: True",
    "fonts and colours": "font.family: serif\naxes.prop_cycle: cycler('color', ['k'])",
    "size": "savefig.bbox: tight\nfigure.dpi: 50\nimage.cmap: gray\nlines.linewidth: 5",
}


def run(program, *arguments, cwd=ROOT, **environment):
    """Run a Python program; return its output."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=cwd,
        env=ENVIRONMENT | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("place", ["KERAS_BACKEND", "KERAS_HOME", "HOME"])
def test_keras_computes_as_without_a_users_settings(tmp_path, place):
    folder = tmp_path / ".keras" if place == "HOME" else tmp_path
    folder.mkdir(exist_ok=True)
    (folder / "keras.json").write_text(json.dumps(ODD_KERAS))
    value = "torch" if place == "KERAS_BACKEND" else str(tmp_path)
    assert run(KERAS, **{place: value}).split() == [
        "tensorflow",
        "float32",
        "channels_last",
        "1e-07",
    ]
    assert os.listdir(folder) == ["keras.json"]


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    """A picture drawn with no settings."""
    folder = tmp_path_factory.mktemp("picture")
    run(DRAW, folder / "picture.png", MPLCONFIGDIR=str(folder))
    return (folder / "picture.png").read_bytes()


@pytest.mark.parametrize("setting", MATPLOTLIBRC)
def test_pictures_have_the_same_bytes_whatever_matplotlibrc_says(tmp_path, picture, setting):
    (tmp_path / "matplotlibrc").write_text(MATPLOTLIBRC[setting])
    run(DRAW, tmp_path / "picture.png", MPLCONFIGDIR=str(tmp_path))
    assert (tmp_path / "picture.png").read_bytes() == picture


@pytest.mark.parametrize("backend", ["svg", "module://matplotlib_inline.backend_inline", "nothing"])
def test_pictures_have_the_same_bytes_whatever_the_backend(tmp_path, picture, backend):
    (tmp_path / "matplotlibrc").write_text("axes.grid: True\nsavefig.transparent: True")
    run(DRAW, tmp_path / "picture.png", cwd=tmp_path, MPLBACKEND=backend)
    assert (tmp_path / "picture.png").read_bytes() == picture


@pytest.mark.parametrize(
    "name", ["TF_ENABLE_ONEDNN_OPTS", "TF_XLA_FLAGS", "LIBROSA_CACHE_DIR", "KERAS_BACKEND"]
)
def test_variables_that_change_results_are_not_passed_on(name):
    program = f"import os, pipeline; print(os.environ.get({name!r}))"
    assert run(program, **{name: "0"}).strip() in ("None", "tensorflow")


@pytest.mark.parametrize(
    ("users", "expected"),
    [
        ({}, "localhost,127.0.0.1,::1"),
        ({"no_proxy": "a.org"}, "a.org,localhost,127.0.0.1,::1"),
        ({"NO_PROXY": "a.org", "no_proxy": ""}, "a.org,localhost,127.0.0.1,::1"),
        ({"no_grpc_proxy": ""}, "localhost,127.0.0.1,::1"),
        ({"no_grpc_proxy": "b.org", "no_proxy": "a.org"}, "b.org,localhost,127.0.0.1,::1"),
        ({"no_grpc_proxy": "localhost,127.0.0.1,::1"}, "localhost,127.0.0.1,::1"),
    ],
)
def test_grpc_reaches_this_machine_without_a_proxy(users, expected):
    unset = {"no_grpc_proxy": "", "no_proxy": "", "NO_PROXY": ""}
    program = "import os, pipeline; print(os.environ['no_grpc_proxy'])"
    assert run(program, **unset | users).strip() == expected
