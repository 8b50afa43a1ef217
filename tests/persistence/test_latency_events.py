"""What the latency monitor says of the disk: in this process with a threshold of nothing, and beside redis-server."""

from __future__ import annotations

import threading

import pytest

from tests.conftest import StartServer
from tests.patience import PATIENCE
from tests.persistence.test_append_log import Begin, Life, begin
from tests.wire import Connection

__all__ = ["begin"]

BIG = b"x" * 60_000_000


def _seen(life: Life) -> set[bytes]:
    """The events since the last time."""
    names = set(life.engine.latency.events) - {b"command", b"fast-command"}
    life.engine.latency.reset([])
    return names


def test_writes_are_told_apart_by_what_else_goes_on(begin: Begin) -> None:
    life = begin("appendfsync everysec")
    life.engine.latency.threshold_s = 0.0
    syncs = life.engine.append_log.background
    syncs.drain()  # so that none is under way by chance
    life.turn("SET a 1")
    assert _seen(life) == {b"aof-write", b"aof-write-alone"}
    assert life.engine.rewriter.start()
    syncs.drain()
    life.turn("SET b 1")
    assert _seen(life) == {b"aof-write", b"aof-write-active-child", b"fork"}
    life.finish_rewrite()
    assert _seen(life) == {b"aof-rename"}
    syncs.drain()
    may_end = threading.Event()

    def wait_in_sync(name: str) -> None:
        if name == "fdatasync":
            assert may_end.wait(PATIENCE)

    life.disk.before = wait_in_sync
    life.clock.advance(2_000)
    life.turn("SET c 1")
    life.run("SET d 1")
    life.engine.append_log.flush(True)
    may_end.set()
    assert _seen(life) == {b"aof-write", b"aof-write-alone", b"aof-write-pending-fsync"}


def test_removing_what_a_snapshot_has_written(begin: Begin) -> None:
    life = begin()
    life.engine.latency.threshold_s = 0.0
    assert life.engine.snapshots.save_in_background()
    life.engine.snapshots.kill()
    assert _seen(life) == {b"fork", b"rdb-unlink-temp-file"}


def _names(connection: Connection) -> set[object]:
    """What it says of the log."""
    names = [event.items[0].value for event in connection.call("LATENCY LATEST").items]
    return {name for name in names if isinstance(name, bytes) and name.startswith(b"aof-write")}


@pytest.mark.parametrize("name", ["start_server", "start_oracle"])
def test_a_write_that_takes_long(name: str, request: pytest.FixtureRequest) -> None:
    start: StartServer = request.getfixturevalue(name)
    server = start(
        "--appendonly", "yes", "--appendfsync", "no", "--latency-monitor-threshold", "1",
        "--auto-aof-rewrite-percentage", "0", "--rdb-key-save-delay", "100000000",
    )  # fmt: skip
    with server.connect() as connection:
        assert connection.call([b"SET", b"k", BIG]).value == b"OK"
        assert _names(connection) == {b"aof-write", b"aof-write-alone"}
        connection.ask("LATENCY RESET")
        assert connection.ask("BGSAVE") == b"Background saving started"
        assert connection.call([b"SET", b"k", BIG]).value == b"OK"
        assert _names(connection) == {b"aof-write", b"aof-write-active-child"}
