"""Beam's worker processes: what happens to them when this or another process ends, and proxies."""

import os
import signal
import subprocess
import sys
import threading

import grpc
import pytest

import children
from children import assert_gone, finish, wait_for_children
from commands import ENVIRONMENT, error_line
from conftest import ROOT
from pipeline.preparation.local_workers import lost_workers

PROGRAM = """
import os, time
from pathlib import Path
from pipeline.common.cli import run_stage
from pipeline.preparation.beam import run_chain, runner_options

def work(element):
    (Path(element["folder"]) / str(os.getpid())).touch()
    time.sleep(element["seconds"])
    return {"id": element["id"]}

def main(folder: Path, seconds: float, workers: int):
    element = {"folder": str(folder / "children"), "seconds": seconds}
    (folder / "children").mkdir()
    elements = [element | {"id": f"e{number}"} for number in range(8)]
    rows = run_chain(elements, work, folder / "rows", "wait", runner_options(workers, []))
    print(len(rows))

run_stage(main)
"""
PROXY = "http://127.0.0.1:9"  # nothing listens there
PROXIES = dict.fromkeys(("http_proxy", "https_proxy", "grpc_proxy"), PROXY)


def start(folder, seconds, workers, **environment):
    """Run the chain in a separate process: eight elements that wait."""
    arguments = [str(folder), str(seconds), str(workers)]
    return children.start(ROOT, sys.executable, "-c", PROGRAM, *arguments, **environment)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_the_stage(tmp_path, number):
    process = start(tmp_path, 600, 2)
    workers = wait_for_children(tmp_path / "children", 2, process)
    process.send_signal(number)
    done = finish(process)
    assert_gone(workers)
    if number != signal.SIGKILL:
        assert error_line(done).endswith("run the same command again to continue")
        assert done.returncode == 128 + number


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stage_with_threads_ends_at_once(tmp_path, number):
    process = start(tmp_path, 600, 1)
    wait_for_children(tmp_path / "children", 1, process)
    process.send_signal(number)
    done = finish(process)
    assert error_line(done) and done.returncode == 128 + number


def test_a_killed_worker_is_an_error_and_no_hang(tmp_path):
    process = start(tmp_path, 600, 2)
    workers = wait_for_children(tmp_path / "children", 2, process)
    workers[0].kill()
    done = finish(process)
    assert "wait: a local worker is gone" in error_line(done) and "--workers" in done.stderr
    assert_gone(workers)


@pytest.mark.parametrize("error", [grpc.RpcError, ValueError])
def test_connection_errors_in_any_thread_follow_from_a_loss(monkeypatch, error):
    def fail():
        raise error

    shown = []
    monkeypatch.setattr(threading, "excepthook", shown.append)
    with lost_workers() as lost:
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    assert lost == [] and len(shown) == (error is ValueError)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("users", [{"no_proxy": "a.org"}, {"no_grpc_proxy": "a.org"}])
def test_workers_are_reached_without_a_proxy(tmp_path, workers, users):
    done = finish(start(tmp_path, 0, workers, **PROXIES, **users))
    assert done.returncode == 0 and done.stdout == "8\n", done.stderr[-2000:]


def test_workers_start_from_a_path_with_spaces(tmp_path):
    folder = tmp_path / "a folder [1]"
    folder.mkdir()
    os.symlink(sys.prefix, folder / "environment")
    python = folder / "environment" / "bin" / "python"
    process = subprocess.run(
        [python, "-c", PROGRAM, str(tmp_path), "0", "2"],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0 and process.stdout == "8\n", process.stderr[-2000:]


def test_a_job_service_out_of_reach_is_one_line(tmp_path):
    options = "--runner=PortableRunner --job_endpoint=127.0.0.1:9 --job_server_timeout=1"
    done = finish(start(tmp_path, 0, 1, BEAM_OPTIONS=options))
    assert "job service cannot be reached" in error_line(done)
