"""dramatiq on respd: acknowledgement, redelivery after a worker was killed, delays, dead letters, limits."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.patience import PATIENCE, until
from tests.programs.processes import Worker, Workers

dramatiq = pytest.importorskip("dramatiq", reason="dramatiq is not installed (pip install 'dramatiq[redis]')")


@pytest.fixture
def app(url: str) -> Any:
    """The actors."""
    from tests.programs import dramatiq_app

    return dramatiq_app


def _start(workers: Workers, threads: int = 4) -> Worker:
    words = ["--processes", "1", "--threads", str(threads), "tests.programs.dramatiq_app"]
    return workers.start("dramatiq", *words, ready="ready for action")


def _nothing_left(client: Any) -> bool:
    """Whether all messages are acknowledged: no queue, no message, no set of fetched ones."""
    return not [key for key in client.keys("dramatiq:*") if key != "dramatiq:__heartbeats__" and ".XQ" not in key]


def test_results_and_acknowledgement(workers: Workers, app: Any, client: Any) -> None:
    """A hundred results, a pipeline and a group; nothing stays unacknowledged."""
    messages = [app.add.send(number, 1) for number in range(100)]
    worker = _start(workers)
    assert [one.get_result(block=True, timeout=int(PATIENCE * 1000)) for one in messages] == list(range(1, 101))
    together = app.add.message(1, 2) | app.add.message(10) | app.add.message(100)
    assert together.run().get_result(block=True, timeout=int(PATIENCE * 1000)) == 113
    group = dramatiq.group([app.add.message(number, number) for number in range(10)]).run()
    assert list(group.get_results(block=True, timeout=int(PATIENCE * 1000))) == [2 * number for number in range(10)]
    until(lambda: _nothing_left(client), "the acknowledgement of all messages")
    assert worker.terminate() == 0


def test_messages_of_a_killed_worker_are_delivered_again(workers: Workers, app: Any, client: Any) -> None:
    """Those it had begun and those it had only fetched, when no sign of life came from it for a minute."""
    messages = [app.hang_at_the_first_try.send(str(number)) for number in range(10)]
    victim = _start(workers, threads=2)
    until(lambda: client.hlen("tries") == 2, "two that hang")
    victim.kill()
    for worker in client.zrange("dramatiq:__heartbeats__", 0, -1):
        client.zadd("dramatiq:__heartbeats__", {worker: (time.time() - 61) * 1000})
    client.hset("tries", mapping={message.args[0]: 1 for message in messages})
    _start(workers)
    assert [one.get_result(block=True, timeout=int(PATIENCE * 1000)) for one in messages] == [2] * 10
    until(lambda: _nothing_left(client), "the acknowledgement of all messages")


def test_retries_and_dead_letters(workers: Workers, app: Any, client: Any) -> None:
    """A message that fails once too often goes to the dead letters."""
    message = app.fail.send()
    _start(workers)
    until(lambda: client.zcard("dramatiq:default.XQ") == 1, "the dead letter")
    assert client.get("failures") == "3" and _nothing_left(client)
    (letter,) = client.hvals("dramatiq:default.XQ.msgs")
    assert dramatiq.Message.decode(letter.encode()).message_id == message.message_id


def test_delays(workers: Workers, app: Any, client: Any) -> None:
    """Messages for later wait in a queue of their own, and come in the order of their times."""
    _start(workers, threads=1)
    app.write_down.send_with_options(args=("never",), delay=3_600_000)
    app.write_down.send_with_options(args=("second",), delay=1200)
    app.write_down.send_with_options(args=("first",), delay=400)
    until(lambda: client.llen("written") == 2, "both messages")
    assert client.lrange("written", 0, -1) == ["first", "second"]
    assert client.hlen("dramatiq:default.DQ.msgs") == 1


def test_a_limiter_of_concurrency(workers: Workers, app: Any, client: Any) -> None:
    """Never more than two inside at once, by WATCH, MULTI and EXEC; all come through."""
    for _ in range(20):
        app.hold.send()
    for _ in range(2):
        _start(workers)
    until(lambda: client.get("held") == "20", "twenty turns inside", PATIENCE)
    assert client.get("inside") == "0" and (client.zscore("most", "inside") or 0) <= 2
