"""List commands: what they log, and who is served when, with time moved by hand."""

import pytest

from respd.commands import clients, connection, keys, lists, strings, transactions
from respd.context import Context
from tests.local import Local
from tests.wire import Error

WRONG_TYPE = Error(b"WRONGTYPE Operation against a key holding the wrong kind of value")


@pytest.fixture
def local() -> Local:
    groups = (lists.group, keys.group, strings.group, transactions.group, connection.group, clients.group)
    return Local(*groups)


@pytest.fixture
def other(local: Local) -> Context:
    return local.connect()


@pytest.mark.parametrize(
    ("command", "logged"),
    [
        ("LPUSH l x", "LPUSH l x"),
        ("LPUSHX l x", "LPUSHX l x"),
        ("RPOP l", "RPOP l"),
        ("LPOP l 2", "LPOP l 2"),
        ("LMPOP 2 nope l RIGHT COUNT 2", "RPOP l 2"),
        ("LMPOP 1 l LEFT COUNT 100", "LPOP l 3"),
        ("LMPOP 1 l LEFT", "LPOP l 1"),
        ("LMOVE l m LEFT RIGHT", "LMOVE l m LEFT RIGHT"),
        ("RPOPLPUSH l m", "RPOPLPUSH l m"),
        ("BLPOP nope l 0", "LPOP l"),
        ("BRPOP nope l 0", "RPOP l"),
        ("BLMPOP 0 2 nope l RIGHT COUNT 2", "RPOP l 2"),
        ("BLMPOP 0 2 nope l LEFT COUNT 7", "LPOP l 3"),
        ("blmove l m left right 5", "LMOVE l m left right"),
        ("BRPOPLPUSH l m 5", "RPOPLPUSH l m"),
        ("LINSERT l AFTER a x", "LINSERT l AFTER a x"),
        ("LSET l 0 x", "LSET l 0 x"),
        ("LREM l 1 a", "LREM l 1 a"),
        ("LTRIM l 1 1", "LTRIM l 1 1"),
    ],
)
def test_what_is_logged(local: Local, command: str, logged: str) -> None:
    local.run("RPUSH l a b c")
    local.logged()
    local.run(command)
    assert local.logged() == [logged.encode().split()]


@pytest.mark.parametrize(
    "command",
    [
        "LPUSHX nope x", "RPOP nope", "LPOP l 0", "LMPOP 1 nope LEFT", "LMOVE nope m LEFT LEFT",
        "LINSERT l AFTER nope x",
        "LREM l 0 nope", "LSET l 9 x", "LSET nope 0 x", "LTRIM nope 1 1", "LRANGE l 0 -1", "LPOS l a",
    ],
)  # fmt: skip
def test_what_changes_nothing_is_not_logged(local: Local, command: str) -> None:
    local.run("RPUSH l a b c")
    local.logged()
    local.run(command)
    assert local.logged() == []


def test_a_served_pop_is_logged_after_the_push(local: Local, other: Context) -> None:
    local.send("BLPOP l 0", other)
    local.run("RPUSH l a b")
    assert local.logged() == [[b"RPUSH", b"l", b"a", b"b"], [b"LPOP", b"l"]]


def test_events_of_a_served_pop_follow_those_of_the_push(local: Local, other: Context) -> None:
    local.send("BLPOP l 0", other)
    local.run("RPUSH l a")
    assert local.events()[-3:] == [(b"rpush", b"l"), (b"lpop", b"l"), (b"del", b"l")]


def test_a_timeout_is_met_to_the_millisecond(local: Local, other: Context) -> None:
    local.send("BLPOP l 1.5", other)
    local.pass_time(1499)
    assert local.heard(other) == []
    local.pass_time(1)
    assert local.heard(other) == [None]
    local.run("RPUSH l a")
    assert local.heard(other) == []


def test_a_timeout_is_rounded_up_to_a_millisecond(local: Local, other: Context) -> None:
    local.send("BLPOP l 0.0001", other)
    assert local.heard(other) == []
    local.pass_time(1)
    assert local.heard(other) == [None]


def test_without_a_timeout_a_client_waits_for_ever(local: Local, other: Context) -> None:
    local.send("BLPOP l 0", other)
    local.pass_time(10**12)
    assert local.heard(other) == []
    local.run("RPUSH l a")
    assert local.heard(other) == [[b"l", b"a"]]


def test_each_client_has_its_own_timeout(local: Local) -> None:
    waiting = [local.connect() for _ in range(4)]
    for ctx, seconds in zip(waiting, (3, 1, 0, 2), strict=True):
        local.send(f"BLPOP l {seconds}", ctx)
    given_up: list[int] = []
    for _ in range(4):
        local.pass_time(1000)
        given_up += [place for place, ctx in enumerate(waiting) if local.heard(ctx)]
    assert given_up == [1, 3, 0]


