"""respd and hostile clients: no client takes more memory than the limits allow, nor the server's time at once.

Pauses are measured in CPU time of the server between another client's ping and its answer (`tests.hostile`), so that a
busy machine changes little; what the short forms allow is what the interpreted build takes. `--long` runs every attack
of `tests.hostile_attacks` in a size that hurts.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.conftest import StartServer
from tests.hostile import Watch
from tests.hostile_attacks import ATTACKS, Attack
from tests.patience import until
from tests.servers import Server, start_respd
from tests.wire import CLOSED, Connection, encode


def hears_nothing(sock: socket.socket) -> bool:
    """Whether the server hangs up without another word."""
    sock.settimeout(20.0)
    try:
        return sock.recv(100) == b""
    except ConnectionResetError:
        return True


def stat(connection: Connection, name: str) -> int:
    """A number of INFO."""
    for line in bytes(connection.ask("INFO")).decode().splitlines():  # type: ignore[call-overload]
        if line.startswith(name + ":"):
            return int(line.partition(":")[2])
    raise AssertionError(name)


# -- limits of output


@pytest.mark.parametrize(
    "commands",
    [
        [[b"GET", b"big"]],
        [[b"MGET", *[b"small"] * 30]],
        [[b"MULTI"], [b"GET", b"small"], *[[b"GET", b"small"]] * 30, [b"INCR", b"n"], [b"EXEC"]],
        [[b"EVAL", b"local all = {} for i = 1, 30 do all[i] = redis.call('GET', 'small') end return all", b"0"]],
        [[b"SRANDMEMBER", b"s", b"-1000000000000"]],
        [[b"HRANDFIELD", b"h", b"-1000000000000"]],
        [[b"HRANDFIELD", b"h", b"-1000000000000", b"WITHVALUES"]],
        [[b"ZRANDMEMBER", b"z", b"-1000000000000"]],
    ],
)
@pytest.mark.parametrize("resp", [2, 3])
def test_a_reply_beyond_the_limit_is_not_even_made(limited: Server, commands: list[list[bytes]], resp: int) -> None:
    """The connection is closed instead, as redis-server does it; what was queued has run."""
    with limited.connect() as other, limited.connect(resp) as greedy:
        other.pipeline([[b"SET", b"big", b"x" * 1_100_000], [b"SET", b"small", b"x" * 50_000], [b"SADD", b"s", b"a"]])
        other.pipeline([[b"HSET", b"h", b"f", b"v"], [b"ZADD", b"z", b"1", b"m"], [b"DEL", b"n"]])
        before = stat(other, "client_output_buffer_limit_disconnections")
        memory = limited.memory_bytes()
        greedy.send(*commands)
        while (frame := greedy.read()).kind in "+":
            pass
        assert frame.kind == CLOSED
        assert stat(other, "client_output_buffer_limit_disconnections") == before + 1
        assert limited.memory_bytes() < memory + 20_000_000
        assert other.ask("EXISTS n") == int(commands[0] == [b"MULTI"])
        assert "scheduled to be closed ASAP for overcoming of output buffer limits." in limited.log


@pytest.fixture(scope="module")
def limited() -> Iterator[Server]:
    """A server whose clients may have 1 MB of replies waiting."""
    server = start_respd(
        "--client-output-buffer-limit", "normal 1mb 0 0", "--client-output-buffer-limit", "pubsub 1mb 0 0"
    )
    yield server
    server.stop()


def test_replies_within_the_limit_are_sent(limited: Server) -> None:
    with limited.connect() as connection:
        for size in (1_000_000, 1_048_576):
            connection.ask(b"SET", b"k", b"x" * size)
            assert connection.ask("GET k") == b"x" * size
        for _ in range(3):
            assert connection.ask(b"EVAL", b"return redis.call('GET', 'k')", b"0") == b"x" * size


def test_messages_beyond_the_limit_close_their_subscriber_only(limited: Server) -> None:
    """A FLUSHALL may make a million messages: those of one who is told of all of them do not pile up."""
    with limited.connect() as other, limited.connect() as deaf, limited.connect() as good:
        before = stat(other, "client_output_buffer_limit_disconnections")
        deaf.call("PSUBSCRIBE *")
        good.call("SUBSCRIBE news")
        other.ask(b"CONFIG", b"SET", b"notify-keyspace-events", b"KEA")
        other.ask("DEBUG POPULATE 30000")
        other.ask(b"EVAL", b"for i = 0, 29999 do redis.call('DEL', 'key:' .. i) end", b"0")
        until(lambda: stat(other, "client_output_buffer_limit_disconnections") == before + 1)
        other.ask("CONFIG", "SET", "notify-keyspace-events", "")
        assert other.ask("PUBLISH news hello") == 1
        assert good.read().items[2].value == b"hello"


def test_who_has_not_authenticated_gets_little(start_server: StartServer) -> None:
    """16 kB of replies may wait; the same as in redis-server, where a pipeline of errors was a way to fill memory."""
    server = start_server("--requirepass", "secret")
    with server.connect() as modest:
        modest.send(*["PING"] * 450)
        for _ in range(450):
            assert modest.read().value == b"NOAUTH Authentication required."
        assert modest.ask("AUTH secret") == b"OK"
        assert modest.ask(b"ECHO", b"x" * 100_000) == b"x" * 100_000
        with server.connect() as greedy:
            greedy.send_bytes(encode([b"PING"]) * 600 * 20)
            while greedy.read().kind != CLOSED:
                pass
            assert stat(modest, "client_output_buffer_limit_disconnections") == 1


# -- the attacks

SHORT = (
    "empty_arrays",
    "junk",
    "endless_line",
    "channels_and_away",
    "watched",
    "prefixes",
    "backlog",
    "stars",
    "nobody",
)


@pytest.fixture(scope="module")
def attacked() -> Iterator[Server]:
    """A server of the attacks that need no options of their own."""
    server = start_respd()
    yield server
    server.stop()


@pytest.mark.parametrize("one", [each for each in ATTACKS if each.name in SHORT and not each.options], ids=str)
def test_an_attack_in_small(attacked: Server, one: Attack) -> None:
    """Others are answered all the while, and memory stays what it was."""
    with Watch(attacked) as watch:
        one.run(attacked, 5000)
    assert watch.away_s < 1.0
    assert watch.grown_bytes < 60_000_000


@pytest.mark.parametrize("one", ATTACKS, ids=str)
def test_an_attack_at_large(start_server: StartServer, long_form: bool, one: Attack) -> None:
    """The same with all of them, and more; what takes as long as there is data to be gone through is only measured."""
    if not long_form:
        pytest.skip("a long form")
    server = start_server(*one.options)
    with Watch(server, "secret" if "--requirepass" in one.options else "") as watch:
        one.run(server, 200_000)
    print(one, watch)
    assert server.running
    assert one.is_linear or watch.away_s < 0.3
    assert watch.grown_bytes < 1_000_000_000
