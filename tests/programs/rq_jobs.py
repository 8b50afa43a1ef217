"""The jobs that the rq workers of test_rq run; RESPD_TEST_BROKER names their server."""

from __future__ import annotations

import os
import time

import redis


def _client() -> redis.Redis:
    return redis.Redis.from_url(os.environ["RESPD_TEST_BROKER"])


def add(x: int, y: int) -> int:
    """Add two numbers."""
    return x + y


def fail() -> None:
    """Raise."""
    raise ValueError("as it should")


def succeed_at_the_third_try() -> int:
    """Fail twice, and say how often it ran."""
    with _client() as client:
        tries = int(client.incr("tries"))
    if tries < 3:
        raise ValueError("as it should")
    return tries


def hang_at_the_first_try(name: str) -> int:
    """Do not come back when run for the first time."""
    with _client() as client:
        tries = int(client.incr(name))
    while tries == 1:
        time.sleep(60)
    return tries


def write_down(word: str) -> None:
    """Add a word to a list."""
    with _client() as client:
        client.rpush("written", word)
