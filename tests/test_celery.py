"""Celery with respd as its broker and its result backend: a worker runs tasks, chains, groups and chords."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Server, start_respd

celery = pytest.importorskip("celery", reason="Celery is not installed (pip install 'celery[redis]')")

PATIENCE = 60.0


@pytest.fixture(scope="module")
def broker() -> Iterator[Server]:
    """A respd for the worker and for us."""
    server = start_respd()
    os.environ["RESPD_TEST_BROKER"] = f"redis://127.0.0.1:{server.port}"
    yield server
    server.stop()


def _can_share_locks() -> bool:
    """Whether processes can share locks here, as Celery's usual pool needs (a container may have no /dev/shm)."""
    try:
        multiprocessing.Lock()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def tasks(broker: Server) -> Iterator[Any]:
    """The tasks, with a worker that serves them."""
    from tests import celery_app

    words = [sys.executable, "-m", "celery", "-A", "tests.celery_app", "worker", "--concurrency", "2", "-l", "INFO"]
    if not _can_share_locks():
        words += ["--pool", "threads"]
    log = Path(broker.directory, "celery.log")
    home = Path(__file__).parent.parent
    with log.open("wb") as output:
        worker = subprocess.Popen(words, stdout=output, stderr=output, cwd=home)
    try:
        end = time.monotonic() + PATIENCE
        while " ready." not in log.read_text():
            assert worker.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        yield celery_app
        assert worker.poll() is None, log.read_text()
    finally:
        worker.terminate()
        try:
            worker.wait(20)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
        celery_app.app.close()
        text = log.read_text()
    complaints = [line for line in text.splitlines() if "ERROR" in line or "CRITICAL" in line]
    assert all("as it should" in line for line in complaints), text


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


def test_nothing_is_left_in_the_queue(tasks: Any, broker: Server) -> None:
    """When all is done the queue is empty and nothing waits for its acknowledgement (but the task for later)."""
    with broker.connect() as connection:
        end = time.monotonic() + PATIENCE
        while connection.ask("EXISTS celery") and time.monotonic() < end:
            time.sleep(0.05)
        assert connection.ask("EXISTS celery") == 0
        assert connection.ask("HLEN unacked") in (0, 1)
