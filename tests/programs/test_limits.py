"""The rate limiters of `limits` on respd: fixed, moving and sliding windows by Lua scripts, from many processes."""

from __future__ import annotations

import asyncio
import multiprocessing
from typing import Any

import pytest
import redis
import redis.asyncio

limits = pytest.importorskip("limits", reason="limits is not installed (pip install limits)")

STRATEGIES = ["FixedWindowRateLimiter", "MovingWindowRateLimiter", "SlidingWindowCounterRateLimiter"]
PROCESSES = 4


def _limiter(url: str, strategy: str) -> Any:
    from limits import storage, strategies

    return getattr(strategies, strategy)(storage.storage_from_string(url))


def _hit(url: str, strategy: str, hits: int) -> int:
    """How many of so many hits were let through."""
    limiter = _limiter(url, strategy)
    item = limits.parse("50/hour")
    return sum(limiter.hit(item, "user") for _ in range(hits))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_together_they_let_no_more_through(url: str, strategy: str) -> None:
    """Four processes and one limit: exactly as many hits as it allows, and none after."""
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        counts = pool.starmap(_hit, [(url, strategy, 40)] * PROCESSES)
    assert sum(counts) == 50
    limiter = _limiter(url, strategy)
    item = limits.parse("50/hour")
    assert not limiter.test(item, "user") and limiter.test(item, "other")
    assert limiter.get_window_stats(item, "user").remaining == 0


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_cost_statistics_and_clearing(url: str, client: redis.Redis, strategy: str) -> None:
    """A hit may cost more than one; the scripts load themselves again; what is cleared begins anew."""
    limiter, item = _limiter(url, strategy), limits.parse("10/hour")
    assert limiter.hit(item, "user", cost=7)
    client.script_flush()
    assert limiter.hit(item, "user", cost=3) and not limiter.hit(item, "user")
    stats = limiter.get_window_stats(item, "user")
    assert stats.remaining == 0 and stats.reset_time > 0
    limiter.clear(item, "user")
    assert limiter.hit(item, "user", cost=10)
    assert limiter.storage.reset() >= 1 and client.dbsize() == 0


def test_windows_end(url: str) -> None:
    """After a second the next hit is let through."""
    limiter, item = _limiter(url, "MovingWindowRateLimiter"), limits.parse("3/second")
    assert [limiter.hit(item, "user") for _ in range(4)] == [True, True, True, False]
    from tests.programs.processes import until

    until(lambda: limiter.hit(item, "user"), "the end of the window", 5)


def test_asyncio(url: str) -> None:
    """The same scripts from a hundred tasks."""
    from limits.aio import storage, strategies

    async def main() -> int:
        pool = redis.asyncio.ConnectionPool.from_url(url)
        kept = storage.RedisStorage(f"async+{url}", implementation="redispy", connection_pool=pool)
        limiter = strategies.MovingWindowRateLimiter(kept)
        item = limits.parse("30/hour")
        let_through: int = sum(await asyncio.gather(*(limiter.hit(item, "user") for _ in range(100))))
        await pool.aclose()
        return let_through

    assert asyncio.run(main()) == 30
