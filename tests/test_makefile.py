"""What the Makefile takes from the PATH: uv in the pinned version, a Python that has wheels."""

import re
import shutil
import subprocess
import sys

import pytest

from commands import error_line
from conftest import ROOT

PINNED = re.match(r"uv==(\S+)", (ROOT / "tools" / "uv-requirements.txt").read_text())[1]
NO_PYTHON = "error: no Python 3.11, 3.12 or 3.13 on the PATH; install one"
OWN_UV = ".tools/bin/uv"
TOOLS = ("bash", "sed", "cut", "touch", "make")
UV = """#!/bin/bash
[ "$1" = --version ] && { echo "uv VERSION (0123456 2026-01-01)"; exit; }
echo "$@" >> "$UV_CALLS"
case "$*" in REFUSED) echo "error: refused" >&2; exit 2;; esac
"""
PYTHON = """#!/bin/bash
exec REAL -c "import sys; sys.version_info = VERSION; exec(sys.argv[2])" "$@"
"""


@pytest.fixture
def project(tmp_path):
    """A folder with the Makefile, and a PATH that holds no Python and no uv."""
    (tmp_path / "bin").mkdir()
    for name in TOOLS:
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        shutil.copy2(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    (tmp_path / ".venv").mkdir()
    return tmp_path


def add(project, name, text):
    """Add a program to the project's PATH."""
    program = project / "bin" / name
    program.write_text(text)
    program.chmod(0o755)


def add_uv(project, version=PINNED, refused="nothing"):
    add(project, "uv", UV.replace("VERSION", version).replace("REFUSED", refused))


def add_python(project, name, *version):
    add(project, name, PYTHON.replace("REAL", sys.executable).replace("VERSION", str(version)))


def make(project, *arguments):
    """Run make with the project's PATH."""
    return subprocess.run(
        ["make", "--silent", *arguments],
        cwd=project,
        env={"PATH": str(project / "bin"), "UV_CALLS": str(project / "calls")},
        capture_output=True,
        text=True,
    )


def value(project, name):
    """Return a variable of the Makefile."""
    return make(project, f"--eval=show: ; @echo '$({name})'", "show").stdout.strip()


@pytest.mark.parametrize("version", ["0.4.28", "0.7.22", "0.13", f"{PINNED}1", "99.0.0", "is mine"])
def test_another_uv_on_the_path_is_not_used(project, version):
    add_uv(project, version)
    assert value(project, "UV") == OWN_UV


def test_the_pinned_uv_on_the_path_is_used(project):
    assert value(project, "UV") == OWN_UV
    add_uv(project)
    assert value(project, "UV") == str(project / "bin" / "uv")


@pytest.mark.parametrize(
    ("pythons", "chosen"),
    [
        ({"python3": (3, 11)}, "python3"),
        ({"python3": (3, 13), "python3.12": (3, 12)}, "python3.12"),
        ({"python3": (3, 14), "python3.11": (3, 11)}, "python3.11"),
        ({"python3": (3, 14), "python3.13": (3, 13)}, "python3.13"),
        ({"python3": (3, 13)}, "python3"),
        ({"python": (3, 12)}, "python"),
        ({"python3": (3, 10)}, ""),
        ({"python3": (3, 14)}, ""),
        ({}, ""),
    ],
)
def test_a_python_that_the_lock_file_serves_is_chosen(project, pythons, chosen):
    for name, version in pythons.items():
        add_python(project, name, *version)
    assert value(project, "PYTHON") == chosen


def test_without_any_python_there_is_one_line(project):
    for target in ("environment", "listen"):
        assert error_line(make(project, target)) == NO_PYTHON


def test_without_a_fitting_python_uv_downloads_one_and_says_so(project):
    add_python(project, "python3", 3, 14)
    add_uv(project, refused='"python find"*')
    done = make(project, "environment")
    assert done.returncode == 0 and "uv downloads 3.12" in done.stderr
    calls = (project / "calls").read_text().splitlines()
    assert calls[1:3] == ["python install --quiet 3.12", "sync --locked --python 3.12"]


def test_offline_the_one_line_stays(project):
    add_python(project, "python3", 3, 14)
    add_uv(project, refused="python*")
    assert error_line(make(project, "environment")) == NO_PYTHON
    assert not (project / ".venv" / ".synced").exists()


def test_what_python_3_13_needs_is_named_where_it_cannot_be_built(project):
    add_python(project, "python3", 3, 13)
    add_uv(project, refused="sync*")
    done = make(project, "environment")
    assert done.returncode != 0
    assert "error: Python 3.13 needs CMake and a C++ compiler" in done.stderr.splitlines()[-2]
    add_python(project, "python3", 3, 12)
    done = make(project, "environment")
    assert done.returncode != 0 and "3.13" not in done.stderr
