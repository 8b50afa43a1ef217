"""A distributed lock: of all processes on all machines, one at a time does what must not be done twice at once.

redis-py's Lock is SET with NX and PX and a token of its own: it goes by itself when its holder dies, and a script gives
it back only if the token is still there, so that nobody gives back somebody else's lock.
"""

from __future__ import annotations

import time
from multiprocessing import Process

import redis
from redis.exceptions import LockNotOwnedError
from serving import server

LOCK = "example:lock"
BALANCE = "example:balance"
PROCESSES, TIMES = 4, 10


def deposit(url: str) -> None:
    """Read, think, write: without the lock most deposits would be lost."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        for _ in range(TIMES):
            with client.lock(LOCK, timeout=10, sleep=0.001):
                balance = int(client.get(BALANCE) or 0)
                time.sleep(0.001)
                client.set(BALANCE, balance + 1)


def main(url: str) -> None:
    """Four processes pay in; then somebody is too slow."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        client.delete(LOCK, BALANCE)
        processes = [Process(target=deposit, args=(url,)) for _ in range(PROCESSES)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        print(f"{PROCESSES} processes paid in {TIMES} each: {client.get(BALANCE)}")

        slow = client.lock(LOCK, timeout=0.5)
        slow.acquire()
        quick = client.lock(LOCK, timeout=10, sleep=0.01)
        print(f"the lock is held, another gets it at once: {quick.acquire(blocking=False)}")
        print(f"after its time is over: {quick.acquire(blocking_timeout=5)}")
        try:
            slow.release()
        except LockNotOwnedError:
            print("the one who was too slow learns that the lock is no longer its own")
        print(f"it is still the other's: {quick.owned()}")
        quick.release()
        client.delete(BALANCE)


if __name__ == "__main__":
    with server(__doc__) as url:
        main(url)
