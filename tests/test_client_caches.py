"""redis-py's client-side cache on respd: hits, and what makes them invalid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from redis.cache import CacheConfig

from tests.servers import Server


@pytest.fixture
def cached(server: Server) -> Iterator[Any]:
    """A client with a cache."""
    with redis.Redis(port=server.port, protocol=3, cache_config=CacheConfig(), decode_responses=True) as client:
        yield client
        client.connection_pool.disconnect()


def gets(server: Server) -> int:
    """How many GETs the server has run."""
    with server.connect() as connection:
        text = connection.ask("INFO commandstats")
    assert isinstance(text, bytes)
    for line in text.decode().splitlines():
        if line.startswith("cmdstat_get:"):
            return int(line.partition("calls=")[2].partition(",")[0])
    return 0


@pytest.mark.parametrize(
    "change", ["SET k 2", "APPEND k x", "DEL k", "EXPIRE k -1", "FLUSHALL", "FLUSHDB", "RENAME l k"]
)
def test_a_cached_value_is_taken_until_it_changes(server: Server, cached: Any, change: str) -> None:
    """Values that are cached are not asked for again; after a change they are, and are what they should be."""
    with server.connect() as other:
        other.call("MSET k 1 l 5")
        before = gets(server)
        assert [cached.get("k") for _ in range(5)] == ["1"] * 5
        assert gets(server) == before + 1
        other.call(change)
        expected = other.ask("GET k")
        assert cached.get("k") == (expected.decode() if isinstance(expected, bytes) else None)


def test_a_cache_survives_its_connection(server: Server, cached: Any) -> None:
    """Who is killed connects anew, and does not take what it had for valid."""
    with server.connect() as other:
        other.call("SET k 1")
        assert cached.get("k") == "1"
        other.call("CLIENT KILL TYPE normal SKIPME yes")
        other.call("SET k 2")
        cached.ping()
        other.call("SET k 3")
        assert cached.get("k") == "3"
