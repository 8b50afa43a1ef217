"""String and bitmap commands: what they log, the events they send, and strings that are edited in place."""

import pytest

from respd.commands import bitmaps, counters, expiry, keys, string_parts, strings
from respd.config import Config
from tests.local import Local
from tests.wire import Error

NOW_MS = 1_700_000_000_000
IN_10_S = b"%d" % (NOW_MS + 10_000)


@pytest.fixture
def local() -> Local:
    local = Local(strings.group, counters.group, string_parts.group, bitmaps.group, keys.group, expiry.group)
    assert local.clock.ms == NOW_MS
    return local


def words(line: bytes) -> list[bytes]:
    """The words of a logged command."""
    return line.split(b" ")


@pytest.mark.parametrize(
    ("before", "command", "logged"),
    [
        ("", "set k v", b"set k v"),
        ("", "SET k v EX 10", b"SET k v PXAT " + IN_10_S),
        ("", "SET k v NX PX 10000", b"SET k v PXAT " + IN_10_S),
        ("", "SET k v EXAT 1700000010", b"SET k v PXAT " + IN_10_S),
        ("", "SET k v PXAT 1700000010000", b"SET k v PXAT 1700000010000"),
        ("SET k w", "SET k v GET XX KEEPTTL", b"SET k v XX KEEPTTL"),
        ("SET k w", "SET k v GET EX 10", b"SET k v PXAT " + IN_10_S),
        ("", "SETEX k 10 v", b"SET k v PXAT " + IN_10_S),
        ("", "PSETEX k 10000 v", b"SET k v PXAT " + IN_10_S),
        ("SET k w", "GETSET k v", b"SET k v"),
        ("SET k w", "GETDEL k", b"DEL k"),
        ("SET k w", "GETEX k EX 10", b"PEXPIREAT k " + IN_10_S),
        ("SET k w EX 10", "GETEX k PERSIST", b"PERSIST k"),
        ("SET k w", "GETEX k EXAT 1", b"DEL k"),
        ("SET k 1", "INCRBYFLOAT k 0.5", b"SET k 1.5 KEEPTTL"),
        ("SET k 1", "INCR k", b"INCR k"),
        ("SET k 1", "APPEND k 2", b"APPEND k 2"),
        ("", "SETBIT k 3 0", b"SETBIT k 3 0"),
        ("SETBIT k 3 0", "SETBIT k 3 1", b"SETBIT k 3 1"),
        ("SET k w", "BITOP AND k missing", b"BITOP AND k missing"),
        ("", "BITFIELD k GET u8 0 SET u8 0 1", b"BITFIELD k GET u8 0 SET u8 0 1"),
    ],
)
def test_the_outcome_is_logged(local: Local, before: str, command: str, logged: bytes) -> None:
    if before:
        local.run(before)
        local.logged()
    assert not isinstance(local.run(command), Error)
    assert local.logged() == [words(logged)]


@pytest.mark.parametrize(
    ("before", "command"),
    [
        ("SET k v", "SET k w NX"),
        ("", "SET k w XX"),
        ("SET k v", "SET k w NX GET EX 10"),
        ("SET k v", "SETNX k w"),
        ("SET k v", "MSETNX j w k w"),
        ("SET k v", "GETEX k"),
        ("SET k v", "GETEX k PERSIST"),
        ("", "GETEX k EX 10"),
        ("", "GETDEL k"),
        ("SET k v", "INCR k"),
        ("", 'SETRANGE k 5 ""'),
        ("SETBIT k 3 1", "SETBIT k 3 1"),
        ("SETBIT k 7 1", "BITFIELD k SET u8 0 1 GET u8 0"),
        ("SETBIT k 7 1", "BITFIELD k OVERFLOW FAIL SET u8 0 300"),
        ("", "BITOP OR k missing"),
    ],
)
def test_what_changes_nothing_is_neither_logged_nor_announced(local: Local, before: str, command: str) -> None:
    if before:
        local.run(before)
    local.logged()
    local.events()
    dirty = local.engine.shared.dirty
    local.run(command)
    assert local.logged() == []
    assert [event for event, _ in local.events() if event != b"keymiss"] == []
    assert local.engine.shared.dirty == dirty


def test_set_with_an_expiry_sends_two_events_for_one_change(local: Local) -> None:
    dirty = local.engine.shared.dirty
    local.run("SET k v EX 10")
    assert local.events() == [(b"set", b"k"), (b"expire", b"k")]
    assert local.engine.shared.dirty == dirty + 1


def test_a_string_lives_to_the_millisecond_it_was_given(local: Local) -> None:
    local.run("SET k v PX 1500")
    local.clock.advance(1499)
    assert local.run("GET k") == b"v"
    local.clock.advance(1)
    assert local.run("GET k") is None
    assert local.events()[-2:] == [(b"expired", b"k"), (b"keymiss", b"k")]


def test_writers_find_an_expired_string_gone(local: Local) -> None:
    for command, reply in (
        ("INCR k", 1),
        ("APPEND k x", 1),
        ("SETRANGE k 2 x", 3),
        ("SETBIT k 7 1", 0),
        ("SETNX k w", 1),
        ("SET k w XX", None),
        ("GETSET k w", None),
        ("GETDEL k", None),
        ("INCRBYFLOAT k 1", b"1"),
    ):
        local.run("SET k 555 PX 5")
        local.clock.advance(5)
        assert local.run(command) == reply
        assert local.run("TTL k") in (-1, -2)


def test_replies_inside_a_transaction_are_not_touched_by_later_edits(local: Local) -> None:
    local.run("APPEND k a")
    local.run("APPEND k b")
    values = [strings.get(local.ctx, [b"GET", b"k"]), strings.mget(local.ctx, [b"MGET", b"k"])]
    local.run("APPEND k c")
    local.run("SETRANGE k 0 x")
    assert values == [b"ab", [b"ab"]]


def test_the_longest_string_is_set_by_the_configuration(local: Local) -> None:
    assert Config().proto_max_bulk_len == 512 * 1024 * 1024
    local.engine.config.proto_max_bulk_len = 16
    too_long = Error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
    bad_offset = Error("ERR bit offset is not an integer or out of range")
    assert local.run("SETRANGE k 14 xx") == 16
    assert local.run("SETRANGE k 15 xx") == too_long
    assert local.run("SETRANGE n 16 x") == too_long
    assert local.run("APPEND k x") == too_long
    assert local.run("SETBIT k 127 1") == 0
    assert local.run("SETBIT k 128 1") == bad_offset
    assert local.run("GETBIT k 128") == bad_offset
    assert local.run("BITFIELD k SET u8 128 1") == bad_offset
    assert local.run("STRLEN k") == 16
    assert local.run("EXISTS n") == 0


def test_an_error_leaves_no_trace(local: Local) -> None:
    local.run("SET k abc")
    local.events()
    for command in ("INCR k", "INCRBYFLOAT k 1", "SETRANGE k -1 x", "BITFIELD k SET u8 0 1 SET u8 x 1", "SETBIT k 0 2"):
        assert isinstance(local.run(command), Error)
    assert local.run("GET k") == b"abc"
    assert local.run("OBJECT ENCODING k") == b"embstr"
    assert local.events() == []
