"""Projects of a few stages for tests of what runs them: write one, and run a module in it."""

import json
import os
import subprocess
import sys

import yaml

from commands import ENVIRONMENT
from conftest import ROOT

RECORD_PROCESSES = """
import json, os, sys
with open(os.environ["PROCESSES"], "a") as file:
    print(json.dumps(sys.orig_argv), file=file)
"""


def write_pipeline(folder, stages):
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))


def dvc(folder, *arguments):
    return reproduce(folder, "dvc", *arguments)[0]


def reproduce(folder, module="pipeline.side_by_side", *arguments):
    """Run a module in a project and record the command line of every Python process it starts.

    Returns:
        The finished process and the last argument of each `dvc` it started: a stage's name.
    """
    hook = folder.parent / "hook"
    hook.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(RECORD_PROCESSES)
    record = hook / "processes"
    record.write_text("")
    path = os.pathsep.join([str(hook), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=ENVIRONMENT | {"PYTHONPATH": path, "PROCESSES": str(record)},
        capture_output=True,
        text=True,
    )
    processes = [json.loads(line) for line in record.read_text().splitlines()]
    assert module in processes[0]
    return done, sorted(command[-1] for command in processes[1:] if "dvc" in command)
