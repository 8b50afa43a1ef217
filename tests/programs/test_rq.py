"""rq on respd: results, failures, retries, jobs for later, dependencies, and workers that are killed in the middle."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis

from tests.patience import PATIENCE, PATIENT, until
from tests.programs import rq_jobs
from tests.programs.processes import Worker, Workers

rq = pytest.importorskip("rq", reason="rq is not installed (pip install rq)")


@pytest.fixture
def connection(url: str) -> Iterator[redis.Redis]:
    """rq keeps pickles: nothing is decoded."""
    with redis.Redis.from_url(url, **PATIENT) as made:
        yield made
        made.connection_pool.disconnect()


def _start(workers: Workers, *words: str) -> Worker:
    return workers.start("rq.cli", "worker", "--url", workers.broker, *words, ready="*** Listening on")


def test_results_failures_and_retries(workers: Workers, connection: redis.Redis) -> None:
    """Two workers; every job's end is in the registry it belongs to."""
    queue = rq.Queue(connection=connection)
    jobs = [queue.enqueue(rq_jobs.add, number, 1) for number in range(15)]
    failing = queue.enqueue(rq_jobs.fail)
    retried = queue.enqueue(rq_jobs.succeed_at_the_third_try, retry=rq.Retry(max=3))
    started = [_start(workers, "default") for _ in range(2)]
    for number, job in enumerate(jobs):
        assert job.latest_result(timeout=int(PATIENCE)).return_value == number + 1  # blocks in XREAD
    until(lambda: failing.get_status() == "failed", "the job that fails")
    assert "as it should" in failing.latest_result().exc_string
    until(lambda: retried.get_status() == "finished", "the job that is run three times")
    assert retried.return_value() == 3
    assert queue.failed_job_registry.get_job_ids() == [failing.id]
    assert len(queue.finished_job_registry) == len(jobs) + 1
    assert len(queue) == len(queue.started_job_registry) == len(queue.deferred_job_registry) == 0
    assert failing.requeue() is not None
    until(lambda: failing.get_status() == "failed", "a second failure")
    assert [worker.terminate() for worker in started] == [0, 0]
    assert connection.scard("rq:workers") == 0


def test_queues_in_order_and_jobs_that_wait_for_others(workers: Workers, client: redis.Redis) -> None:
    """A worker's first queue goes first; a job begins after those it depends on; one may go to the front."""
    with redis.Redis.from_url(workers.broker, **PATIENT) as connection:
        low, high = rq.Queue("low", connection=connection), rq.Queue("high", connection=connection)
        first = low.enqueue(rq_jobs.write_down, "low")
        low.enqueue(rq_jobs.write_down, "last", depends_on=low.enqueue(rq_jobs.write_down, "then", depends_on=first))
        high.enqueue(rq_jobs.write_down, "high")
        high.enqueue(rq_jobs.write_down, "first", at_front=True)
        worker = _start(workers, "high", "low", "--burst")
        assert worker.process.wait(PATIENCE) == 0, worker.log
        assert client.lrange("written", 0, -1) == ["first", "high", "low", "then", "last"]
        connection.connection_pool.disconnect()


def test_jobs_for_later(workers: Workers, connection: redis.Redis) -> None:
    """Scheduled jobs wait in a registry until the worker's scheduler takes them; one that is cancelled never runs."""
    queue = rq.Queue(connection=connection)
    late = queue.enqueue_in(timedelta(hours=1), rq_jobs.add, 1, 1)
    soon = queue.enqueue_in(timedelta(seconds=1), rq_jobs.add, 20, 3)
    assert soon.get_status() == "scheduled" and len(queue.scheduled_job_registry) == 2
    _start(workers, "default", "--with-scheduler")
    until(lambda: soon.get_status() == "finished", "the scheduled job")
    assert soon.return_value() == 23
    late.cancel()
    assert len(queue.scheduled_job_registry) == 0 and late.get_status() == "canceled"


def test_a_worker_killed_in_the_middle(workers: Workers, connection: redis.Redis) -> None:
    """Its job is found abandoned, and runs again on another worker."""
    queue = rq.Queue(connection=connection)
    job = queue.enqueue(rq_jobs.hang_at_the_first_try, "worker", retry=rq.Retry(max=1))
    victim = _start(workers, "default")
    until(lambda: connection.get("worker") == b"1", "the job's start")
    victim.kill()
    assert job.get_status() == "started" and queue.started_job_registry.get_job_ids(cleanup=False) == [job.id]
    queue.started_job_registry.cleanup(time.time() + 3600)  # in an hour the worker has not been heard of
    _start(workers, "default")
    until(lambda: job.get_status() == "finished", "the second run")
    assert job.return_value() == 2 and len(queue.started_job_registry) == 0


def test_a_job_killed_in_the_middle(workers: Workers, connection: redis.Redis) -> None:
    """The worker sees that its child is gone, and runs the job again."""
    queue = rq.Queue(connection=connection)
    job = queue.enqueue(rq_jobs.hang_at_the_first_try, "horse", retry=rq.Retry(max=1))
    worker = _start(workers, "default")
    until(lambda: connection.get("horse") == b"1", "the job's start")
    (child,) = worker.children()
    os.kill(child, signal.SIGKILL)
    until(lambda: job.get_status() == "finished", "the second run")
    assert job.return_value() == 2
    assert "terminated unexpectedly" in worker.log
