"""What libraries print while they load: nothing of it reaches a user, but for errors."""

import subprocess
import sys

import pytest

from commands import ENVIRONMENT, ROOT

UNSET = {name: value for name, value in ENVIRONMENT.items() if not name.startswith("TF_")}
NOTICE = "oneDNN custom operations are on"
STAND_IN = """
import os
os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\\n")
os.write(2, b"I0000 00:00:1795812760.561236    6213 port.cc:153] oneDNN custom operations are on.\\n")
os.write(2, b"2026-01-01 00:00:00.000000: F a.cc:1] no AVX on this machine\\n")
os.write(2, b"E0000 00:00:1795812760.561236    6213 b.cc:2] broken\\n")
if "CRASH" in os.environ:
    os.abort()
"""


def said(program, **environment):
    """What a program prints on stderr."""
    line, given = [sys.executable, "-c", program], UNSET | environment
    return subprocess.run(line, cwd=ROOT, env=given, capture_output=True, text=True).stderr


def test_tensorflow_loads_in_silence_where_it_would_announce_onednn():
    """The variable makes it do on any processor what it does by itself on newer ones."""
    assert NOTICE not in said("import pipeline, tensorflow", TF_ENABLE_ONEDNN_OPTS="1")


@pytest.mark.parametrize("crash", [{}, {"CRASH": "1"}])
def test_errors_are_passed_on_even_before_a_crash(tmp_path, crash):
    """A stand-in for a TensorFlow that does not run on this machine."""
    (tmp_path / "tensorflow.py").write_text(STAND_IN)
    program = "import pipeline, tensorflow, os; os.write(2, b'later\\n')"
    found = said(program, PYTHONPATH=str(tmp_path), **crash).splitlines()
    expected = [
        "2026-01-01 00:00:00.000000: F a.cc:1] no AVX on this machine",
        "E0000 00:00:1795812760.561236    6213 b.cc:2] broken",
    ]
    assert found == expected + ([] if crash else ["later"])


def test_who_asks_for_the_notices_gets_them(tmp_path):
    (tmp_path / "tensorflow.py").write_text(STAND_IN)
    where = {"PYTHONPATH": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "0"}
    assert NOTICE in said("import pipeline, tensorflow", **where)
