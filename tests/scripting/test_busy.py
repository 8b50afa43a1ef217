"""A script that runs for long: what others hear meanwhile, SCRIPT KILL, and what becomes of what it did."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.patience import PATIENCE, until
from tests.servers import Server
from tests.wire import CLOSED, Connection, encode, render

Start = Callable[..., Server]
OPTIONS = ("--busy-reply-threshold", "20")
FOREVER = b"while true do end"
UNTIL_KILLED = [
    FOREVER,
    b"while true do pcall(function() while true do end end) end",
    b"while true do xpcall(function() while true do end end, function(e) while true do end end) end",
    b"while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    b"while true do redis.pcall('GET', 'k') end",
    b"local t = {} while true do local f = redis.call f('GET', 'k') t[#t % 9 + 1] = ('x'):rep(100) end",
    b"while true do table.sort({3, 1, 2}, function(a, b) return a < b end) end",
    b"while true do ('abc'):gsub('.', function(c) return c end) end",
]
HEARD_BY_OTHERS = [
    "PING", "GET x", "SET x y", "nosuch", "GET", "EXEC", "DISCARD", "WATCH a", "UNWATCH", "SUBSCRIBE x", "RESET",
    "CLIENT ID", "CLIENT LIST", "INFO server", "CONFIG GET port", "FUNCTION STATS", "FUNCTION KILL", "FUNCTION LIST",
    "SCRIPT EXISTS x", "SCRIPT HELP", "SHUTDOWN SAVE", "SHUTDOWN", "EVAL 'return 1' 0", "COMMAND COUNT", "MULTI",
    "GET x", "EXEC", "QUIT",
]  # fmt: skip


def run(connection: Connection, source: bytes, *keys: bytes) -> None:
    """Send a script and do not wait for its answer."""
    connection.send([b"EVAL", source, b"%d" % len(keys), *keys])


def await_busy(connection: Connection) -> None:
    """Wait until others hear BUSY."""
    until(lambda: str(connection.call("PING").value).startswith("b'BUSY"))


def shown(text: object) -> str:
    """A text without digests and times."""
    return re.sub(r"after \d+ milli", "after ~ milli", re.sub("[0-9a-f]{40}", "~", str(text)))


@pytest.mark.parametrize("resp", [2, 3])
def test_others_hear_busy(resp: int, start_server: Start, start_oracle: Start) -> None:
    """And may do what they may do with redis-server; the log tells of it."""
    told = []
    for start in (start_server, start_oracle):
        server = start(*OPTIONS)
        with server.connect(resp) as runner, server.connect(resp) as other, server.connect(resp) as killer:
            run(runner, FOREVER)
            await_busy(other)
            heard = [shown(render(other.call(command))) for command in HEARD_BY_OTHERS]
            heard += [shown(render(killer.call("SCRIPT KILL"))), shown(render(runner.read(PATIENCE)))]
            heard += [shown(render(killer.call(command))) for command in ("SCRIPT KILL", "PING")]
        lines = [shown(line.partition("* ")[2] or line.partition("# ")[2]) for line in server.log.splitlines()]
        told.append((heard, [line for line in lines if "cript" in line]))
    assert told[0] == told[1]


@pytest.mark.parametrize("source", UNTIL_KILLED)
def test_whatever_it_catches_it_is_killed(source: bytes, start_server: Start) -> None:
    """And the next script runs."""
    server = start_server(*OPTIONS)
    with server.connect() as runner, server.connect() as other:
        run(runner, source)
        await_busy(other)
        assert other.ask("SCRIPT KILL") == b"OK"
        assert shown(runner.read(PATIENCE).value).startswith(
            "b'ERR Script killed by user with SCRIPT KILL... script: ~"
        )
        assert runner.ask("EVAL", "return 1", 0) == 1


def test_what_was_written_cannot_be_killed(start_server: Start) -> None:
    """SHUTDOWN NOSAVE ends the server, and nothing of the script is in its log."""
    server = start_server(*OPTIONS, "--appendonly", "yes")
    with server.connect() as runner, server.connect() as other:
        other.call("SET before 1")
        run(runner, b"redis.call('SET', 'k', 'v') redis.call('INCR', 'n') while true do end")
        await_busy(other)
        assert shown(other.call("SCRIPT KILL").value).startswith("b'UNKILLABLE Sorry the script already executed")
        other.send("MULTI", "DISCARD", "SHUTDOWN NOSAVE")
        assert server.process.wait(PATIENCE) == 0
        assert runner.read(PATIENCE).kind == CLOSED
    server._start()
    assert server._answers()
    with server.connect() as connection:
        assert connection.ask("KEYS *") == [b"before"]


def test_commands_wait_in_order(start_server: Start) -> None:
    """Those behind the script in its client's pipeline, half of one of another's, and the clients that have gone."""
    server = start_server(*OPTIONS)
    with server.connect() as runner, server.connect() as other, server.connect() as half:
        runner.send(["SET", "k", "1"], [b"EVAL", FOREVER, b"0"], ["INCR", "k"], ["INCR", "k"])  # type: ignore[list-item]
        await_busy(other)
        half.send_bytes(b"*2\r\n$4\r\nEC")
        gone = server.connect()
        gone.send_bytes(encode([b"PING"]))
        gone.close()
        other.send(*["PING"] * 100)
        assert all(str(other.read().value).startswith("b'BUSY") for _ in range(100))
        other.call("SCRIPT KILL")
        assert [runner.read(PATIENCE).kind for _ in range(4)] == ["+", "-", ":", ":"]
        half.send_bytes(b"HO\r\n$2\r\nhi\r\n")
        assert half.read().value == b"hi"
        assert other.ask("GET k") == b"3"


def test_its_client_may_go(start_server: Start) -> None:
    """The script runs on, until it is killed."""
    server = start_server(*OPTIONS)
    with server.connect() as other:
        runner = server.connect()
        run(runner, FOREVER)
        await_busy(other)
        runner.close()
        await_busy(other)
        assert other.ask("SCRIPT KILL") == b"OK"
        assert other.ask("PING") == b"PONG"
        until(lambda: len(str(other.ask("CLIENT LIST")).split("\\n")) <= 2)


def test_nobody_is_served_with_half_of_it(start_server: Start) -> None:
    """A client that waits for a list gets it when the script has ended; keys that are due stay."""
    server = start_server(*OPTIONS)
    with server.connect() as runner, server.connect() as waiting, server.connect() as other:
        waiting.send("BLPOP l 0")
        other.call("SET due v")
        source = (
            b"redis.call('RPUSH', 'l', 'a') redis.call('PEXPIRE', 'due', 1) for i = 1, 3e7 do end "
            b"redis.call('DEL', 'l') return redis.call('EXISTS', 'due')"
        )
        run(runner, source)
        await_busy(other)
        for command in ("MULTI", "DISCARD", "UNWATCH"):
            other.call(command)
        assert runner.read(PATIENCE).value == 1
        other.call("RPUSH l b")
        assert [item.value for item in waiting.read().items] == [b"l", b"b"]


def test_none_is_busy_where_the_threshold_is_zero(start_server: Start) -> None:
    """The others wait."""
    server = start_server("--lua-time-limit", "0")
    with server.connect() as runner, server.connect() as other:
        run(runner, b"for i = 1, 3e7 do end return 'done'")
        other.send("PING")
        assert other.read(PATIENCE).value == b"PONG"
        assert runner.read(PATIENCE).value == b"done"
    assert "Slow script" not in server.log
