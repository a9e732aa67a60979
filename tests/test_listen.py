"""`make listen`: ranges, so that sounds can be moved within, and one line for a bad port."""

import shutil
import socket
import subprocess
import sys
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from commands import ENVIRONMENT, error_line, run
from conftest import ROOT
from listening import served

REPORTS = ROOT / "reports"
SOUND = min((REPORTS / "page" / "sounds").glob("*.mp3"))
NAME = f"/{SOUND.relative_to(REPORTS).as_posix()}"
CONTENT = SOUND.read_bytes()
SIZE = len(CONTENT)


@pytest.fixture(scope="module")
def connection():
    with served() as address:
        connection = HTTPConnection(urlsplit(address).netloc)
        yield connection
        connection.close()


def ask(connection, name, method="GET", **headers):
    """Return the response to a request and its body."""
    headers = {key.replace("_", "-"): value for key, value in headers.items()}
    connection.request(method, name, headers=headers)
    response = connection.getresponse()
    return response, response.read()


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-", 0, SIZE - 1),
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=10-", 10, SIZE - 1),
        ("bytes=-10", SIZE - 10, SIZE - 1),
        (f"bytes=-{SIZE + 10}", 0, SIZE - 1),
        (f"bytes=10-{SIZE + 10}", 10, SIZE - 1),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
    ],
)
def test_a_part_is_sent(connection, asked, first, last):
    response, body = ask(connection, NAME, Range=asked)
    assert response.status == 206 and body == CONTENT[first : last + 1]
    assert response.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert response.headers["Content-Type"] == "audio/mpeg"


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}", "bytes=-0"])
def test_a_part_beyond_the_end_is_refused(connection, asked):
    response, body = ask(connection, NAME, Range=asked)
    assert response.status == 416 and body == b""
    assert response.headers["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "asked", ["bytes=9-5", "bytes=-", "bytes=x-", "bytes=0-1,5-6", "seconds=0-1", "bytes=²-", ""]
)
def test_a_header_that_says_nothing_of_use_gets_the_whole(connection, asked):
    response, body = ask(connection, NAME, Range=asked.encode())
    assert response.status == 200 and body == CONTENT
    assert response.headers["Accept-Ranges"] == "bytes"


def test_a_part_of_another_version_is_not_sent(connection):
    response, _ = ask(connection, NAME)
    modified = response.headers["Last-Modified"]
    response, _ = ask(connection, NAME, Range="bytes=5-", If_Range=modified)
    assert response.status == 206
    response, body = ask(connection, NAME, Range="bytes=5-", If_Range='"other"')
    assert response.status == 200 and body == CONTENT


def test_the_page_its_headers_and_what_is_not_there(connection):
    response, body = ask(connection, "/")
    assert response.status == 200 and body == (REPORTS / "index.html").read_bytes()
    response, body = ask(connection, NAME, method="HEAD", Range="bytes=0-9")
    assert response.status == 200 and response.headers["Content-Length"] == str(SIZE)
    for name in ("/none.mp3", f"{NAME}/", "/%00", "/" + "a" * 300, "/../README.md"):
        response, _ = ask(connection, name, Range="bytes=0-9")
        assert response.status == 404, name


def test_a_busy_port_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        done = run(ROOT, "make", "--silent", "listen", f"PORT={port}", check=False)
    assert error_line(done).startswith(f"error: port {port}: ") and "set PORT" in done.stderr


@pytest.mark.parametrize("port", ["x", "70000", "-1", "80 81", "1.5"])
def test_a_bad_port_is_one_line(port):
    done = run(ROOT, "make", "--silent", "listen", f"PORT={port}", check=False)
    assert error_line(done).startswith(f"error: '{port}' is no port")


def test_it_needs_no_environment(tmp_path):
    shutil.copy2(ROOT / "tools" / "serve.py", tmp_path)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "serve.py", "no-folder"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert error_line(done) == (
        "error: no-folder does not exist; run this in the repository's root"
    )