def test_a_hundred_clients_are_served_in_order_of_arrival(local: Local) -> None:
    waiting = [local.connect() for _ in range(100)]
    for ctx in waiting:
        local.send("BLPOP l m 0", ctx)
    local.run("RPUSH l " + " ".join(map(str, range(60))))
    local.run("RPUSH m " + " ".join(map(str, range(60, 105))))
    for place, ctx in enumerate(waiting):
        assert local.heard(ctx) == [[b"l" if place < 60 else b"m", b"%d" % place]]
    assert local.run("LRANGE m 0 -1") == [b"100", b"101", b"102", b"103", b"104"]


def test_waiting_again_means_the_end_of_the_line(local: Local) -> None:
    first, second = local.connect(), local.connect()
    local.send("BLPOP l 0", first)
    local.send("BLPOP l 0", second)
    local.run("RPUSH l a")
    local.send("BLPOP l 0", first)
    local.run("RPUSH l b")
    assert (local.heard(first), local.heard(second)) == ([[b"l", b"a"]], [[b"l", b"b"]])
    local.run("RPUSH l c")
    assert local.heard(first) == [[b"l", b"c"]]


def test_a_client_that_is_gone_is_not_served(local: Local, other: Context) -> None:
    local.send("BLPOP l 0", other)
    local.engine.disconnect(other)
    local.run("RPUSH l a")
    assert local.run("LLEN l") == 1


def test_nobody_is_served_before_the_transaction_ends(local: Local, other: Context) -> None:
    local.send("BLPOP l 0", other)
    local.run("MULTI")
    for command in ("RPUSH l a", "LPUSH l b", "LLEN l", "LPOP l", "LPUSH l c"):
        local.run(command)
    assert local.run("EXEC") == [1, 2, 2, b"b", 2]
    assert local.heard(other) == [[b"l", b"c"]]


def test_what_the_transaction_took_away_again_serves_nobody(local: Local, other: Context) -> None:
    local.send("BLPOP l 0", other)
    local.run("MULTI")
    local.run("RPUSH l a")
    local.run("DEL l")
    local.run("EXEC")
    assert local.heard(other) == []


def test_a_push_in_a_transaction_of_the_waiting_kind_does_not_block(local: Local) -> None:
    local.run("MULTI")
    for command in ("BLPOP l 0", "BLMOVE l m LEFT LEFT 0", "RPUSH l a", "BLPOP l 0"):
        local.run(command)
    assert local.run("EXEC") == [None, None, 1, [b"l", b"a"]]


def test_blmove_to_a_wrong_type_takes_nothing_and_lets_the_next_be_served(local: Local, other: Context) -> None:
    third = local.connect()
    local.run("SET s v")
    local.send("BLMOVE l s LEFT LEFT 0", other)
    local.send("BLPOP l 0", third)
    local.run("RPUSH l a")
    assert local.heard(other) == [WRONG_TYPE]
    assert local.heard(third) == [[b"l", b"a"]]


def test_another_type_wakes_nobody_and_a_list_later_does(local: Local, other: Context) -> None:
    local.send("BLPOP l 0", other)
    local.run("SET l v")
    local.run("DEL l")
    assert local.heard(other) == []
    local.run("RPUSH l a")
    assert local.heard(other) == [[b"l", b"a"]]


def test_a_client_waiting_for_several_keys_is_served_once(local: Local, other: Context) -> None:
    local.send("BLPOP a b c 0", other)
    local.run("MULTI")
    for command in ("RPUSH c 1", "RPUSH b 2", "RPUSH a 3"):
        local.run(command)
    local.run("EXEC")
    assert local.heard(other) == [[b"a", b"3"]]
    local.run("RPUSH b 4")
    assert local.run("LRANGE b 0 -1") == [b"2", b"4"]


def test_unblock_ends_the_wait(local: Local, other: Context) -> None:
    local.send("BLPOP l 0", other)
    assert local.run(f"CLIENT UNBLOCK {other.client.id}") == 1
    assert local.heard(other) == [None]
    local.send("BLPOP l 0", other)
    assert local.run(f"CLIENT UNBLOCK {other.client.id} ERROR") == 1
    assert local.heard(other) == [Error(b"UNBLOCKED client unblocked via CLIENT UNBLOCK")]
    assert local.run(f"CLIENT UNBLOCK {other.client.id}") == 0
    local.run("RPUSH l a")
    assert local.run("LLEN l") == 1


def test_a_chain_of_waiting_moves_is_run_to_its_end(local: Local) -> None:
    waiting = [local.connect() for _ in range(20)]
    for place, ctx in enumerate(waiting):
        local.send(f"BLMOVE l{place} l{place + 1} LEFT RIGHT 0", ctx)
    local.run("RPUSH l0 x")
    for ctx in waiting:
        assert local.heard(ctx) == [b"x"]
    assert local.run("LRANGE l20 0 -1") == [b"x"]
