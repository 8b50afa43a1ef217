"""Consumer groups: what came after Redis 8.0, by its documentation; what is logged; waiting, by hand."""

from __future__ import annotations

import pytest

from respd.commands import all_groups
from tests.local import Local
from tests.wire import Error, split

MAX = 9223372036854775807
FOUR = ("XADD s 1-1 a 1", "XADD s 2-1 b 2", "XADD s 3-1 c 3", "XADD s 4-1 d 4", "XGROUP CREATE s g 0")
READ = (*FOUR, "XREADGROUP GROUP g a COUNT 2 STREAMS s >", "XREADGROUP GROUP g b COUNT 1 STREAMS s >")
SYNTAX = Error("ERR syntax error")
INVALID = Error("ERR Invalid stream ID specified as stream command argument")
NOT_POSITIVE = Error("ERR Number of IDs must be a positive integer")
TOO_FEW = Error("ERR The `numids` parameter must match the number of arguments")
WRONG_TYPE = Error("WRONGTYPE Operation against a key holding the wrong kind of value")


def do(local: Local, *lines: str) -> None:
    """Run commands that succeed, and forget what they logged."""
    for line in lines:
        assert not isinstance(local.run(line), Error), line
    local.logged()
    local.events()


def pending(local: Local, group: str = "g", key: str = "s") -> list[object]:
    """What is pending, as (id, consumer, deliveries)."""
    found = local.run(f"XPENDING {key} {group} - + 100")
    assert isinstance(found, list)
    return [(id, consumer, deliveries) for id, consumer, _, deliveries in found]


def words(*lines: str) -> list[list[bytes]]:
    return [split(line) for line in lines]


@pytest.mark.parametrize(
    "command, reply",
    [
        ("XDELEX s IDS 1 1-1", [1]),
        ("XDELEX s IDS 3 1-1 9 1", [1, -1, -1]),
        ("XDELEX s IDS 2 1-1 1-1", [1, -1]),
        ("XDELEX none IDS 2 1-1 2-1", [-1, -1]),
        ("XDELEX none DELREF IDS 1 x", INVALID),
        ("XDELEX s IDS 0 1-1", NOT_POSITIVE),
        ("XDELEX s IDS x 1-1", NOT_POSITIVE),
        ("XDELEX s IDS 2 1-1", TOO_FEW),
        ("XDELEX s IDS 1 1-1 2-1", SYNTAX),
        ("XDELEX s KEEPREF DELREF IDS 1 1-1", SYNTAX),
        ("XDELEX s FOO IDS 1 1-1", SYNTAX),
        ("XDELEX s KEEPREF DELREF", Error("ERR wrong number of arguments for 'xdelex' command")),
        ("XDELEX s IDS 1 1-1 ACKED", [2]),
        ("XDELEX s ids 1 1-1 delref", [1]),
        ("XDELEX l IDS 1 1-1", WRONG_TYPE),
        ("XACKDEL s g IDS 1 1-1", [1]),
        ("XACKDEL s g IDS 3 1-1 4-1 9", [1, -1, -1]),
        ("XACKDEL s h IDS 1 1-1", [-1]),
        ("XACKDEL none g IDS 2 1-1 2-1", [-1, -1]),
        ("XACKDEL s g IDS x 1-1", NOT_POSITIVE),
        ("XACKDEL s g IDS 1 x", INVALID),
        ("XACKDEL l g IDS 1 1-1", WRONG_TYPE),
        ("XNACK s g FAIL IDS 1 1-1", 1),
        ("XNACK s g FAIL IDS 3 1-1 4-1 9", 1),
        ("XNACK s g FATAL IDS 2 1-1 1-1", 2),
        ("XNACK s g SILENT IDS 2 4-1 9 FORCE", 1),
        ("XNACK s g FOO IDS 1 1-1", SYNTAX),
        ("XNACK s g FAIL 1 1-1 FORCE", SYNTAX),
        ("XNACK s g FAIL IDS 1 1-1 RETRYCOUNT -1", Error("ERR Invalid RETRYCOUNT option argument for XNACK")),
        ("XNACK s g FAIL IDS 0 1-1", NOT_POSITIVE),
        ("XNACK s h FAIL IDS 1 1-1", Error("NOGROUP No such key 's' or consumer group 'h'")),
        ("XNACK none g FAIL IDS 1 1-1", Error("NOGROUP No such key 'none' or consumer group 'g'")),
        ("XNACK l g FAIL IDS 1 1-1", WRONG_TYPE),
        ("XREADGROUP GROUP g a CLAIM x STREAMS s >", Error("ERR min-idle-time is not an integer or out of range")),
        ("XREADGROUP GROUP g a CLAIM -1 STREAMS s >", Error("ERR min-idle-time must be a positive integer")),
    ],
)
def test_replies(local: Local, command: str, reply: object) -> None:
    do(local, *READ, "RPUSH l x")
    assert local.run(command) == reply


