"""huey on respd: results, retries, delays, priorities, locks, pipelines, and results that expire."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from tests.patience import PATIENCE, until
from tests.programs.processes import Worker, Workers

pytest.importorskip("huey", reason="huey is not installed (pip install huey)")


@pytest.fixture
def app(url: str) -> Any:
    """The tasks."""
    from tests.programs import huey_app

    return huey_app


def _start(workers: Workers, app: Any, number: int = 2, queue: str = "huey") -> Worker:
    words = ["-w", str(number), "-k", "thread", "-d", "0.01", "-m", "0.1", "-s", "1"]
    return workers.start("huey.bin.huey_consumer", f"{app.__name__}.{queue}", *words, ready="Huey consumer started")


def test_results_failures_and_retries(workers: Workers, app: Any) -> None:
    """Two consumers; an exception comes back to the caller; a task that fails is run again."""
    from huey.exceptions import TaskException

    consumers = [_start(workers, app) for _ in range(2)]
    results = [app.add(number, 1) for number in range(100)]
    assert [result.get(blocking=True, timeout=PATIENCE) for result in results] == list(range(1, 101))
    with pytest.raises(TaskException, match="as it should"):
        app.fail().get(blocking=True, timeout=PATIENCE)
    assert app.succeed_at_the_third_try()(blocking=True, timeout=PATIENCE, preserve=True) == 3
    for consumer in consumers:
        consumer.kill()


def test_delays_and_revoked_tasks(workers: Workers, app: Any, client: redis.Redis) -> None:
    """A task waits for its time in a sorted set, and is taken out by a script; one that is revoked is not run."""
    app.write_down.schedule(("late",), delay=3600)
    app.write_down.schedule(("soon",), delay=1)
    revoked = app.write_down("never")
    revoked.revoke()
    assert app.huey.scheduled_count() == 0 and app.huey.pending_count() == 3
    _start(workers, app)
    until(lambda: client.lrange("written", 0, -1) == ["soon"], "the task for later")
    assert app.huey.scheduled_count() == 1 and app.huey.pending_count() == 0


def test_priorities(workers: Workers, app: Any, client: redis.Redis) -> None:
    """The higher goes first; equals in the order in which they came."""
    words = [("c", 1), ("b", 5), ("d", 1), ("a", 9), ("e", None)]
    for word, priority in words:
        app.write_down(word, priority=priority)
    _start(workers, app, 1)
    until(lambda: client.llen("written") == len(words), "all tasks")
    assert client.lrange("written", 0, -1) == ["a", "b", "c", "d", "e"]


def test_locks(workers: Workers, app: Any, client: redis.Redis) -> None:
    """Never two holders: the counter is read and written under the lock, and no addition is lost."""
    for _ in range(2):
        _start(workers, app, 4)
    for _ in range(20):
        app.count_alone()
    until(lambda: client.get("count") == "20", "twenty turns under the lock")
    until(lambda: not app.huey.is_locked("alone"), "the end of the lock")
    with app.huey.lock_task("alone"):
        assert app.huey.is_locked("alone")
        assert app.huey.flush_locks("alone") == {"alone"}


def test_one_after_the_other(workers: Workers, app: Any) -> None:
    """A pipeline hands the result on; a task that gives up has none."""
    _start(workers, app)
    results = app.huey.enqueue(app.add.s(1, 2).then(app.add, 10).then(app.add, 100))
    assert results.get(blocking=True, timeout=PATIENCE) == [3, 13, 113]
    given_up = app.give_up()
    from huey.exceptions import TaskException

    with pytest.raises(TaskException, match="as it should"):
        given_up.get(blocking=True, timeout=PATIENCE)


def test_results_expire(workers: Workers, app: Any, client: redis.Redis) -> None:
    """Each result is a key with a time to live."""
    _start(workers, app, queue="expiring")
    assert app.multiply(6, 7).get(blocking=True, timeout=PATIENCE, preserve=True) == 42
    assert len(client.keys("huey.r.*")) == 1
    until(lambda: not client.keys("huey.r.*"), "the end of the result")
