"""What the examples share: the server they use, which is the one of --url, or else a respd of their own."""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

START_TIMEOUT_S = 30.0


@contextmanager
def server(about: str | None) -> Iterator[str]:
    """Read the command line, and give the URL of a server that runs until the end of the `with` block."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a server that runs already, as redis://localhost:6379; default: a new respd")
    url = parser.parse_args().url
    if url:
        yield url
        return
    with socket.socket() as probe:  # the system knows which port is free
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["--port", str(port), "--save", "", "--loglevel", "warning"]
    respd = subprocess.Popen([sys.executable, "-m", "respd", *words])
    try:
        _wait_for(port, respd)
        yield f"redis://127.0.0.1:{port}"
    finally:
        respd.terminate()
        respd.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when somebody listens on the port."""
    end = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                sys.exit("respd does not start; is it installed? (pip install .)")
            time.sleep(0.01)