# -- XDELEX and XACKDEL


@pytest.mark.parametrize(
    "part, left, logged",
    [
        ("KEEPREF", [(b"1-1", b"a", 1), (b"2-1", b"a", 1), (b"3-1", b"b", 1)], ["XDEL s 1-1"]),
        ("DELREF", [(b"2-1", b"a", 1), (b"3-1", b"b", 1)], ["MULTI", "XACK s g 1-1", "XDEL s 1-1", "EXEC"]),
    ],
)
def test_xdelex(local: Local, part: str, left: list[object], logged: list[str]) -> None:
    do(local, *READ)
    assert local.run(f"XDELEX s {part} IDS 2 1-1 7") == [1, -1]
    assert pending(local) == left
    assert local.logged() == words(*logged)
    assert local.events() == [(b"xdel", b"s")]
    assert local.run("XLEN s") == 3


def test_xdelex_of_what_every_group_has_acknowledged(local: Local) -> None:
    do(local, *READ, "XGROUP CREATE s h 2-1", "XACK s g 1-1")
    assert local.run("XDELEX s ACKED IDS 4 1-1 2-1 3-1 9") == [1, 2, 2, -1]
    do(local, "XACK s g 2-1 3-1")
    assert local.run("XDELEX s ACKED IDS 2 2-1 3-1") == [1, 2]  # h has not read 3-1
    do(local, "XREADGROUP GROUP h x NOACK STREAMS s >")
    assert local.run("XDELEX s ACKED IDS 1 3-1") == [1]
    assert local.run("XLEN s") == 1


def test_xdelex_waits_for_no_group_that_is_gone(local: Local) -> None:
    do(local, *READ)
    assert local.run("XDELEX s ACKED IDS 2 1-1 2-1") == [2, 2]
    do(local, "XGROUP DESTROY s g")
    assert local.run("XDELEX s ACKED IDS 3 1-1 2-1 9") == [1, 1, -1]


def test_references_to_what_is_gone_are_removed(local: Local) -> None:
    do(local, *READ, "XDEL s 1-1")
    assert local.run("XDELEX s DELREF IDS 1 1-1") == [-1]
    assert pending(local) == [(b"2-1", b"a", 1), (b"3-1", b"b", 1)]
    assert local.logged() == words("XACK s g 1-1")
    assert local.events() == []


@pytest.mark.parametrize(
    "part, replies, length, left",
    [
        ("KEEPREF", [1, 1], 2, [(b"1-1", b"x", 1), (b"2-1", b"x", 1), (b"3-1", b"x", 1), (b"4-1", b"x", 1)]),
        ("DELREF", [1, 1], 2, [(b"3-1", b"x", 1), (b"4-1", b"x", 1)]),
        ("ACKED", [2, 2], 4, [(b"1-1", b"x", 1), (b"2-1", b"x", 1), (b"3-1", b"x", 1), (b"4-1", b"x", 1)]),
    ],
)
def test_xackdel(local: Local, part: str, replies: list[int], length: int, left: list[object]) -> None:
    do(local, *READ, "XGROUP CREATE s h 0", "XREADGROUP GROUP h x STREAMS s >")
    assert local.run(f"XACKDEL s g {part} IDS 3 1-1 2-1 4-1") == [*replies, -1]
    assert local.run("XLEN s") == length
    assert pending(local) == [(b"3-1", b"b", 1)]
    assert pending(local, "h") == left


