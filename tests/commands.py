"""Run stages as users do, each in its own process, on small settings."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from ruamel.yaml import YAML

from conftest import ROOT
from pipeline.common.files import file_sha256

OWN_PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
AUTHOR = {
    "GIT_AUTHOR_NAME": "t",
    "GIT_AUTHOR_EMAIL": "t@example.org",
    "GIT_COMMITTER_NAME": "t",
    "GIT_COMMITTER_EMAIL": "t@example.org",
}
SETTINGS = {
    "commit.gpgSign": "false",
    "core.hooksPath": os.devnull,
    "core.excludesFile": os.devnull,
    "core.autocrlf": "false",
}
GIT = (
    AUTHOR
    | {"GIT_CONFIG_COUNT": str(len(SETTINGS))}
    | {f"GIT_CONFIG_KEY_{number}": key for number, key in enumerate(SETTINGS)}
    | {f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(SETTINGS.values())}
)
# A git hook that runs the tests sets GIT_DIR and other variables that name the wrong repository.
INHERITED = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
OWN = {"PATH": OWN_PATH, "DVC_NO_ANALYTICS": "1", "PYTHONUTF8": "1"}
ENVIRONMENT = INHERITED | GIT | OWN
FLUTE = {"flute": {"program": 73, "family": "flute", "low": 60, "high": 84}}


def command(name, *arguments, params=ROOT / "params.yaml"):
    """Return the command line of a stage."""
    return [sys.executable, "-m", f"stages.{name}", *map(str, arguments), "--params", str(params)]


def stage(name, *arguments, params=ROOT / "params.yaml", check=False):
    """Run a stage; with `check`, assert that it succeeds."""
    done = subprocess.run(
        command(name, *arguments, params=params),
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert not check or done.returncode == 0, done.stderr[-3000:]
    return done


def edited_params(path, edit):
    """Write params.yaml to `path` with the values that `edit` changed in place."""
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    edit(values)
    path.write_text(yaml.safe_dump(values))
    return path


def small_notes(values):
    """Reduce the data set `notes` to seven flute notes: an edit of params.yaml's values."""
    values["data"]["notes"] |= {"instruments": FLUTE, "notes_per_zone": 1, "zones_per_test_zone": 4}
    values["examples"]["shards"] = {"train": 2, "valid": 1, "test": 1}


def small_data(folder):
    """Synthesize seven flute notes into a folder (set, manifest.csv), with their params.yaml."""
    params = edited_params(folder / "params.yaml", small_notes)
    stage("data", "notes", folder / "set", folder / "manifest.csv", params=params, check=True)
    return folder


def error_line(done):
    """Return the one line `error: ...` that a failed process printed on stderr.

    Libraries may print other lines, but no traceback.
    """
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    output = f"{done.returncode}:\n{done.stderr[-3000:]}"
    assert done.returncode != 0 and len(lines) == 1 and "Traceback" not in done.stderr, output
    return lines[0]


NOT_BY_THE_PIPELINE = ("reports/outside", "reports/conformance")  # though they are in reports/


def copy_repository(folder):
    """Copy the files that git knows or would add, except dvc.lock and the reports that the
    pipeline writes, to a new repository in `folder`, in which nothing is committed.
    """
    files = run(ROOT, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout
    for name in files.strip("\0").split("\0"):
        made = name == "dvc.lock" or name.startswith("reports/")
        if (ROOT / name).is_file() and (not made or name.startswith(NOT_BY_THE_PIPELINE)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    run(folder, "git", "init", "--quiet")


def hashes(folder):
    """Map the name of each file in a folder to its SHA-256."""
    return {
        str(path.relative_to(folder)): file_sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def run(folder, *command, check=True):
    """Run a command in a folder; with `check`, assert that it succeeds."""
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    assert not check or done.returncode == 0, (
        f"{command}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    )
    return done


def read_block(text):
    """Read a block of YAML in a document, as DVC reads it."""
    return YAML(typ="safe").load(text)
