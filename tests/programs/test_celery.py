"""Celery with respd as its broker and its result backend: a worker runs tasks, chains, groups and chords."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.patience import PATIENCE, until
from tests.programs.processes import Workers, start_celery
from tests.servers import Server

celery = pytest.importorskip("celery", reason="Celery is not installed (pip install 'celery[redis]')")


@pytest.fixture(scope="module")
def tasks(program_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The tasks, with a worker that serves them."""
    from tests.programs import celery_app

    with program_server.connect() as connection:
        connection.call("FLUSHALL")
    workers = Workers(celery_app.BROKER, tmp_path_factory.mktemp("celery"))
    try:
        worker = start_celery(workers)
        yield celery_app
        assert worker.process.poll() is None, worker.log
        worker.terminate()
    finally:
        workers.kill()
        celery_app.app.close()
    complaints = [line for line in worker.log.splitlines() if "ERROR" in line or "CRITICAL" in line]
    assert all("as it should" in line for line in complaints), worker.log


def test_results(tasks: Any) -> None:
    """Two hundred tasks, sent at once, each with its result."""
    waiting = [tasks.add.delay(number, 1) for number in range(200)]
    assert [one.get(timeout=PATIENCE) for one in waiting] == list(range(1, 201))


def test_failures_and_retries(tasks: Any) -> None:
    """An exception comes back to the caller; a task may be sent again."""
    with pytest.raises(ValueError, match="as it should"):
        tasks.fail.delay().get(timeout=PATIENCE)
    assert tasks.succeed_at_the_third_try.delay().get(timeout=PATIENCE) == 2


def test_chains_groups_and_chords(tasks: Any) -> None:
    """One after the other, many at once, and one when all the others are done."""
    assert celery.chain(tasks.add.s(1, 2), tasks.add.s(10), tasks.add.s(100)).delay().get(timeout=PATIENCE) == 113
    group = celery.group(tasks.add.s(number, number) for number in range(20)).delay()
    assert group.get(timeout=PATIENCE) == [2 * number for number in range(20)]
    chord = celery.chord(tasks.add.s(number, 1) for number in range(20))(tasks.total.s())
    assert chord.get(timeout=PATIENCE) == sum(range(1, 21))


def test_a_task_for_later(tasks: Any) -> None:
    """A countdown, and a task taken back before it runs."""
    assert tasks.add.apply_async((1, 1), countdown=0.2).get(timeout=PATIENCE) == 2
    late = tasks.add.apply_async((1, 1), countdown=3600)
    late.revoke()
    late.forget()


def test_the_worker_can_be_asked(tasks: Any) -> None:
    """Remote control goes over broadcasts: publish/subscribe."""
    answers = tasks.app.control.ping(timeout=5.0, limit=1)
    assert [list(answer.values()) for answer in answers] == [[{"ok": "pong"}]]


def test_nothing_is_left_in_the_queue(tasks: Any, program_server: Server) -> None:
    """When all is done the queue is empty and nothing waits for its acknowledgement (but the task for later)."""
    with program_server.connect() as connection:
        until(lambda: connection.ask("EXISTS celery") == 0, "an empty queue")
        until(lambda: connection.ask("HLEN unacked") in (0, 1), "all acknowledgements")