def test_xackdel_is_logged_as_what_older_servers_know(local: Local) -> None:
    do(local, *READ)
    assert local.run("XACKDEL s g IDS 2 1-1 2-1") == [1, 1]
    assert local.logged() == words("MULTI", "XACK s g 1-1", "XDEL s 1-1", "XACK s g 2-1", "XDEL s 2-1", "EXEC")
    assert local.events() == [(b"xdel", b"s")]
    assert local.run("XACKDEL s g ACKED IDS 1 3-1") == [1]
    assert local.run("XACKDEL s g IDS 1 3-1") == [-1]
    local.logged()
    do(local, "XREADGROUP GROUP g a STREAMS s >", "XDEL s 4-1")
    assert local.run("XACKDEL s g IDS 1 4-1") == [1]
    assert local.logged() == words("XACK s g 4-1")


# -- XNACK


@pytest.mark.parametrize(
    "options, deliveries",
    [("SILENT IDS 1 1-1", 1), ("FAIL IDS 1 1-1", 2), ("FATAL IDS 1 1-1", MAX), ("FATAL IDS 1 1-1 RETRYCOUNT 7", 7),
     ("SILENT IDS 1 1-1 RETRYCOUNT 0", 0)],
)  # fmt: skip
def test_xnack(local: Local, options: str, deliveries: int) -> None:
    do(local, *READ, "XCLAIM s g a 0 1-1")
    assert local.run(f"XNACK s g {options}") == 1
    assert local.run("XPENDING s g - + 1") == [[b"1-1", b"", -1, deliveries]]
    assert local.run("XPENDING s g") == [3, b"1-1", b"3-1", [[b"a", b"1"], [b"b", b"1"]]]
    assert local.run("XREADGROUP GROUP g a STREAMS s 0") == {b"s": [[b"2-1", [b"b", b"2"]]]}
    assert local.logged() == words(f"XNACK s g FAIL IDS 1 1-1 RETRYCOUNT {deliveries} FORCE")
    claimed = [b"1-1", [b"a", b"1"]]
    assert local.run("XAUTOCLAIM s g c 1000000 0 COUNT 1") == [b"2-1", [claimed], []]
    assert pending(local)[0] == (b"1-1", b"c", min(deliveries + 1, MAX))


def test_xnack_is_acknowledged_claimed_and_deleted_like_others(local: Local) -> None:
    do(local, *READ, "XNACK s g FAIL IDS 3 1-1 2-1 3-1", "XDEL s 2-1")
    assert local.run("XCLAIM s g z 1000000 2-1 3-1") == [[b"3-1", [b"c", b"3"]]]
    assert local.logged()[1] == split("XACK s g 2-1")
    assert local.run("XACK s g 1-1") == 1
    assert pending(local) == [(b"3-1", b"z", 2)]
    do(local, "XNACK s g FAIL IDS 1 3-1", "COPY s t")
    assert pending(local, key="t") == [(b"3-1", b"", 2)]


# -- XREADGROUP CLAIM


def test_claim_gives_what_is_idle_first(local: Local) -> None:
    do(local, *READ)
    local.pass_time(50)
    do(local, "XCLAIM s g b 0 1-1")
    local.pass_time(60)
    found = local.run("XREADGROUP GROUP g c CLAIM 100 STREAMS s >")
    assert found == {
        b"s": [[b"2-1", [b"b", b"2"], 110, 1], [b"3-1", [b"c", b"3"], 110, 1], [b"4-1", [b"d", b"4"], 0, 0]]
    }
    assert pending(local) == [(b"1-1", b"b", 2), (b"2-1", b"c", 2), (b"3-1", b"c", 2), (b"4-1", b"c", 1)]
    logged = [each[:6] for each in local.logged()]
    assert logged == words("MULTI", "XCLAIM s g c 0 2-1", "XCLAIM s g c 0 3-1", "XCLAIM s g c 0 4-1",
                           "XGROUP SETID s g 4-1 ENTRIESREAD", "EXEC")  # fmt: skip


def test_claim_and_count(local: Local) -> None:
    do(local, *READ, "XNACK s g FAIL IDS 1 3-1")
    local.pass_time(10)
    assert local.run("XREADGROUP GROUP g c COUNT 1 CLAIM 1000 STREAMS s >") == {
        b"s": [[b"3-1", [b"c", b"3"], local.clock.ms, 1]]
    }
    found = local.run("XREADGROUP GROUP g c COUNT 3 CLAIM 10 NOACK STREAMS s >")
    assert found == {b"s": [[b"1-1", [b"a", b"1"], 10, 1], [b"2-1", [b"b", b"2"], 10, 1], [b"4-1", [b"d", b"4"], 0, 0]]}
    assert pending(local) == [(b"1-1", b"c", 2), (b"2-1", b"c", 2), (b"3-1", b"c", 2)]
    assert local.run("XREADGROUP GROUP g c CLAIM 10 STREAMS s >") is None
    assert local.run("XREADGROUP GROUP g c CLAIM 10 STREAMS s 2") == {
        b"s": [[b"2-1", [b"b", b"2"]], [b"3-1", [b"c", b"3"]]]
    }


