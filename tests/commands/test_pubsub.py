"""Publish/subscribe: deliveries, who is told what and in which order, and what is left when a client goes."""

import pytest

from respd.commands import clients, connection, lists, pubsub, strings, transactions
from respd.context import Context
from respd.keyspace_events import ALL, KEYEVENT
from tests.local import Local
from tests.wire import Error


@pytest.fixture
def local() -> Local:
    made = Local(pubsub.group, connection.group, clients.group, strings.group, lists.group, transactions.group)
    made.engine.shared.set_notify(0)
    made.engine.pubsub.disconnect(made.engine.clients[1])  # the watcher of events, which hears everything
    return made


@pytest.fixture
def other(local: Local) -> Context:
    return local.connect()


def raw(ctx: Context) -> bytes:
    written = ctx.client.out.getvalue()
    ctx.client.out.truncate(0)
    return written


def nothing_left(local: Local) -> bool:
    all_kinds = local.engine.pubsub
    return not (all_kinds.channels.by_name or all_kinds.patterns.by_name or all_kinds.shard_channels.by_name)


@pytest.mark.parametrize(("version", "start"), [(2, b"*"), (3, b">")])
def test_a_message_on_the_wire(local: Local, other: Context, version: int, start: bytes) -> None:
    other.client.speak(version)
    local.send("SUBSCRIBE news", other)
    assert raw(other) == start + b"3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n"
    assert local.run("PUBLISH news hello") == 1
    assert raw(other) == start + b"3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n"


@pytest.mark.parametrize(("version", "start"), [(2, b"*"), (3, b">")])
def test_a_pattern_message_on_the_wire(local: Local, other: Context, version: int, start: bytes) -> None:
    other.client.speak(version)
    local.send("PSUBSCRIBE n*", other)
    raw(other)
    assert local.run("PUBLISH news hello") == 1
    assert raw(other) == start + b"4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$5\r\nhello\r\n"


def test_every_subscriber_gets_every_message_in_order(local: Local) -> None:
    subscribers = [local.connect() for _ in range(50)]
    for place, ctx in enumerate(subscribers):
        ctx.client.speak(2 + place % 2)
        local.send("SUBSCRIBE a b", ctx)
        local.heard(ctx)
    for number in range(10):
        assert local.run(f"PUBLISH {'ab'[number % 2]} {number}") == 50
    expected = [[b"message", b"ab"[number % 2 :][:1], b"%d" % number] for number in range(10)]
    for ctx in subscribers:
        assert local.heard(ctx) == expected


def test_publish_counts_deliveries_not_clients(local: Local, other: Context) -> None:
    local.send("SUBSCRIBE a", other)
    local.send("PSUBSCRIBE a* ?", other)
    local.heard(other)
    assert local.run("PUBLISH a x") == 3
    assert [each[0] for each in local.heard(other)] == [b"message", b"pmessage", b"pmessage"]  # type: ignore[index]


def test_a_pattern_with_two_subscribers_survives_one_of_them(local: Local, other: Context) -> None:
    third = local.connect()
    local.send("PSUBSCRIBE a*", other)
    local.send("PSUBSCRIBE a*", third)
    local.engine.disconnect(other)
    assert local.run("PUBLISH abc x") == 1
    local.send("PUNSUBSCRIBE", third)
    assert local.run("PUBLISH abc x") == 0
    assert nothing_left(local)


def test_a_client_that_goes_leaves_nothing_and_is_told_nothing(local: Local, other: Context) -> None:
    local.send("SUBSCRIBE a b", other)
    local.send("PSUBSCRIBE c*", other)
    local.send("SSUBSCRIBE d", other)
    raw(other)
    local.engine.disconnect(other)
    assert raw(other) == b""
    assert nothing_left(local)
    assert local.run("PUBLISH a x") == 0
    assert local.run("PUBSUB NUMPAT") == 0


def test_reset_ends_subscriptions(local: Local, other: Context) -> None:
    local.send("SUBSCRIBE a", other)
    local.send("SSUBSCRIBE d", other)
    local.send("RESET", other)
    raw(other)
    assert nothing_left(local)
    local.send("GET k", other)
    assert local.heard(other) == [None]


def test_subscribed_mode_ends_with_the_last_subscription(local: Local, other: Context) -> None:
    other.client.speak(2)
    local.send("SUBSCRIBE a", other)
    local.send("SSUBSCRIBE s", other)
    local.send("UNSUBSCRIBE", other)
    raw(other)
    local.send("GET k", other)
    (refusal,) = local.heard(other)
    assert isinstance(refusal, Error)
    local.send("SUNSUBSCRIBE s", other)
    raw(other)
    local.send("GET k", other)
    assert local.heard(other) == [None]


def test_messages_to_oneself_follow_the_reply(local: Local) -> None:
    local.send("SUBSCRIBE a")
    local.heard()
    local.send("PUBLISH a x")
    assert local.heard() == [1, [b"message", b"a", b"x"]]
    local.send("MULTI")
    local.send("PUBLISH a y")
    local.send("SET k v")
    local.heard()
    local.send("EXEC")
    (reply, message) = local.heard()
    assert (reply, message) == ([1, b"OK"], [b"message", b"a", b"y"])


def test_the_event_of_a_served_pop_follows_its_reply(local: Local, other: Context) -> None:
    local.engine.shared.set_notify(ALL | KEYEVENT)
    local.send("SUBSCRIBE __keyevent@0__:lpop", other)
    local.send("BLPOP l 0", other)
    local.heard(other)
    local.run("RPUSH l a")
    assert local.heard(other) == [[b"l", b"a"], [b"message", b"__keyevent@0__:lpop", b"l"]]


def test_client_reply_off_does_not_silence_pushes(local: Local, other: Context) -> None:
    local.send("CLIENT REPLY OFF", other)
    local.send("SUBSCRIBE a", other)
    local.run("PUBLISH a x")
    local.send("PING", other)
    assert local.heard(other) == [[b"subscribe", b"a", 1], [b"message", b"a", b"x"]]


def test_publishing_is_not_logged(local: Local) -> None:
    local.run("PUBLISH a x")
    local.run("SPUBLISH a x")
    assert local.logged() == []
