"""The tasks that the Celery worker of test_celery runs; RESPD_TEST_BROKER names the broker and result backend."""

from __future__ import annotations

import os
import time
from typing import Any

import redis
from celery import Celery

BROKER = os.environ.get("RESPD_TEST_BROKER", "redis://127.0.0.1:6379")

app: Any = Celery("respd-tests", broker=f"{BROKER}/0", backend=f"{BROKER}/1")
app.conf.broker_connection_retry_on_startup = True
app.conf.task_acks_late = True
app.conf.worker_prefetch_multiplier = 4
# What a worker did not acknowledge in this time is given to another.
app.conf.broker_transport_options = {
    "visibility_timeout": float(os.environ.get("RESPD_TEST_VISIBILITY", "3600")),
    "unacked_restore_interval": 0.2,
    "unacked_restore_throttle": 1,
    "unacked_mutex_expire": 1,  # held by a worker that is killed while it looks for what others left behind
}


@app.task  # type: ignore[untyped-decorator]  # Celery has no types
def add(x: int, y: int) -> int:
    """Add two numbers."""
    return x + y


@app.task  # type: ignore[untyped-decorator]  # Celery has no types
def total(numbers: list[int]) -> int:
    """Add many numbers."""
    return sum(numbers)


@app.task  # type: ignore[untyped-decorator]  # Celery has no types
def fail() -> None:
    """Raise."""
    raise ValueError("as it should")


@app.task(bind=True, max_retries=3)  # type: ignore[untyped-decorator]
def succeed_at_the_third_try(self: Any) -> int:
    """Ask to be run again twice."""
    if self.request.retries < 2:
        raise self.retry(countdown=0)
    return int(self.request.retries)


@app.task  # type: ignore[untyped-decorator]  # Celery has no types
def hang_at_the_first_try(name: str) -> int:
    """Do not come back when run for the first time; else say how often it ran."""
    with redis.Redis.from_url(f"{BROKER}/2") as client:
        tries = int(client.incr(name))
    while tries == 1:
        time.sleep(60)
    return tries
