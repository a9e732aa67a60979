"""Independent stages side by side: order, limits, failures; plan, changes and results are DVC's."""

import shutil
import threading
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from conftest import ROOT
from pipeline.side_by_side import read_graph, run_graph
from small_projects import dvc, reproduce, write_pipeline

DIAMOND = {"end": {"left", "right"}, "left": {"start"}, "right": {"start"}, "start": set()}
UP_TO_DATE = "Data and pipelines are up to date."
INPUTS = ("param", "code", "deleted", "tampered", "unlocked", "still")


class Runs:
    """Remembers the order in which stages began and how many ran at once. Stages named
    `together` end only once all of them run.
    """

    def __init__(self, statuses=None, together=()):
        self.statuses, self.begun, self.now, self.most = statuses or {}, [], 0, 0
        self.together, self.meeting = together, threading.Barrier(max(1, len(together)))
        self.lock = threading.Lock()

    def __call__(self, name):
        with self.lock:
            self.begun.append(name)
            self.now += 1
            self.most = max(self.most, self.now)
        if name in self.together:
            self.meeting.wait()
        with self.lock:
            self.now -= 1
        return self.statuses.get(name, 0)


def never(number):
    raise AssertionError(f"no one interrupted this run, but signal {number} was sent")


def test_every_stage_runs_once_after_those_it_needs():
    runs = Runs(together=("left", "right"))
    assert run_graph(DIAMOND, 2, set, runs, never) == dict.fromkeys(DIAMOND, 0)
    assert runs.begun[0] == "start" and runs.begun[-1] == "end"
    assert sorted(runs.begun) == sorted(DIAMOND)
    assert runs.most == 2


def test_no_more_run_at_once_than_asked():
    runs = Runs()
    graph = {str(number): set() for number in range(6)}
    assert run_graph(graph, 1, set, runs, never) == dict.fromkeys(graph, 0)
    assert runs.most == 1 and len(runs.begun) == 6


def test_after_a_failure_nothing_more_begins():
    runs = Runs({"left": 1})
    assert run_graph(DIAMOND, 1, set, runs, never)["left"] == 1
    assert "end" not in runs.begun


def test_a_stage_is_asked_once_and_only_when_those_it_needs_are_finished():
    runs, asked = Runs(), []

    def find_changed(names):
        asked.extend(names)
        assert "end" not in names or runs.begun == ["left"]
        return set(names) & {"left", "end"}

    assert run_graph(DIAMOND, 2, find_changed, runs, never) == {"left": 0, "end": 0}
    assert sorted(asked) == sorted(DIAMOND) and runs.begun == ["left", "end"]


def test_the_graph_is_dvcs(monkeypatch):
    monkeypatch.chdir(ROOT)
    stages = read_graph(Repo(_wait_for_lock=True))
    graph = {
        stage.addressing: {needed.addressing for needed in needs} for stage, needs in stages.items()
    }
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    trained = {f"train@{name}-{seed}" for name in values["experiments"] for seed in values["seeds"]}
    assert trained <= set(graph)
    assert graph["resynthesize@supervised-0"] == {"train@supervised-0", "assign"}
    assert set().union(*graph.values()) <= set(graph)


def copy_stage(name, source, **more):
    """A stage that copies a file, the output of another or one of the user's."""
    return {
        name: {"cmd": f"cp {source} {name}.out", "deps": [source], "outs": [f"{name}.out"]} | more
    }


