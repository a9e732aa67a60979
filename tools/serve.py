"""Serve a folder on 127.0.0.1, in ranges too: `make listen`. It needs no environment.

Browsers move within a sound only if the server answers requests for a part of it (RFC 9110,
section 14), which Python's own server does not.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import io
import os
import re
import sys
from http import HTTPStatus
from pathlib import Path

ADDRESS = "127.0.0.1"


class RangeHandler(http.server.SimpleHTTPRequestHandler):
    """Python's handler, and ranges of bytes: `a-b`, `a-`, and the last n, `-n`."""

    protocol_version = "HTTP/1.1"  # a connection is kept for the next request

    def send_head(self):
        """Send the status and headers; return a file of what follows, or nothing."""
        try:
            path = Path(self.translate_path(self.path))
            asked = self.headers.get("Range") if self.command == "GET" else None
            if asked and path.is_file() and not self.path.endswith("/") and self._fresh(path):
                content = path.read_bytes()
                part = parse_range(asked, len(content))
                if part is not None:
                    return self._send_part(path, content, part)
            return super().send_head()
        except (OSError, ValueError):  # a name that no file can have
            self.send_error(HTTPStatus.NOT_FOUND, "File not found")
            return None

    def end_headers(self):
        """Say that parts may be asked for."""
        self.send_header("Accept-Ranges", "bytes")
        super().end_headers()

    def _fresh(self, path: Path) -> bool:
        """Return whether the file is the one that an If-Range header, if any, speaks of."""
        condition = self.headers.get("If-Range")
        return condition is None or condition == self._date(path)

    def _date(self, path: Path) -> str:
        return self.date_time_string(path.stat().st_mtime)

    def _send_part(self, path: Path, content: bytes, part: range) -> io.BytesIO | None:
        if not part:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Range", f"bytes {part[0]}-{part[-1]}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Last-Modified", self._date(path))
        self.end_headers()
        return io.BytesIO(content[part.start : part.stop])


class Server(http.server.ThreadingHTTPServer):
    """A server that reports no connection that a browser gave up, as it does in mid-sound."""

    def handle_error(self, request, client_address):
        """Report any other error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def parse_range(header: str, size: int) -> range | None:
    """Return the bytes that a Range header asks for: none of them if it cannot be satisfied.

    Return None if the header is to be ignored: it is malformed, has another unit, or several parts.
    """
    match = re.fullmatch(r"\s*bytes\s*=\s*([0-9]*)\s*-\s*([0-9]*)\s*", header, re.IGNORECASE)
    if not match or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        return range(max(0, size - int(last)), size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(size, int(last) + 1) if last else size)


def read_port(text: str) -> int:
    """Read a port from the command line; 0 is any that is free."""
    if not re.fullmatch("[0-9]+", text) or int(text) > 65535:
        sys.exit(f"error: {text!r} is no port; set PORT to a number from 0 to 65535")
    return int(text)


def main() -> None:
    """Serve FOLDER until Ctrl-C; print the address."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", default="0")
    options = parser.parse_args()
    port = read_port(options.port)
    if not options.folder.is_dir():
        sys.exit(f"error: {options.folder} does not exist; run this in the repository's root")
    handler = functools.partial(RangeHandler, directory=str(options.folder))
    try:
        server = Server((ADDRESS, port), handler)
    except OSError as error:
        sys.exit(
            f"error: port {port}: {error.strerror}; set PORT to another one, or leave it out for "
            "any that is free"
        )
    with server:
        print(f"Serving {options.folder} on http://{ADDRESS}:{server.server_port}/", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            os._exit(0)  # do not wait for sounds that are being sent


if __name__ == "__main__":
    main()
