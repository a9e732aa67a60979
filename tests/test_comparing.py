"""docs/comparing.md's way back after an override: it leaves nothing behind, and nothing reruns."""

import json
import shutil

import pytest
import yaml

from commands import run
from conftest import ROOT

COMMAND = "    $ "
PARAMS = {"seeds": [0], "extrapolation": {"experiments": ["no_z"]}, "train": {"steps": 6}}


def made_by_run(folder, matrix):
    """A stage per experiment and seed that writes a file in a folder of that name."""
    out = f"{folder}/${{item.experiment}}-${{item.seed}}"
    command = f"mkdir -p {out} && echo ${{train.steps}} > {out}/steps"
    return {"matrix": matrix, "cmd": command, "outs": [out], "params": ["train.steps"]}


def listed(folder, out):
    """A stage that lists a folder in files that git keeps, one for each of its entries."""
    command = f"mkdir -p {out} && for each in $(ls {folder}); do cat {folder}/$each/* > {out}/$each"
    return {"cmd": f"{command}; done", "deps": [folder], "outs": [{out: {"cache": False}}]}


TRAINED = {"experiment": ["no_z", "supervised"], "seed": "${seeds}"}
STUDIED = {"experiment": "${extrapolation.experiments}", "seed": "${seeds}"}
STAGES = {
    "train": made_by_run("models", TRAINED),
    "export": made_by_run("exports", TRAINED),
    "resynthesize": made_by_run("data/resyntheses", TRAINED),
    "extrapolation": made_by_run("data/studies", STUDIED),
    "evaluate": listed("data/resyntheses", "reports/rows"),
    "score": listed("data/studies", "reports/studies"),
    "audit": listed("models", "reports/models"),
}
OVERRIDES = ("extrapolation.experiments=[no_z,supervised]", "seeds=[0,1]", "train.steps=4")


def way_back():
    """Read the commands of the document, from `git restore` to `dvc checkout`."""
    lines = (ROOT / "docs" / "comparing.md").read_text().splitlines()
    commands = [line.removeprefix(COMMAND) for line in lines if line.startswith(COMMAND)]
    (first,) = (place for place, line in enumerate(commands) if line.startswith("git restore"))
    (last,) = (place for place, line in enumerate(commands) if line == "uv run dvc checkout")
    return [line.removeprefix("uv run ") for line in commands[first : last + 1]]


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory):
    """A project with the folders of this one and tiny stages, reproduced and committed."""
    folder = tmp_path_factory.mktemp("tiny") / "project"
    folder.mkdir()
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": STAGES}, sort_keys=False))
    shutil.copy(ROOT / ".gitignore", folder)
    shutil.copy(ROOT / ".dvcignore", folder)
    (folder / "data" / "studies").mkdir(parents=True)
    shutil.copy(ROOT / "data" / "studies" / ".gitignore", folder / "data" / "studies")
    run(folder, "git", "init", "--quiet")
    run(folder, "dvc", "init", "--quiet")
    run(folder, "dvc", "repro", "--quiet")
    commit(folder)
    return folder


def commit(folder):
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--message", "done")


def go_back(folder):
    """Run the document's commands; nothing may differ from the last commit, nothing may rerun."""
    for line in way_back():
        run(folder, "bash", "-c", line)
    assert run(folder, "git", "status", "--porcelain").stdout == ""
    assert {
        name: changes
        for name, changes in json.loads(run(folder, "dvc", "status", "--json").stdout).items()
        if changes
    } == {}


@pytest.mark.parametrize("override", OVERRIDES)
def test_the_way_back_leaves_nothing(reproduced, tmp_path, override):
    folder = tmp_path / "project"
    shutil.copytree(reproduced, folder, symlinks=True)
    run(folder, "dvc", "exp", "run", "--quiet", "-S", override, "-n", "other")
    assert run(folder, "git", "status", "--porcelain").stdout != ""
    go_back(folder)
    models = sorted(path.name for path in (folder / "models").iterdir())
    assert models == ["no_z-0", "supervised-0"]
    assert (folder / "models" / "no_z-0" / "steps").read_text() == "6\n"


@pytest.mark.slow
def test_the_way_back_of_the_smoke_project_leaves_nothing(smoke_project, tmp_path):
    folder = tmp_path / "clone"
    run(tmp_path, "cp", "-r", str(smoke_project), str(folder))
    commit(folder)
    run(folder, "dvc", "exp", "run", "-S", OVERRIDES[0], "-n", "other")
    assert "?? reports/" in run(folder, "git", "status", "--porcelain").stdout
    go_back(folder)
