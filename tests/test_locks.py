"""redis-py's Lock against respd: it takes, extends and gives back by scripts (EVALSHA)."""

from __future__ import annotations

import asyncio
import multiprocessing
import time

import pytest
import redis
import redis.asyncio
from redis.exceptions import LockError, LockNotOwnedError

from tests.servers import Server

PATIENCE = 30.0
PROCESSES = 4
ROUNDS = 25


def _work(port: int) -> None:
    """Add to a counter by reading and writing it, which goes wrong unless each does it alone."""
    with redis.Redis(port=port, socket_timeout=PATIENCE) as client:
        for _ in range(ROUNDS):
            with client.lock("lock", timeout=PATIENCE, sleep=0.001):
                assert client.incr("holders") == 1
                count = int(client.get("count") or 0)
                client.set("count", count + 1)
                assert client.decr("holders") == 0


def test_processes_hold_it_one_at_a_time(server: Server) -> None:
    """Processes that contend for one lock, and what only its holder may do."""
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_work, args=(server.port,)) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(PATIENCE)
    assert [worker.exitcode for worker in workers] == [0] * PROCESSES
    with redis.Redis(port=server.port) as client:
        assert int(client.get("count") or 0) == PROCESSES * ROUNDS
        assert client.exists("lock") == 0


@pytest.mark.parametrize("protocol", [2, 3])
def test_owner_extends_and_others_cannot_release(server: Server, protocol: int) -> None:
    """extend, reacquire, release; after a flush of the scripts too."""
    with redis.Redis(port=server.port, protocol=protocol) as client:
        lock = client.lock("lock", timeout=10)
        assert lock.acquire(blocking=False) and lock.locked() and lock.owned()
        assert not client.lock("lock", timeout=10).acquire(blocking=False)
        assert lock.extend(20) and 29_000 < client.pttl("lock") <= 30_000
        client.script_flush()
        assert lock.extend(5, replace_ttl=True) and 4_000 < client.pttl("lock") <= 5_000
        assert lock.reacquire() and 9_000 < client.pttl("lock") <= 10_000
        client.set("lock", "stolen")
        with pytest.raises(LockNotOwnedError):
            lock.release()
        assert client.get("lock") == b"stolen"
        with pytest.raises(LockError):
            client.lock("other").release()


def test_it_ends_by_itself(server: Server) -> None:
    """A holder that does not come back loses the lock after its time."""
    with redis.Redis(port=server.port) as client:
        assert client.lock("lock", timeout=0.1).acquire()
        started = time.monotonic()
        assert client.lock("lock", timeout=1, sleep=0.01).acquire(blocking_timeout=5)
        assert time.monotonic() - started < 2


def test_asyncio(server: Server) -> None:
    """Tasks of one process that contend for a lock."""

    async def add(client: redis.asyncio.Redis) -> None:
        for _ in range(10):
            async with client.lock("lock", timeout=PATIENCE, sleep=0.001):
                count = int(await client.get("count") or 0)
                await asyncio.sleep(0)
                await client.set("count", count + 1)

    async def main() -> int:
        client = redis.asyncio.Redis(port=server.port)
        await asyncio.gather(*(add(client) for _ in range(5)))
        total = int(await client.get("count") or 0)
        await client.aclose()
        return total

    assert asyncio.run(main()) == 50


def test_registered_scripts(server: Server) -> None:
    """register_script loads what the server has forgotten; pipelines carry scripts too."""
    with redis.Redis(port=server.port) as client:
        add = client.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
        assert add(keys=["n"], args=[5]) == 5
        client.script_flush()
        assert add(keys=["n"], args=[5]) == 10
        client.script_flush()
        with client.pipeline() as pipe:
            add(keys=["n"], args=[1], client=pipe)
            add(keys=["n"], args=[1], client=pipe)
            assert pipe.execute() == [11, 12]
