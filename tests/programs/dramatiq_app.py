"""The actors that the dramatiq workers of test_dramatiq run; RESPD_TEST_BROKER names their server."""

from __future__ import annotations

import os
import time
from typing import Any

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.rate_limits import ConcurrentRateLimiter
from dramatiq.rate_limits.backends import RedisBackend as LimiterBackend
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend as ResultBackend

BROKER = os.environ.get("RESPD_TEST_BROKER", "redis://127.0.0.1:6379")

# Every command looks for the messages of dead workers, not one in a thousand.
broker: Any = RedisBroker(url=BROKER, maintenance_chance=1_000_000)
broker.add_middleware(Results(backend=ResultBackend(url=BROKER)))
dramatiq.set_broker(broker)
at_most_two: Any = ConcurrentRateLimiter(LimiterBackend(url=BROKER), "at-most-two", limit=2)


def client() -> redis.Redis:
    """A connection of our own."""
    return redis.Redis.from_url(BROKER)


def _add(x: int, y: int) -> int:
    return x + y


def _fail() -> None:
    with client() as connection:
        connection.incr("failures")
    raise ValueError("as it should")


def _hang_at_the_first_try(name: str) -> int:
    with client() as connection:
        tries = int(connection.hincrby("tries", name, 1))
    while tries == 1:
        time.sleep(60)
    return tries


def _write_down(word: str) -> None:
    with client() as connection:
        connection.rpush("written", word)


def _hold() -> None:
    """Count how many are inside the limiter at once, and the most that ever were."""
    with at_most_two.acquire(), client() as connection:
        inside = int(connection.incr("inside"))
        connection.zadd("most", {"inside": inside}, gt=True)
        time.sleep(0.005)
        connection.decr("inside")
        connection.incr("held")


add: Any = dramatiq.actor(_add, store_results=True)
fail: Any = dramatiq.actor(_fail, max_retries=2, min_backoff=10, max_backoff=20)
hang_at_the_first_try: Any = dramatiq.actor(_hang_at_the_first_try, store_results=True)
write_down: Any = dramatiq.actor(_write_down)
hold: Any = dramatiq.actor(_hold, max_retries=1000, min_backoff=5, max_backoff=20)