def test_claim_drops_what_is_deleted(local: Local) -> None:
    do(local, *READ, "XDEL s 1-1 2-1 4-1")
    assert local.run("XREADGROUP GROUP g c CLAIM 0 STREAMS s >") == {b"s": [[b"3-1", [b"c", b"3"], 0, 1]]}
    assert pending(local) == [(b"3-1", b"c", 2)]


def test_claim_waits_for_what_becomes_idle(local: Local) -> None:
    do(local, *FOUR, "XREADGROUP GROUP g a STREAMS s >", "XACK s g 2-1 3-1 4-1")
    waiting = local.connect()
    local.send("XREADGROUP GROUP g b BLOCK 0 CLAIM 100 STREAMS s >", waiting)
    local.pass_time(99)
    assert local.heard(waiting) == []
    assert local.engine.next_event_ms() <= local.clock.ms + 1
    local.pass_time(1)
    assert local.heard(waiting) == [{b"s": [[b"1-1", [b"a", b"1"], 100, 1]]}]


def test_claim_waits_for_what_is_delivered_meanwhile(local: Local) -> None:
    """And for what is given back, and for what another one had claimed before."""
    do(local, "XGROUP CREATE s g 0 MKSTREAM")
    first, second = local.connect(), local.connect()
    local.send("XREADGROUP GROUP g a BLOCK 0 STREAMS s >", first)
    local.send("XREADGROUP GROUP g b BLOCK 0 CLAIM 100 STREAMS s >", second)
    local.pass_time(70)
    do(local, "XADD s 1-1 a 1")
    assert local.heard(first) == [{b"s": [[b"1-1", [b"a", b"1"]]]}]
    for _ in range(9):
        local.pass_time(10)
        assert local.heard(second) == []
    local.pass_time(10)
    assert local.heard(second) == [{b"s": [[b"1-1", [b"a", b"1"], 100, 1]]}]
    local.send("XREADGROUP GROUP g b BLOCK 0 CLAIM 100000 STREAMS s >", second)
    local.run("XNACK s g FAIL IDS 1 1-1")
    assert local.heard(second) == [{b"s": [[b"1-1", [b"a", b"1"], local.clock.ms, 2]]}]


def test_a_wait_with_claim_ends(local: Local) -> None:
    do(local, *READ, "XREADGROUP GROUP g a STREAMS s >")
    waiting = local.connect()
    local.send("XREADGROUP GROUP g b BLOCK 300 CLAIM 400 STREAMS s >", waiting)
    local.pass_time(299)
    assert local.heard(waiting) == []
    local.pass_time(1)
    assert local.heard(waiting) == [None]
    local.pass_time(100)
    assert local.heard(waiting) == []


# -- XREADGROUP MAXCOUNT and MAXSIZE


def test_how_much_a_reply_holds(local: Local) -> None:
    """Of all streams together; of new entries, of those claimed and of the past."""
    do(local, *FOUR, "XADD t 1-1 a 1", "XADD t 2-1 a 1", "XGROUP CREATE t g 0")
    first = local.run("XREADGROUP GROUP g a MAXCOUNT 5 STREAMS s t > >")
    assert isinstance(first, dict)
    assert {key: len(entries) for key, entries in first.items()} == {b"s": 4, b"t": 1}
    past = local.run("XREADGROUP GROUP g a MAXCOUNT 3 COUNT 2 STREAMS s t 0 0")
    assert isinstance(past, dict)
    assert {key: len(entries) for key, entries in past.items()} == {b"s": 2, b"t": 1}
    claimed = local.run("XREADGROUP GROUP g b MAXCOUNT 2 CLAIM 0 STREAMS s t > >")
    assert isinstance(claimed, dict)
    assert [[entry[0] for entry in entries] for entries in claimed.values()] == [[b"1-1", b"2-1"]]
    for size, number in ((1, 1), (50, 1), (75, 2), (1000, 4)):
        found = local.run(f"XREADGROUP GROUP g c MAXSIZE {size} CLAIM 0 STREAMS s >")
        assert isinstance(found, dict)
        assert len(found[b"s"]) == number
    assert local.run("XREADGROUP GROUP g a MAXCOUNT 0 STREAMS s >") == Error("ERR MAXCOUNT must be a positive integer")
    assert local.run("XREADGROUP GROUP g a MAXSIZE x STREAMS s >") == Error("ERR MAXSIZE must be a positive integer")
    too_many = Error("ERR MAXCOUNT must be greater than or equal to COUNT")
    assert local.run("XREADGROUP GROUP g a MAXCOUNT 1 COUNT 2 STREAMS s >") == too_many


