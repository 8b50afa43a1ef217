"""redis-py's Lock against respd: it takes, extends and gives back by scripts (EVALSHA)."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess

import pytest
import redis
import redis.asyncio
from redis.exceptions import LockError, LockNotOwnedError

from tests.patience import PATIENCE, PATIENT, until

Start = Callable[..., BaseProcess]

PROCESSES = 8
ROUNDS = 10


def _take_turns(url: str, rounds: int) -> None:
    """Add to a counter by reading and writing it, which goes wrong unless each does it alone."""
    with redis.Redis.from_url(url, socket_timeout=PATIENCE) as client:
        for _ in range(rounds):
            with client.lock("lock", timeout=PATIENCE, sleep=0.001):
                assert client.incr("holders") == 1
                count = int(client.get("count") or 0)
                time.sleep(0.001)  # what the others would use, if the lock let them in
                client.set("count", count + 1)
                assert client.decr("holders") == 0


def _never_come_back(url: str) -> None:
    """Take the lock and keep it."""
    with redis.Redis.from_url(url, **PATIENT) as client:
        client.lock("lock", timeout=0.5).acquire()
        client.set("taken", 1)
        time.sleep(60)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts processes; they end with the test."""
    context = multiprocessing.get_context("spawn")
    started: list[BaseProcess] = []

    def start_one(target: Callable[..., None], *args: object) -> BaseProcess:
        started.append(context.Process(target=target, args=args))
        started[-1].start()
        return started[-1]

    yield start_one
    for process in started:
        process.kill()
        process.join()


def test_eight_processes_hold_it_one_at_a_time(url: str, client: redis.Redis, start: Start) -> None:
    """Under contention there are never two holders, and no addition is lost."""
    takers = [start(_take_turns, url, ROUNDS) for _ in range(PROCESSES)]
    for taker in takers:
        taker.join(PATIENCE)
    assert [taker.exitcode for taker in takers] == [0] * PROCESSES
    assert client.get("count") == str(PROCESSES * ROUNDS)
    assert client.exists("lock") == 0


def test_a_holder_that_is_killed_loses_it_in_time(url: str, client: redis.Redis, start: Start) -> None:
    """Nobody gets it before its time is over, and then one at a time again."""
    holder = start(_never_come_back, url)
    until(lambda: client.exists("taken"), "the holder")
    holder.kill()
    assert not client.lock("lock", timeout=10).acquire(blocking=False)
    takers = [start(_take_turns, url, 3) for _ in range(2)]
    for taker in takers:
        taker.join(PATIENCE)
    assert [taker.exitcode for taker in takers] == [0, 0]
    assert client.get("count") == "6" and client.exists("lock") == 0


@pytest.mark.parametrize("protocol", [2, 3])
def test_owner_extends_and_others_cannot_release(url: str, protocol: int) -> None:
    """extend, reacquire, release; after a flush of the scripts too."""
    with redis.Redis.from_url(url, protocol=protocol, **PATIENT) as client:
        lock = client.lock("lock", timeout=1000)
        assert lock.acquire(blocking=False) and lock.locked() and lock.owned()
        assert not client.lock("lock", timeout=1000).acquire(blocking=False)
        assert lock.extend(2000) and 2_900_000 < client.pttl("lock") <= 3_000_000
        client.script_flush()
        assert lock.extend(500, replace_ttl=True) and 400_000 < client.pttl("lock") <= 500_000
        assert lock.reacquire() and 900_000 < client.pttl("lock") <= 1_000_000
        client.set("lock", "stolen")
        assert not lock.owned()
        with pytest.raises(LockNotOwnedError):
            lock.extend(1)
        with pytest.raises(LockNotOwnedError):
            lock.reacquire()
        with pytest.raises(LockNotOwnedError):
            lock.release()
        assert client.get("lock") == b"stolen"
        with pytest.raises(LockError):
            client.lock("other").release()


def test_it_ends_by_itself(url: str) -> None:
    """A holder that does not come back loses the lock after its time."""
    with redis.Redis.from_url(url, **PATIENT) as client:
        assert client.lock("lock", timeout=0.1).acquire()
        late = client.lock("lock", timeout=PATIENCE, sleep=0.01)
        assert late.acquire(blocking_timeout=PATIENCE)
        late.release()
        with pytest.raises(LockError), client.lock("lock", timeout=0.05):
            until(lambda: not client.exists("lock"), "the end of the lock")


def test_asyncio(url: str) -> None:
    """Tasks of one process that contend for a lock."""

    async def add(client: redis.asyncio.Redis) -> None:
        for _ in range(10):
            async with client.lock("lock", timeout=PATIENCE, sleep=0.001):
                count = int(await client.get("count") or 0)
                await asyncio.sleep(0)
                await client.set("count", count + 1)

    async def main() -> int:
        client = redis.asyncio.Redis.from_url(url, **PATIENT)
        await asyncio.gather(*(add(client) for _ in range(5)))
        total = int(await client.get("count") or 0)
        await client.aclose()
        return total

    assert asyncio.run(main()) == 50


def test_registered_scripts(url: str) -> None:
    """register_script loads what the server has forgotten; pipelines carry scripts too."""
    with redis.Redis.from_url(url, **PATIENT) as client:
        add = client.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
        assert add(keys=["n"], args=[5]) == 5
        client.script_flush()
        assert add(keys=["n"], args=[5]) == 10
        client.script_flush()
        with client.pipeline() as pipe:
            add(keys=["n"], args=[1], client=pipe)
            add(keys=["n"], args=[1], client=pipe)
            assert pipe.execute() == [11, 12]
