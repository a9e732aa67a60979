"""Independent stages side by side: order, limits, failures; the graph is DVC's own."""

import threading
import time

import yaml

from conftest import ROOT
from pipeline.side_by_side import read_graph, run_graph

DIAMOND = {"end": {"left", "right"}, "left": {"start"}, "right": {"start"}, "start": set()}


class Runs:
    """Remembers the order in which stages began and how many ran at once."""

    def __init__(self, statuses=None):
        self.statuses, self.begun, self.now, self.most, self.lock = statuses or {}, [], 0, 0, threading.Lock()

    def __call__(self, name):
        with self.lock:
            self.begun.append(name)
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.05)
        with self.lock:
            self.now -= 1
        return self.statuses.get(name, 0)


def test_every_stage_runs_once_after_those_it_needs():
    runs = Runs()
    assert run_graph(DIAMOND, 2, runs) == []
    assert runs.begun[0] == "start" and runs.begun[-1] == "end" and sorted(runs.begun) == sorted(DIAMOND)
    assert runs.most == 2


def test_no_more_run_at_once_than_asked():
    runs = Runs()
    assert run_graph({str(number): set() for number in range(6)}, 1, runs) == [] and runs.most == 1 and len(runs.begun) == 6


def test_after_a_failure_nothing_more_begins():
    runs = Runs({"left": 1})
    assert run_graph(DIAMOND, 1, runs) == ["left"]
    assert "end" not in runs.begun


def test_the_graph_is_dvcs(monkeypatch):
    monkeypatch.chdir(ROOT)
    graph, values = read_graph(), yaml.safe_load((ROOT / "params.yaml").read_text())
    assert {f"train@{name}-{seed}" for name in values["experiments"] for seed in values["seeds"]} <= set(graph)
    assert graph["resynthesize@supervised-0"] == {"train@supervised-0", "assign"}
    assert set().union(*graph.values()) <= set(graph)
