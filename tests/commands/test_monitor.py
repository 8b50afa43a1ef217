"""MONITOR beside redis-server: what a client is told of what others do."""

from __future__ import annotations

import re

import pytest

from tests.servers import Server
from tests.wire import Connection, split

_PLACES = re.compile(rb"^\d+\.\d{6} |127\.0\.0\.1:\d+")

LIBRARY = b"#!lua name=m\nredis.register_function('m', function(k) return redis.call('get', k[1]) end)"
WATCHED: dict[str, list[str | list[bytes]]] = {
    "commands": ["SET a 1", "GET a", "get A", "INCR a", "DEL a"],
    "binary words": [[b"SET", b"k", bytes(range(256))], [b"GET", b""]],
    "errors": ["GET", "NOSUCH a", "RPUSH l a", "INCR l", "PING"],
    "administration": ["CONFIG GET hz", "SLOWLOG LEN", "ACL USERS", "CLIENT LIST ID 0", "ACL WHOAMI", "INFO server"],
    "passwords": [
        "AUTH x", "AUTH default x", "HELLO 2 AUTH a b", "HELLO 2 AUTH a b SETNAME x", "ACL SETUSER default >x nopass",
    ],
    "databases": ["SELECT 5", "GET a", "SELECT 99", "SELECT 0"],
    "transactions": [
        "MULTI", "SET a 1", "INCR a", "SELECT 2", "GET a", "EXEC", "SELECT 0", "MULTI", "GET a", "DISCARD",
        "MULTI", "GET", "EXEC", "EXEC", "WATCH a", "UNWATCH",
    ],
    "scripts": [
        "EVAL 'redis.call(\"set\", KEYS[1], 1) return redis.call(\"incr\", KEYS[1])' 1 k", "EVALSHA abc 0",
        "EVAL 'x' 0",
        "MULTI", "EVAL 'return redis.call(\"get\", 1)' 0", "EXEC", "SCRIPT LOAD 'return 1'",
        "EVAL 'return redis.pcall(\"nosuch\")' 0", "EVAL 'return redis.call(\"select\", 3)' 0",
        [b"FUNCTION", b"LOAD", b"REPLACE", LIBRARY],
        "FCALL m 1 k", "FCALL_RO m 1 k", "FUNCTION DELETE m",
    ],
    "what is blocked": ["BLPOP l 0.01", "CLIENT REPLY ON", "SUBSCRIBE x", "RESET"],
}  # fmt: skip


def told(server: Server, steps: list[str | list[bytes]], resp: int) -> list[bytes]:
    """Run the steps, and return what a monitor was told of them."""
    with server.connect() as worker, server.connect(resp) as monitor, server.connect() as last:
        worker.call([b"FLUSHALL"])
        monitor.send([b"MONITOR"])
        assert monitor.read().value == b"OK"
        for step in steps:
            worker.call(split(step) if isinstance(step, str) else step)
        last.call([b"ECHO", b"the end"])
        lines: list[bytes] = []
        while not lines or b"the end" not in lines[-1]:
            line = monitor.read().value
            assert isinstance(line, bytes)
            lines.append(_PLACES.sub(b"", line))
        return lines


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("name", WATCHED)
def test_what_is_told(name: str, resp: int, server: Server, oracle: Server) -> None:
    ours = told(server, WATCHED[name], resp)
    assert ours == told(oracle, WATCHED[name], resp)
    assert len(ours) > 1


def _answers(connection: Connection, steps: list[str]) -> list[object]:
    """The replies and lines that a monitor's own commands bring, in order."""
    for step in steps:
        connection.send(split(step))
    found: list[object] = []
    while True:
        frame = connection.read()
        value = frame.value
        if isinstance(value, bytes):
            value = _PLACES.sub(b"", value)
        found.append((frame.kind, value))
        if value == b"the end":
            return found


@pytest.mark.parametrize(
    "steps",
    [
        ["MONITOR", "GET a", "SET a 1", "PUBLISH a b", "PING", "RESET", "ECHO 'the end'"],
        ["MONITOR", "MONITOR", "PING", "RESET", "GET a", "ECHO 'the end'"],
        ["MULTI", "MONITOR", "EXEC", "MONITOR x", "ECHO 'the end'"],
        ["EVAL 'return redis.pcall(\"monitor\")' 0", "ECHO 'the end'"],
    ],
)
def test_what_a_monitor_may_do(steps: list[str], server: Server, oracle: Server) -> None:
    with server.connect() as ours, oracle.connect() as theirs:
        assert _answers(ours, steps) == _answers(theirs, steps)


def test_a_monitor_that_goes_is_forgotten(server: Server) -> None:
    with server.connect() as worker:
        with server.connect() as monitor:
            monitor.send([b"MONITOR"])
            monitor.read()
            assert b" flags=O " in worker.call([b"CLIENT", b"LIST"]).value  # type: ignore[operator]
        assert worker.ask("PING") == b"PONG"
