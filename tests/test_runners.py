"""Features and examples on real clusters on this machine: the bytes of one local process."""

import socket
import subprocess
import sys
from contextlib import contextmanager
from time import sleep

import pytest

from commands import ENVIRONMENT, hashes, small_data, stage
from conftest import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = small_data(tmp_path_factory.mktemp("data"))
    prepare(folder, "local")
    return folder


def prepare(data, name, *options):
    """Extract features and write examples; return the hashes of all files.

    Args:
        data: folder from `small_data`.
        name: folder for the output, inside `data`.
        options: options for Beam.
    """
    params = data / "params.yaml"
    out = data / name
    stage(
        "features",
        data / "set",
        data / "manifest.csv",
        out / "features",
        "--scratch",
        out / "s1",
        *options,
        params=params,
        check=True,
    )
    stage(
        "examples",
        out / "features",
        out / "examples",
        "--scratch",
        out / "s2",
        *options,
        params=params,
        check=True,
    )
    return hashes_of(data, name)


def free_port():
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(*commands):
    """Run processes for the duration of the block."""
    environment = ENVIRONMENT | {"no_proxy": "127.0.0.1,localhost"}
    processes = [
        subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for command in commands
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def wait_for(port, process):
    """Wait until the process listens on a port of this machine."""
    with socket.socket() as probe:
        while probe.connect_ex(("127.0.0.1", port)):
            assert process.poll() is None, f"{process.args} ended"
            sleep(0.2)


def test_dask_gives_the_same_bytes(data):
    from distributed import Client

    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    worker = [
        "dask",
        "worker",
        address,
        "--nthreads",
        "1",
        "--no-dashboard",
        "--local-directory",
        str(data / "dask"),
    ]
    with running(
        ["dask", "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"],
        worker,
        worker,
    ) as processes:
        wait_for(port, processes[0])
        with Client(address) as client:
            client.wait_for_workers(2)
        runner = "--runner=apache_beam.runners.dask.dask_runner.DaskRunner"
        assert prepare(data, "dask", runner, f"--dask_client_address={address}") == hashes_of(
            data, "local"
        )


def test_the_portable_job_service_gives_the_same_bytes(data):
    port = free_port()
    with running(
        [
            sys.executable,
            "-m",
            "apache_beam.runners.portability.local_job_service_main",
            "--port",
            str(port),
        ]
    ) as processes:
        wait_for(port, processes[0])
        options = [
            "--runner=PortableRunner",
            f"--job_endpoint=localhost:{port}",
            "--environment_type=LOOPBACK",
        ]
        assert prepare(data, "portable", *options) == hashes_of(data, "local")


def hashes_of(data, name):
    return hashes(data / name / "features") | hashes(data / name / "examples")