# -- what is logged


def test_delivery_is_logged_as_claims_and_a_position(local: Local) -> None:
    do(local, *FOUR)
    local.run("XREADGROUP GROUP g a COUNT 2 STREAMS s >")
    now = local.clock.ms
    assert local.logged() == words(
        "MULTI",
        f"XCLAIM s g a 0 1-1 TIME {now} RETRYCOUNT 1 FORCE JUSTID LASTID 1-1",
        f"XCLAIM s g a 0 2-1 TIME {now} RETRYCOUNT 1 FORCE JUSTID LASTID 2-1",
        "XGROUP SETID s g 2-1 ENTRIESREAD 2",
        "EXEC",
    )
    local.run("XREADGROUP GROUP g n NOACK COUNT 1 STREAMS s >")
    assert local.logged() == words("MULTI", "XGROUP CREATECONSUMER s g n", "XGROUP SETID s g 3-1 ENTRIESREAD 3", "EXEC")
    local.run("XREADGROUP GROUP g a STREAMS s 0")
    assert local.logged() == []


def test_the_log_of_a_group_makes_the_same_group(local: Local) -> None:
    lines = [*READ, "XREADGROUP GROUP g c NOACK STREAMS s >", "XCLAIM s g b 0 1-1 RETRYCOUNT 5", "XADD s 5-1 e 5",
             "XNACK s g FATAL IDS 1 2-1", "XAUTOCLAIM s g d 0 0 COUNT 1", "XDELEX s DELREF IDS 1 3-1", "XADD s 6-1 f 6",
             "XREADGROUP GROUP g a STREAMS s >", "XACKDEL s g IDS 1 6-1"]  # fmt: skip
    for line in lines:
        assert not isinstance(local.run(line), Error), line
    logged = local.logged()
    other = Local(*all_groups())
    for each in logged:
        assert not isinstance(other.run(each), Error), each
    questions = ("XINFO STREAM s", "XRANGE s - +", "XINFO GROUPS s")
    assert [other.run(line) for line in questions] == [local.run(line) for line in questions]
    assert pending(other) == pending(local)


# -- waiting


def test_readers_are_told_when_the_group_goes(local: Local) -> None:
    do(local, "XGROUP CREATE s g $ MKSTREAM", "XGROUP CREATE s h $")
    one, other = local.connect(), local.connect()
    local.send("XREADGROUP GROUP g a BLOCK 0 STREAMS s >", one)
    local.send("XREADGROUP GROUP h a BLOCK 0 STREAMS s >", other)
    do(local, "XGROUP DESTROY s g")
    gone = "NOGROUP No such key 's' or consumer group '{}' in XREADGROUP with GROUP option"
    assert local.heard(one) == [Error(gone.format("g"))]
    assert local.heard(other) == []
    do(local, "PEXPIRE s 100")
    local.pass_time(100)
    assert local.heard(other) == [Error(gone.format("h"))]


def test_a_reader_that_left_is_not_served(local: Local) -> None:
    do(local, "XGROUP CREATE s g $ MKSTREAM")
    one, other = local.connect(), local.connect()
    local.send("XREADGROUP GROUP g a BLOCK 0 STREAMS s >", one)
    local.send("XREADGROUP GROUP g b BLOCK 0 STREAMS s >", other)
    local.engine.disconnect(one)
    do(local, "XADD s 1-1 a 1")
    assert local.heard(other) == [{b"s": [[b"1-1", [b"a", b"1"]]]}]
    assert pending(local) == [(b"1-1", b"b", 1)]
