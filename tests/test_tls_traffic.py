"""TLS under way: only that port, who waits, who listens, who is slow, who breaks off; what a wrong file changes."""

from __future__ import annotations

import select
import socket
import ssl
from pathlib import Path

import pytest

from crashes.ports import free_port
from tests.conftest import StartServer
from tests.patience import PATIENCE
from tests.test_tls import Secured, certificates, options_of, pytestmark, secured
from tests.wire import Connection, ReplyReader

__all__ = ["certificates", "pytestmark", "secured"]

BIG = 3_000_000
_RECORD = 16384


class Channel(Connection):
    """A connection over TLS."""

    def __init__(self, secured: Secured) -> None:
        self.timeout = PATIENCE
        self.reader = ReplyReader()
        self.socket = secured.connect()


def opened(secured: Secured) -> Connection:
    """Connect over TLS."""
    return Channel(secured)


def test_no_other_port_than_that_of_tls(start_server: StartServer, certificates: Path) -> None:
    port = free_port()
    server = start_server("--tls-port", str(port), *options_of(certificates))
    with opened(Secured(server, port, certificates)) as connection:
        assert connection.ask("CONFIG SET port 0") == b"OK"
        with pytest.raises(OSError), server.connect() as plain:
            plain.ask("PING")
        with opened(Secured(server, port, certificates)) as another:
            assert another.ask("PING") == b"PONG"


def test_waiting_and_listening(secured: Secured) -> None:
    with opened(secured) as waiting, opened(secured) as listening, opened(secured) as other:
        waiting.send("BLPOP l 0")
        assert listening.call("SUBSCRIBE c").kind == "*"
        assert other.ask("RPUSH l v") == 1
        assert waiting.read().items[1].value == b"v"
        for number in range(200):
            other.ask("PUBLISH", "c", f"{number}")
        assert [listening.read().items[2].value for _ in range(200)] == [b"%d" % number for number in range(200)]


def test_replies_larger_than_the_socket_takes(secured: Secured) -> None:
    """What a slow client leaves unread waits for it, others go on, and what it sends meanwhile is read."""
    with opened(secured) as slow, opened(secured) as other:
        value = bytes(range(256)) * (BIG // 256)
        assert other.ask(b"SET", b"big", value) == b"OK"
        slow.send(*["GET big"] * 5)
        slow.send(*["INCR n"] * 3)
        assert other.ask("PING") == b"PONG"
        assert [slow.read().value == value for _ in range(5)] == [True] * 5
        assert [slow.read().value for _ in range(3)] == [1, 2, 3]


def test_a_pipeline_larger_than_the_socket_takes(secured: Secured) -> None:
    """A client that reads only when it cannot send: both ways are full, and neither waits for the other for good."""
    count = 40_000
    data = memoryview((b"*2\r\n$4\r\nECHO\r\n$100\r\n" + b"e" * 100 + b"\r\n") * count)
    left = count * len(b"$100\r\n\r\n" + b"e" * 100)
    with secured.connect() as channel:
        channel.setblocking(False)
        while left:
            try:
                data = data[channel.send(data[:_RECORD]) :] if data else data
                if data:
                    continue
            except ssl.SSLWantWriteError:
                pass
            try:
                left -= len(channel.recv(1 << 16)) or pytest.fail("hung up")
            except ssl.SSLWantReadError:
                select.select([channel], [channel] if data else [], [], PATIENCE)


def test_clients_that_break_off(secured: Secured) -> None:
    """In the middle of a greeting, of a record, of a command, and without a farewell: the others go on."""
    with opened(secured) as other:
        for sent in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01", b"GET k\r\n", b"\x80" * 1000):
            with socket.create_connection(("127.0.0.1", secured.port), timeout=PATIENCE) as plain:
                plain.sendall(sent)
        for sent in (b"", b"*2\r\n$3\r\nGET\r\n$100\r\nabc"):
            channel = secured.connect()
            channel.sendall(sent)
            channel.close()  # without saying so
        assert other.ask("PING") == b"PONG"
        assert secured.server.running


def test_a_wrong_file_changes_nothing(secured: Secured, tmp_path: Path) -> None:
    """Neither the configuration nor what new connections get; nor does one of several directives go through."""
    broken = tmp_path / "broken.crt"
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with opened(secured) as connection:
        before = connection.ask("CONFIG GET tls-*")
        for words in (
            ["tls-cert-file", str(broken)],
            ["tls-auth-clients", "no", "tls-cert-file", str(broken)],
            ["tls-ca-cert-file", str(broken)],
            ["tls-ciphers", "nosuch"],
            ["tls-protocols", "TLSv7"],
            ["tls-dh-params-file", str(broken)],
            ["tls-key-file-pass", "x", "tls-key-file", str(broken)],
        ):
            answer = connection.call([b"CONFIG", b"SET", *[word.encode() for word in words]])
            assert answer.kind == "-", words
            assert b"Unable to update TLS configuration. Check server logs." in answer.value, words  # type: ignore[operator]
        assert connection.ask("CONFIG GET tls-*") == before
        with opened(secured) as another:
            assert another.ask("PING") == b"PONG"
