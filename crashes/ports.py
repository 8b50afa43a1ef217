"""Ports for servers that are started for a while."""

from __future__ import annotations

import socket
from random import Random


def free_port() -> int:
    """A TCP port that nobody uses, and below those that the system gives to clients: it stays free until it is used."""
    choice = Random()
    while True:
        port = choice.randrange(12_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
