"""The commands about the server as a whole, for what two servers cannot be compared in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import StartServer
from tests.local import Local
from tests.wire import CLOSED, Error


def test_time_is_the_clock(local: Local) -> None:
    local.clock.advance(1)
    assert local.run("TIME") == [b"1700000000", b"1000"]


def test_memory_usage_grows_with_the_value(local: Local) -> None:
    sizes: list[int] = []
    for count in (1, 100, 10_000):
        local.run("DEL k")
        local.run([b"RPUSH", b"k", *[b"element-%d" % number for number in range(count)]])
        size = local.run("MEMORY USAGE k")
        assert isinstance(size, int)
        sizes.append(size)
    assert sizes == sorted(sizes) and 10_000 * 10 < sizes[-1] < 10_000 * 200


@pytest.mark.parametrize("setup", ["SET k v", "SET k 1", "APPEND k v", "SADD k a", "HSET k f v", "ZADD k 1 a"])
def test_memory_usage_of_each_type(local: Local, setup: str) -> None:
    local.run(setup)
    size = local.run("MEMORY USAGE k")
    assert isinstance(size, int) and 50 < size < 5000


def test_memory_usage_leaves_no_trace(local: Local) -> None:
    local.run("MEMORY USAGE k")
    assert local.engine.stats.keyspace_misses == 0


def test_lolwut_draws_the_size_asked_for(local: Local) -> None:
    drawing = local.run("LOLWUT VERSION 5 40 9")
    assert isinstance(drawing, bytes)
    lines = drawing.decode().split("\n")
    assert len(lines) == 9 + 3 and lines[-2].startswith("Redis ver. ")
    assert max(map(len, lines)) <= 40


def test_slow_commands_are_remembered_newest_first(local: Local) -> None:
    local.engine.config.set([(b"slowlog-log-slower-than", b"0"), (b"slowlog-max-len", b"2")])
    for command in ("SET a 1", "SET b 1", "SET c 1"):
        local.run(command)
    local.engine.config.set([(b"slowlog-log-slower-than", b"-1")])
    entries = local.run("SLOWLOG GET")
    assert isinstance(entries, list)
    assert [entry[3] for entry in entries] == [[b"SET", b"c", b"1"], [b"SET", b"b", b"1"]]
    assert entries[0][0] == entries[1][0] + 1
    assert local.run("SLOWLOG LEN") == 2
    local.run("SLOWLOG RESET")
    assert local.run("SLOWLOG GET -1") == []


@pytest.mark.parametrize("command", ["SHUTDOWN", "SHUTDOWN NOSAVE", "SHUTDOWN SAVE FORCE NOW"])
def test_shutdown_ends_the_process(start_server: StartServer, command: str) -> None:
    server = start_server()
    with server.connect() as connection:
        assert connection.call(command).kind == CLOSED
    assert server.process.wait(10) == 0


def test_a_shutdown_that_cannot_save_is_refused(local: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dump.rdb").mkdir()
    assert local.run("SHUTDOWN SAVE") == Error("ERR Errors trying to SHUTDOWN. Check logs.")
    assert not local.engine.shutdown_requested
