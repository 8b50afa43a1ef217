"""The rate limiters of `limits` on respd: fixed, moving and sliding windows by Lua scripts, from many processes."""

from __future__ import annotations

import asyncio
import multiprocessing
from typing import Any

import pytest
import redis
import redis.asyncio

from tests.patience import PATIENCE, PATIENT, until

limits = pytest.importorskip("limits", reason="limits is not installed (pip install limits)")

STRATEGIES = ["FixedWindowRateLimiter", "MovingWindowRateLimiter", "SlidingWindowCounterRateLimiter"]
PROCESSES = 4


def _limiter(url: str, strategy: str) -> Any:
    from limits import storage, strategies

    return getattr(strategies, strategy)(storage.storage_from_string(url))


def _hit(url: str, strategy: str, hits: int) -> None:
    """Count how many of so many hits are let through."""
    limiter = _limiter(url, strategy)
    item = limits.parse("50/hour")
    let_through = sum(limiter.hit(item, "user") for _ in range(hits))
    with redis.Redis.from_url(url, **PATIENT) as client:
        client.incrby("let through", let_through)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_together_they_let_no_more_through(url: str, client: redis.Redis, strategy: str) -> None:
    """Four processes and one limit: exactly as many hits as it allows, and none after."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_hit, args=(url, strategy, 40)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(PATIENCE)
        assert process.exitcode == 0
    assert client.get("let through") == "50"
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
    """After two seconds the next hit is let through."""
    limiter, item = _limiter(url, "MovingWindowRateLimiter"), limits.parse("3/2 second")
    assert [limiter.hit(item, "user") for _ in range(4)] == [True, True, True, False]
    until(lambda: limiter.hit(item, "user"), "the end of the window")


def test_asyncio(url: str) -> None:
    """The same scripts from a hundred tasks."""
    from limits.aio import storage, strategies

    async def main() -> int:
        pool = redis.asyncio.ConnectionPool.from_url(url, **PATIENT)
        kept = storage.RedisStorage(f"async+{url}", implementation="redispy", connection_pool=pool)
        limiter = strategies.MovingWindowRateLimiter(kept)
        item = limits.parse("30/hour")
        let_through: int = sum(await asyncio.gather(*(limiter.hit(item, "user") for _ in range(100))))
        await pool.aclose()
        return let_through

    assert asyncio.run(main()) == 30
