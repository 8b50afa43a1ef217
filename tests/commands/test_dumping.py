"""What RESTORE logs, and where it goes further than redis-server, which the differential cases cannot tell."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from respd.clock import ManualClock
from tests.cases.dumping import BODIES, payload, restore
from tests.local import Local
from tests.wire import Error

Run = Callable[..., object]
Recorded = Callable[[], list[list[bytes]]]


def test_a_ttl_is_logged_as_a_moment(run: Run, recorded: Recorded, clock: ManualClock) -> None:
    """Whoever replays the log later must not let the key live longer."""
    run(restore("k", "raw", 5000, "REPLACE", "IDLETIME", "7"))
    moment = b"%d" % (clock.ms + 5000)
    words = [b"RESTORE", b"k", moment, payload(BODIES["raw"]), b"REPLACE", b"IDLETIME", b"7", b"ABSTTL"]
    assert recorded() == [words]


@pytest.mark.parametrize("options", [(), ("REPLACE",)])
def test_without_a_ttl_the_command_is_logged_as_sent(run: Run, recorded: Recorded, options: tuple[str, ...]) -> None:
    """There is nothing relative about it."""
    words = restore("k", "raw", 0, *options)
    run(words)
    assert recorded() == [words]


def test_a_moment_is_logged_as_sent(run: Run, recorded: Recorded, clock: ManualClock) -> None:
    """It is one already."""
    words = restore("k", "raw", clock.ms + 1, "ABSTTL")
    run(words)
    assert recorded() == [words]


def test_a_moment_gone_by_is_logged_as_the_delete_it_is(run: Run, recorded: Recorded) -> None:
    """Or as nothing, where there was no key."""
    run(restore("k", "raw", 1, "ABSTTL"))
    assert recorded() == []
    run("SET k v")
    run(restore("k", "raw", 1, "ABSTTL", "REPLACE"))
    assert recorded()[1:] == [[b"DEL", b"k"]]


def test_fields_expire_in_time(local: Local, run: Run, clock: ManualClock) -> None:
    """The database knows of the moments that came with the value."""
    run(restore("k", "expiring table"))
    clock.advance(4_000_000_000_000 - clock.ms)
    assert run("HKEYS k") == [b"c", b"a"]
    clock.advance(500)
    assert run("HKEYS k") == [b"a"]


def test_payloads_of_valkey(run: Run) -> None:
    """Their hashes with expiry have a form of their own, under a number that Redis uses for another."""
    body = b"\x16\x02\x01a\xc0\x01\xff\xff\xff\xff\xff\xff\xff\xff\x01b\xc0\x02" + (4 << 40).to_bytes(8, "little")
    assert run([b"RESTORE", b"k", b"0", payload(body, 80)]) == b"OK"
    assert run("HGETALL k") == {b"b": b"2", b"a": b"1"}
    assert run("HPEXPIRETIME k FIELDS 2 a b") == [-1, 4 << 40]


def test_bytes_behind_the_value_are_refused(run: Run) -> None:
    """No server writes such a payload, so it is damaged, although its checksum is right."""
    assert run([b"RESTORE", b"k", b"0", payload(BODIES["raw"] + b"x")]) == Error("ERR Bad data format")
    assert run([b"RESTORE", b"k", b"0", payload(BODIES["raw"][:-1])]) == Error("ERR Bad data format")


@pytest.mark.parametrize("kind", [6, 7, 15, 19, 21])
def test_types_that_respd_does_not_have(run: Run, kind: int) -> None:
    """Streams and modules' types are no good data to it."""
    body = bytes((kind,)) + b"\x81" + bytes(range(8)) + b"\x00"
    assert run([b"RESTORE", b"k", b"0", payload(body)]) == Error("ERR Bad data format")
