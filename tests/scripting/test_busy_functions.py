"""A function that runs for long: what others hear meanwhile, FUNCTION STATS and FUNCTION KILL, as in redis-server."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from tests.patience import PATIENCE, until
from tests.servers import Server
from tests.wire import Connection, Frame, render

OPTIONS = ("--busy-reply-threshold", "20", "--save", "")
FOREVER = "while true do end"
CATCHING = "while true do pcall(function() while true do end end) end"
WRITING = "redis.call('SET', 'k', 'v') while true do end"
READING = "redis.call('GET', 'k') while true do end"
CALLING = "while true do redis.call('GET', 'k') end"
IN_COROUTINE = "coroutine.wrap(function() while true do end end)()"


def library(body: str) -> bytes:
    """A library of two functions."""
    return (
        f"#!lua name=lib\nredis.register_function('slow', function(keys, args) {body} end)\n"
        "redis.register_function('quick', function() return 1 end)"
    ).encode()


def shown(frame: Frame) -> str:
    """A reply as text, without how long it took."""
    lines = render(frame)
    return re.sub(r":\d+", ":~", re.sub(r"duration_ms.*", "duration_ms", "\n".join(lines)))


def await_busy(connection: Connection) -> None:
    """Wait until others hear BUSY."""
    until(lambda: str(connection.call("PING").value).startswith("b'BUSY"))


def story(server: Server, body: str, resp: int, during: list[str]) -> list[str]:
    """What the caller and another client hear while a function runs, and after it was killed."""
    with server.connect(resp) as caller, server.connect(resp) as other:
        heard = [shown(other.call([b"FUNCTION", b"LOAD", library(body)]))]
        caller.send([b"FCALL", b"slow", b"1", b"k", b"an argument"])
        await_busy(other)
        heard += [shown(other.call(command)) for command in during]
        heard.append(shown(caller.read(PATIENCE)))
        heard += [
            shown(other.call(command)) for command in ("FCALL quick 0", "FUNCTION STATS", "FUNCTION KILL", "PING")
        ]
        heard.append(shown(caller.call("FCALL quick 0")))
    return heard


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("body", [FOREVER, CATCHING, READING, CALLING, IN_COROUTINE])
def test_a_function_is_killed(
    body: str, resp: int, start_server: Callable[..., Server], start_oracle: Callable[..., Server]
) -> None:
    """Whatever it catches; others get BUSY but for what may be asked then."""
    during = [
        "PING", "FCALL quick 0", "EVAL 'return 1' 0", "SET k v", "FUNCTION LIST", "FUNCTION STATS", "SCRIPT KILL",
        "MULTI", "FUNCTION STATS", "DISCARD", "FUNCTION FLUSH", "FUNCTION KILL",
    ]  # fmt: skip
    ours, theirs = (story(start(*OPTIONS), body, resp, during) for start in (start_server, start_oracle))
    assert ours == theirs


def test_a_function_that_has_written_is_not_killed(
    start_server: Callable[..., Server], start_oracle: Callable[..., Server]
) -> None:
    """Only the end of the server ends it, and nothing of it is kept."""
    told = []
    for start in (start_server, start_oracle):
        server = start(*OPTIONS, "--appendonly", "yes")
        with server.connect() as caller, server.connect() as other:
            other.call([b"FUNCTION", b"LOAD", library(WRITING)])
            caller.send("FCALL slow 0")
            await_busy(other)
            heard = [
                shown(other.call(command)) for command in ("FUNCTION KILL", "SCRIPT KILL", "FUNCTION STATS", "GET k")
            ]
            other.send("SHUTDOWN NOSAVE")
            assert server.process.wait(PATIENCE) == 0
        told.append(heard)
    assert told[0] == told[1]


def test_a_script_is_not_killed_as_a_function(
    start_server: Callable[..., Server], start_oracle: Callable[..., Server]
) -> None:
    """FUNCTION KILL and FUNCTION STATS tell that it is a script."""
    told = []
    for start in (start_server, start_oracle):
        server = start(*OPTIONS)
        with server.connect() as caller, server.connect() as other:
            caller.send([b"EVAL", FOREVER.encode(), b"0"])
            await_busy(other)
            commands = ("FUNCTION KILL", "FUNCTION STATS", "FCALL f 0", "SCRIPT KILL")
            heard = [shown(other.call(command)) for command in commands]
            told.append([*heard, re.sub("f_[0-9a-f]{40}|[0-9a-f]{40}", "~", shown(caller.read(PATIENCE)))])
    assert told[0] == told[1]


def test_a_server_ends_while_a_library_is_loaded(start_server: Callable[..., Server]) -> None:
    """SIGTERM is not waited for."""
    server = start_server("--save", "")
    with server.connect() as connection:
        connection.send([b"FUNCTION", b"LOAD", b"#!lua name=lib\nwhile true do end"])
        time.sleep(0.1)
        server.process.terminate()
        assert server.process.wait(PATIENCE) == 0
