"""respd as a process under maxmemory: however it is filled, it grows no further."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import pytest

from tests.conftest import StartServer
from tests.patience import until
from tests.servers import Server
from tests.wire import CLOSED, Connection, encode

LIMIT = 50_000_000
BATCH = 100


def figures(connection: Connection) -> dict[str, int]:
    """INFO's numbers."""
    answer = connection.ask("INFO everything")
    assert isinstance(answer, bytes)
    pairs = (line.split(":", 1) for line in answer.decode().splitlines() if ":" in line)
    return {name: int(value) for name, value in pairs if value.isdigit()}


def is_near(told: dict[str, int]) -> bool:
    """Tell whether what counts as used is within 15 % of what is resident."""
    return 0.85 * told["used_memory_rss"] <= told["used_memory"]


def pour(server: Server, commands: Iterator[list[bytes]]) -> tuple[int, int]:
    """Send commands, a pipeline of 100 at a time; return the largest resident size seen, and the number of errors."""
    most = errors = 0
    with server.connect(timeout=60.0) as connection:
        batch: list[bytes] = []
        for words in commands:
            batch.append(encode(words))
            if len(batch) == BATCH:
                connection.send_bytes(b"".join(batch))
                errors += sum(connection.read().kind == "-" for _ in batch)
                most = max(most, server.memory_bytes())
                batch = []
    return most, errors


def small_strings(random: Random) -> Iterator[list[bytes]]:
    """Many more than fit, of 100 bytes."""
    for number in range(70_000):
        yield [b"SET", b"k%d" % number, b"v" * 300]


def values_of_all_sizes(random: Random) -> Iterator[list[bytes]]:
    """From 10 bytes to 4 kB: in the C library's heap, whose holes are of all sizes, too."""
    for number in range(30_000):
        yield [b"SET", b"k%d" % number, b"v" * random.randrange(10, 4000)]


def big_values(random: Random) -> Iterator[list[bytes]]:
    """A hundred megabytes, most of them in values of 400 kB."""
    for number in range(700):
        yield [b"SET", b"k%d" % number, b"v" * random.choice([100, 50_000, 400_000])]


def growing_lists(random: Random) -> Iterator[list[bytes]]:
    """Lists that grow by elements of 500 bytes."""
    for number in range(150_000):
        yield [b"RPUSH", b"l%d" % (number % 100), b"v" * 500]


@pytest.mark.parametrize(
    "policy, fill",
    [
        ("allkeys-lru", small_strings),
        ("allkeys-lfu", values_of_all_sizes),
        ("allkeys-random", big_values),
        ("allkeys-lru", growing_lists),
    ],
)
def test_writes_do_not_take_it_beyond_the_limit(
    start_server: StartServer, policy: str, fill: Callable[[Random], Iterator[list[bytes]]]
) -> None:
    """The process stays near the limit, and something is left; when clients pause, what counts as used is within 15 %.

    In between, what was freed and what is under way (a pipeline of up to 15 MB) may be resident, too.
    """
    server = start_server("--maxmemory", str(LIMIT), "--maxmemory-policy", policy)
    most, errors = pour(server, fill(Random(3)))
    assert errors == 0
    assert most < LIMIT * 1.5  # a pipeline of values of 400 kB is under way while keys go
    with server.connect() as connection:
        until(lambda: is_near(figures(connection)))
        told = figures(connection)
        assert told["evicted_keys"] > 0
        assert told["used_memory"] > LIMIT * 0.6  # what was under way counted, too
        size = connection.ask("DBSIZE")
        assert isinstance(size, int) and size > 0


def test_without_a_policy_writes_are_refused_and_reads_are_not(start_server: StartServer) -> None:
    server = start_server("--maxmemory", str(LIMIT))
    most, errors = pour(server, small_strings(Random(3)))
    assert errors > 0
    assert most < LIMIT * 1.1
    with server.connect() as connection:
        assert connection.ask("GET k0") == b"v" * 300
        assert connection.ask("FLUSHALL") == b"OK"
        until(lambda: connection.call("SET k v").kind == "+")


def test_replies_that_pile_up_count(start_server: StartServer) -> None:
    """A client that does not read its replies takes memory, and keys have to go for it."""
    server = start_server("--maxmemory", str(LIMIT), "--maxmemory-policy", "allkeys-lru")
    with server.connect() as writer, server.connect() as deaf:
        for number in range(60):
            writer.ask(b"SET", b"k%d" % number, b"v" * 200_000)
        assert figures(writer)["evicted_keys"] == 0
        deaf.send(*["GET k59"] * 200)
        until(lambda: figures(writer)["evicted_keys"] > 0)


def test_clients_beyond_their_share_are_disconnected(start_server: StartServer) -> None:
    """The one whose replies pile up goes; the one that asked to be spared and the small ones stay."""
    server = start_server("--maxmemory-clients", "3mb")
    with server.connect() as other, server.connect() as deaf, server.connect() as half:
        other.ask(b"SET", b"big", b"v" * 100_000)
        half.send_bytes(b"*2\r\n$3\r\nGET\r\n$1000000\r\n" + b"x" * 500_000)
        deaf.send(*["GET big"] * 100)
        until(lambda: figures(other)["evicted_clients"] == 1)
        assert "Evicting client: id=" in server.log
        with pytest.raises((ConnectionResetError, AssertionError)):
            for _ in range(100):
                assert deaf.read().kind != CLOSED
        half.send_bytes(b"x" * 500_000 + b"\r\n")
        assert half.read().value is None


def test_frequencies_are_kept_over_a_restart(start_server: StartServer) -> None:
    server = start_server("--maxmemory-policy", "allkeys-lfu", "--lfu-log-factor", "0", "--lfu-decay-time", "0")
    with server.connect() as connection:
        connection.ask("SET k v")
        for _ in range(20):
            connection.ask("GET k")
        assert connection.ask("OBJECT FREQ k") == 25
        assert connection.ask("DEBUG RELOAD") == b"OK"
        assert connection.ask("OBJECT FREQ k") == 25
