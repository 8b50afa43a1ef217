"""COMMANDLOG, which redis-server does not have: as valkey-server 9 answers, and as its documentation says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from respd.slowlog import EntryLog
from tests.local import Local
from tests.servers import Server
from tests.wire import Error, Status

OK = Status(b"OK")
LIMITS = ("commandlog-request-larger-than", "commandlog-reply-larger-than")


def _limit(local: Local, size: int) -> None:
    for name in LIMITS:
        assert local.run(f"CONFIG SET {name} {size}") == OK


def _noted(local: Local, kind: str) -> list[tuple[int, bytes]]:
    """The sizes and words of a log's entries, oldest first."""
    log: EntryLog = local.engine.command_log.requests if kind == "large-request" else local.engine.command_log.replies
    return [(entry.amount, b" ".join(entry.words)) for entry in reversed(log.entries)]


def test_sizes_are_those_on_the_wire(local: Local) -> None:
    value = "v" * 200
    _limit(local, 200)
    local.run(f"SET key {value}")
    local.run("GET key")
    local.run("GET nothing")
    words = f"SET key {'v' * 128}... (72 more bytes)".encode()
    assert _noted(local, "large-request") == [(len(b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$200\r\n\r\n") + 200, words)]
    assert _noted(local, "large-reply") == [(len(b"$200\r\n\r\n") + 200, b"GET key")]


def test_entries_tell_who_it_was(local: Local) -> None:
    local.run("CLIENT SETNAME joe")
    local.ctx.client.address = b"127.0.0.1:1"
    _limit(local, 100)
    local.run([b"SET", b"key", b"v" * 100])
    second = int(local.clock.ms) // 1000
    entries = local.run("COMMANDLOG GET -1 large-request")
    assert entries == [[0, second, 130, [b"SET", b"key", b"v" * 100], b"127.0.0.1:1", b"joe"]]
    assert local.run("COMMANDLOG LEN Large-Request") == 1
    assert local.run("COMMANDLOG GET 0 large-request") == []
    assert local.run("COMMANDLOG RESET large-request") == OK
    assert local.run("COMMANDLOG LEN large-request") == 0


def test_the_slow_log_is_one_of_them(local: Local) -> None:
    local.run("CONFIG SET commandlog-execution-slower-than 0")
    assert local.run("CONFIG GET slowlog-log-slower-than") == {b"slowlog-log-slower-than": b"0"}
    local.run("PING")
    local.run("CONFIG SET commandlog-slow-execution-max-len 0")
    assert local.run("COMMANDLOG GET -1 slow") == local.run("SLOWLOG GET -1")
    assert local.run("COMMANDLOG LEN slow") == 3
    assert local.run("COMMANDLOG RESET slow") == OK
    assert local.run("SLOWLOG LEN") == 0


def test_errors(local: Local) -> None:
    unknown = Error("ERR type should be one of the following: slow, large-request, large-reply")
    bad_count = Error("ERR count should be greater than or equal to -1")
    for command, reply in (
        ("COMMANDLOG LEN foo", unknown),
        ("COMMANDLOG GET 2 foo", unknown),
        ("COMMANDLOG RESET foo", unknown),
        ("COMMANDLOG GET x foo", bad_count),
        ("COMMANDLOG GET -2 slow", bad_count),
        ("COMMANDLOG GET 2", Error("ERR wrong number of arguments for 'commandlog|get' command")),
        ("COMMANDLOG RESET slow x", Error("ERR wrong number of arguments for 'commandlog|reset' command")),
        ("COMMANDLOG", Error("ERR wrong number of arguments for 'commandlog' command")),
        ("COMMANDLOG FOO", Error("ERR unknown subcommand 'FOO'. Try COMMANDLOG HELP.")),
    ):
        assert local.run(command) == reply, command


def test_transactions_note_their_commands(local: Local) -> None:
    local.run("SET key " + "v" * 100)
    _limit(local, 100)
    local.run("MULTI")
    local.run("SET other " + "w" * 100)
    local.run("GET key")
    local.run("GET nothing")
    local.run("EXEC")
    assert _noted(local, "large-request") == [(132, b"SET other " + b"w" * 100)]
    assert _noted(local, "large-reply") == [(108, b"GET key")]
    assert local.engine.transactions.ran == []


def test_scripts_are_one_command(local: Local) -> None:
    local.run("SET key " + "v" * 100)
    _limit(local, 100)
    local.run([b"EVAL", b"return redis.call('get', 'key') .. redis.call('get', 'key')", b"0"])
    assert [size for size, _ in _noted(local, "large-reply")] == [208]


def test_blocked_clients_are_noted_when_they_are_served(local: Local) -> None:
    _limit(local, 100)
    waiting = local.connect()
    local.send("BLPOP list 0", waiting)
    local.run("RPUSH list " + "v" * 100)
    assert [words for _, words in _noted(local, "large-reply")] == [b"BLPOP list 0"]


def test_secrets_are_left_out(local: Local) -> None:
    _limit(local, 0)
    local.run("AUTH joe secret")
    assert b"AUTH (redacted) (redacted)" in [words for _, words in _noted(local, "large-request")]


def test_logs_can_be_off(local: Local) -> None:
    _limit(local, -1)
    local.run("SET key " + "v" * 100)
    _limit(local, 0)
    local.run("CONFIG SET commandlog-large-request-max-len 0")
    local.run("CONFIG SET commandlog-large-reply-max-len 1")
    local.run("COMMANDLOG RESET large-request")
    local.run("SET key " + "v" * 100)
    local.run("GET key")
    assert local.run("COMMANDLOG LEN large-request") == 0
    assert [words for _, words in _noted(local, "large-reply")] == [b"COMMANDLOG LEN large-request"]


def test_what_is_not_large_costs_no_gate(local: Local) -> None:
    local.engine.record_effects(False)
    assert local.engine.gates == 0
    _limit(local, 1000)
    assert local.engine.gates != 0
    _limit(local, 1 << 20)
    assert local.engine.gates == 0


@pytest.fixture
def emptied(server: Server) -> Iterator[Server]:
    with server.connect() as connection:
        for kind in ("large-request", "large-reply"):
            connection.ask(f"COMMANDLOG RESET {kind}")
    yield server


def test_large_ones_are_found_by_the_loop(emptied: Server) -> None:
    """With the default limits: in one word, in many words, and small ones around them."""
    with emptied.connect() as connection:
        connection.ask("SET", "large", b"v" * 1_100_000)
        connection.ask("SET", "small", b"v" * 300_000)
        connection.ask("RPUSH", "many", *[b"w" * 100] * 11_000)
        connection.pipeline([[b"SET", b"s", b"v"]] * 100 + [[b"SET", b"other", b"v" * 1_060_000]] + [[b"PING"]] * 100)
        connection.ask("GET large")
        connection.ask("GET small")
        connection.ask("LRANGE many 0 -1")
        requests = connection.ask("COMMANDLOG GET -1 large-request")
        replies = connection.ask("COMMANDLOG GET -1 large-reply")
        connection.ask("DEL large many other small s")
    assert isinstance(requests, list) and isinstance(replies, list)
    assert [entry[3][:2] for entry in requests] == [[b"SET", b"other"], [b"RPUSH", b"many"], [b"SET", b"large"]]
    assert [entry[3][:2] for entry in replies] == [[b"LRANGE", b"many"], [b"GET", b"large"]]
    assert replies[1][2] == 1_100_000 + len(b"$1100000\r\n\r\n")
