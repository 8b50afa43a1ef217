"""HyperLogLog commands: what they log, which events they send, and whom they tell of a change."""

import pytest

from tests.local import Local
from tests.wire import Status


@pytest.mark.parametrize(
    "command, logged",
    [
        ("PFADD h a", []),
        ("PFADD h x y", ["PFADD h x y"]),
        ("PFADD h", []),
        ("PFADD new", ["PFADD new"]),
        ("PFCOUNT h", ["PFCOUNT h"]),
        ("PFCOUNT h h", []),
        ("PFCOUNT nokey", []),
        ("PFMERGE h h", ["PFMERGE h h"]),
        ("PFMERGE new nokey", ["PFMERGE new nokey"]),
        ("PFMERGE h s", []),
        ("PFDEBUG GETREG h", ["PFDEBUG GETREG h"]),
        ("PFDEBUG TODENSE h", ["PFDEBUG TODENSE h"]),
        ("PFDEBUG DECODE h", []),
    ],
)
def test_what_changes_something_is_logged(local: Local, command: str, logged: list[str]) -> None:
    local.run("PFADD h a b c")
    local.run("SET s v")
    local.logged()
    local.run(command)
    assert local.logged() == [line.encode().split() for line in logged]


def test_a_count_is_renewed_and_logged_once(local: Local) -> None:
    local.run("PFADD h a b c")
    local.logged()
    assert [local.run("PFCOUNT h"), local.run("PFCOUNT h")] == [3, 3]
    assert local.logged() == [[b"PFCOUNT", b"h"]]


@pytest.mark.parametrize(
    "command, events",
    [
        ("PFADD h x y z", [b"pfadd"]),
        ("PFADD h a", []),
        ("PFCOUNT h", []),
        ("PFMERGE h h", [b"pfadd"]),
        ("PFDEBUG TODENSE h", []),
    ],
)
def test_each_change_sends_its_event_once(local: Local, command: str, events: list[bytes]) -> None:
    local.run("PFADD h a b c")
    local.events()
    local.run(command)
    assert local.events() == [(event, b"h") for event in events]


def test_a_renewed_count_spoils_watch(local: Local) -> None:
    local.run("PFADD h a b c")
    local.run("WATCH h")
    other = local.connect()
    local.run("PFCOUNT h", other)
    local.run("MULTI")
    local.run("PING")
    assert local.run("EXEC") is None


def test_a_string_of_redis_is_counted_and_added_to(local: Local) -> None:
    # What redis-server 8.0 returned for GET after PFADD h a b c.
    value = b"HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x60\xf3\x80\x50\xb1\x84\x4b\xfb\x80\x42\x5a"
    local.run([b"SET", b"h", value])
    assert local.run("PFCOUNT h") == 3
    assert local.run("PFADD h a b c") == 0
    assert local.run("PFADD h d") == 1
    assert local.run("PFCOUNT h") == 4


def test_the_self_test_passes(local: Local) -> None:
    assert local.run("PFSELFTEST") == Status(b"OK")