def state(folder):
    """A project's files and what dvc.lock says, whatever the order of its stages."""
    files = {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".dvc" not in path.parts and path.name != "dvc.lock"
    }
    return files, yaml.safe_load((folder / "dvc.lock").read_text())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project in which everything ran once, from no dvc.lock, and what its first run printed."""
    folder = tmp_path_factory.mktemp("projects") / "finished"
    folder.mkdir()
    for name in (*INPUTS, "outside"):
        (folder / f"{name}.txt").write_text(name)
    (folder / "params.yaml").write_text("loud: 1\nempty: {}\n")
    stages = {}
    for name in INPUTS:
        stages |= copy_stage(name, f"{name}.txt")
    for name in ("param", "code", "still"):
        stages |= copy_stage(f"after_{name}", f"{name}.out")
    stages["param"] |= {"cmd": "cat param.txt params.yaml > param.out", "params": ["loud"]}
    stages["code"]["cmd"] = "wc -c < code.txt > code.out"
    stages["nothing"] = {"foreach": "${empty}", "do": {"cmd": "false"}}
    stages["print"] = {
        "cmd": "cp outside.txt print.json",
        "always_changed": True,
        "outs": [{"print.json": {"cache": False}}],
    }
    stages |= copy_stage("after_print", "print.json")
    write_pipeline(folder, stages)
    assert dvc(folder, "init", "--quiet", "--no-scm").returncode == 0
    shutil.copytree(folder, folder.parent / "plain")
    done, turns = reproduce(folder)
    return folder, done, turns


@pytest.fixture
def project(finished, tmp_path):
    return Path(shutil.copytree(finished[0], tmp_path / "project"))


def test_a_first_run_gives_what_a_plain_repro_gives(finished):
    folder, done, turns = finished
    assert done.returncode == 0, done.stdout + done.stderr
    assert turns == sorted(
        {*INPUTS, "print", "after_param", "after_code", "after_still", "after_print"}
    )
    assert dvc(folder.parent / "plain", "repro").returncode == 0
    assert state(folder) == state(folder.parent / "plain")


def test_with_an_always_changed_stage_that_prints_the_same_it_alone_has_a_turn(project):
    before = state(project)
    done, turns = reproduce(project)
    assert done.returncode == 0 and turns == ["print"] and UP_TO_DATE in done.stdout
    assert state(project) == before


def test_with_nothing_to_do_no_process_is_started(project):
    stages = yaml.safe_load((project / "dvc.yaml").read_text())["stages"]
    write_pipeline(project, {name: stage for name, stage in stages.items() if "print" not in name})
    before = state(project)
    done, turns = reproduce(project)
    assert done.returncode == 0 and turns == [] and done.stdout == f"{UP_TO_DATE}\n"
    assert state(project) == before


def test_what_changed_and_what_its_outputs_change_has_a_turn(project, tmp_path):
    (project / "params.yaml").write_text("loud: 2\nempty: {}\n")
    (project / "code.txt").write_text("edit")  # as long as before: the output stays the same
    (project / "outside.txt").write_text("other")
    (project / "deleted.out").unlink()
    (project / "tampered.out").unlink()  # a link to the cache, perhaps
    (project / "tampered.out").write_text("other")
    lock = yaml.safe_load((project / "dvc.lock").read_text())
    del lock["stages"]["unlocked"]
    (project / "dvc.lock").write_text(yaml.safe_dump(lock))
    plain = Path(shutil.copytree(project, tmp_path / "plain"))
    done, turns = reproduce(project)
    assert done.returncode == 0, done.stdout + done.stderr
    changed = {"param", "after_param", "code", "deleted", "tampered", "unlocked"}
    assert turns == sorted(changed | {"print", "after_print"})
    assert (project / "deleted.out").read_text() == "deleted"
    assert (project / "tampered.out").read_text() == "tampered"
    assert dvc(plain, "repro").returncode == 0
    assert state(project) == state(plain)


def test_a_failure_is_reported_by_name_and_the_next_run_continues(project):
    (project / "param.txt").unlink()
    (project / "still.txt").write_text("moved")
    done, turns = reproduce(project, "pipeline.side_by_side", "--jobs", "1")
    assert done.returncode == 1 and UP_TO_DATE not in done.stdout
    assert "error: param failed, see above" in done.stderr and "param.txt" in done.stdout
    assert "param" in turns and "after_param" not in turns
    (project / "param.txt").write_text("other")
    done, turns = reproduce(project)
    assert done.returncode == 0 and {"param", "after_param"} <= set(turns)
    assert (project / "after_still.out").read_text() == "moved"
    assert dvc(project, "status").stdout.split() == ["print:", "always", "changed"]


def test_a_frozen_stage_keeps_its_output(project):
    (project / "still.txt").write_text("moved")
    assert dvc(project, "freeze", "still").returncode == 0
    done, turns = reproduce(project)
    assert done.returncode == 0 and turns == ["print"]
    assert (project / "still.out").read_text() == "still"


def test_what_is_wrong_with_dvc_yaml_is_said_by_dvc(project):
    stages = copy_stage("circle", "circle.out")
    for text in (None, yaml.safe_dump({"stages": stages})):
        (project / "dvc.yaml").unlink(missing_ok=True)
        if text:
            (project / "dvc.yaml").write_text(text)
        done, turns = reproduce(project)
        assert done.returncode != 0 and "ERROR: " in done.stderr and turns == ["repro"]
        assert "Traceback" not in done.stderr and UP_TO_DATE not in done.stdout
