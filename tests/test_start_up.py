"""Libraries print nothing but errors while they load."""

import subprocess
import sys

import pytest

from commands import ENVIRONMENT, ROOT

UNSET = {name: value for name, value in ENVIRONMENT.items() if not name.startswith("TF_")}
NOTICE = "oneDNN custom operations are on"
# a stand-in for a TensorFlow that cannot run on this machine
STAND_IN = """
import os
os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written to "
            b"STDERR\\n")
os.write(2, b"I0000 00:00:1795812760.561236    6213 port.cc:153] "
            b"oneDNN custom operations are on.\\n")
os.write(2, b"2026-01-01 00:00:00.000000: F a.cc:1] no AVX on this machine\\n")
os.write(2, b"E0000 00:00:1795812760.561236    6213 b.cc:2] broken\\n")
if "CRASH" in os.environ:
    os.abort()
"""


def stderr_of(program, **environment):
    """Return what a Python program prints on stderr."""
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=UNSET | environment,
        capture_output=True,
        text=True,
    ).stderr


def test_tensorflow_does_not_announce_onednn():
    """The variable turns oneDNN on for processors where TensorFlow would not use it by default."""
    program = "import os, pipeline; os.environ['TF_ENABLE_ONEDNN_OPTS'] = '1'; import tensorflow"
    assert NOTICE not in stderr_of(program)


@pytest.mark.parametrize("crash", [{}, {"CRASH": "1"}])
def test_errors_reach_the_user_even_before_a_crash(tmp_path, crash):
    (tmp_path / "tensorflow.py").write_text(STAND_IN)
    program = "import pipeline, tensorflow, os; os.write(2, b'later\\n')"
    lines = stderr_of(program, PYTHONPATH=str(tmp_path), **crash).splitlines()
    expected = [
        "2026-01-01 00:00:00.000000: F a.cc:1] no AVX on this machine",
        "E0000 00:00:1795812760.561236    6213 b.cc:2] broken",
    ]
    assert lines == expected + ([] if crash else ["later"])


def test_notices_are_shown_on_request(tmp_path):
    (tmp_path / "tensorflow.py").write_text(STAND_IN)
    environment = {"PYTHONPATH": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "0"}
    assert NOTICE in stderr_of("import pipeline, tensorflow", **environment)
