"""The tasks that the huey consumers of test_huey run; RESPD_TEST_BROKER names their server."""

from __future__ import annotations

import os
import time
from typing import Any

import redis
from huey import PriorityRedisHuey, RedisExpireHuey
from huey.exceptions import CancelExecution

BROKER = os.environ.get("RESPD_TEST_BROKER", "redis://127.0.0.1:6379")

# Priorities need a sorted set; results that expire are keys of their own.
huey: Any = PriorityRedisHuey("respd", url=BROKER, notify_result=True, store_intermediate_errors=False)
expiring: Any = RedisExpireHuey("expiring", url=BROKER, expire_time=1)


def client() -> redis.Redis:
    """A connection of our own."""
    return redis.Redis.from_url(BROKER)


@huey.task()  # type: ignore[untyped-decorator]  # huey has no types
def add(x: int, y: int) -> int:
    """Add two numbers."""
    return x + y


@expiring.task()  # type: ignore[untyped-decorator]
def multiply(x: int, y: int) -> int:
    """Multiply two numbers."""
    return x * y


@huey.task()  # type: ignore[untyped-decorator]
def fail() -> None:
    """Raise."""
    raise ValueError("as it should")


@huey.task(retries=3, retry_delay=0)  # type: ignore[untyped-decorator]
def succeed_at_the_third_try() -> int:
    """Fail twice, and say how often it ran."""
    tries = int(client().incr("tries"))
    if tries < 3:
        raise ValueError("as it should")
    return tries


@huey.task()  # type: ignore[untyped-decorator]
def write_down(word: str) -> None:
    """Add a word to a list."""
    client().rpush("written", word)


@huey.task(retries=1000, retry_delay=0)  # type: ignore[untyped-decorator]
@huey.lock_task("alone")  # type: ignore[untyped-decorator]
def count_alone() -> None:
    """Add to a counter by reading and writing it; tried again while another holds the lock."""
    connection = client()
    count = int(connection.get("count") or 0)
    time.sleep(0.002)
    connection.set("count", count + 1)


@huey.task()  # type: ignore[untyped-decorator]
def give_up() -> None:
    """End without a result."""
    raise CancelExecution("as it should")
