"""Celery with late acknowledgement: what a killed worker had taken, another one gets after the visibility timeout."""

from __future__ import annotations

import pytest
import redis

from tests.patience import PATIENCE, until
from tests.programs.processes import Workers, start_celery

pytest.importorskip("celery", reason="Celery is not installed (pip install 'celery[redis]')")


def test_tasks_of_a_killed_worker_are_delivered_again(
    url: str, workers: Workers, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Acknowledged late, they are taken up by another when the visibility timeout is over; nothing stays behind."""
    from tests.programs import celery_app

    monkeypatch.setenv("RESPD_TEST_VISIBILITY", "1")
    results = [celery_app.hang_at_the_first_try.apply_async((f"try-{number}",)) for number in range(8)]
    victim = start_celery(workers)
    with redis.Redis.from_url(f"{url}/2") as counters:
        until(lambda: len(counters.keys("try-*")) == 2, "two that hang")
        # kombu takes a message and then notes that it has it: who dies in between loses it, on any server.
        until(lambda: client.hlen("unacked") == client.zcard("unacked_index") == 8, "all are fetched")
        victim.kill()
        for number in range(8):
            counters.setnx(f"try-{number}", 1)
    survivor = start_celery(workers)
    assert [result.get(timeout=PATIENCE) for result in results] == [2] * 8
    until(lambda: client.hlen("unacked") == client.zcard("unacked_index") == client.llen("celery") == 0, "the end")
    assert survivor.terminate() == 0
