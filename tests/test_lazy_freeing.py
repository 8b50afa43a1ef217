"""What INFO says of values that are freed behind the clients' backs, beside redis-server."""

from __future__ import annotations

from functools import partial

import pytest

from tests.conftest import StartServer
from tests.patience import until
from tests.servers import Server

HASH = [b"HSET", b"h", *[b"%d" % number for number in range(2000)]]
STRINGS = [b"MSET", *[b"k:%d" % (number // 2) for number in range(598)]]
STEPS = [  # and how many values have been freed lazily by then
    (["FLUSHDB ASYNC"], 300),
    (["FLUSHDB SYNC"], 600),
    (["SELECT 1", "SET k v", "SELECT 0", "FLUSHALL ASYNC"], 901),
    (["UNLINK h"], 902),
    (["UNLINK k:1 k:2", "FLUSHALL"], 902 + 298),
]


def _figures(server: Server) -> tuple[int, int]:
    """How many wait, and how many are gone."""
    with server.connect() as connection:
        text = connection.ask("INFO memory")
    assert isinstance(text, bytes)
    fields = dict(line.split(b":", 1) for line in text.split(b"\r\n") if b":" in line)
    return int(fields[b"lazyfree_pending_objects"]), int(fields[b"lazyfreed_objects"])


@pytest.mark.parametrize("name", ["start_server", "start_oracle"])
def test_how_many_were_freed(name: str, request: pytest.FixtureRequest) -> None:
    start: StartServer = request.getfixturevalue(name)
    server = start()
    with server.connect() as connection:
        for commands, count in STEPS:
            connection.call(HASH)
            connection.call(STRINGS)
            for command in commands:
                connection.ask(command)
            until(partial(_is, server, count), f"{commands[-1]} to count {count}")


def _is(server: Server, count: int) -> bool:
    return _figures(server) == (0, count)


def test_those_that_wait_are_counted(server: Server) -> None:
    """Of a flushed database, its keys."""
    with server.connect() as connection:
        connection.call(HASH)
        connection.call(STRINGS)
        pending = connection.ask("EVAL", "redis.call('FLUSHALL') return redis.call('INFO', 'memory')", "0")
        assert isinstance(pending, bytes)
        assert b"lazyfree_pending_objects:300\r\n" in pending
