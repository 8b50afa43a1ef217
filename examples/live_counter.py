"""A live counter: many processes count, a display shows the count while it grows, and no visit is lost.

INCR needs no lock: it reads, adds and writes in one step. Each visit is published in the same transaction, so that the
display never asks; counters of the minute expire by themselves.
"""

from __future__ import annotations

import time
from multiprocessing import Process

import redis
from serving import server

TOTAL = "example:visits"
BY_PAGE = "example:visits:pages"
CHANNEL = "example:visits:live"
PROCESSES, VISITS = 4, 250
PAGES = ("home", "news", "shop")


def visit(url: str, number: int) -> None:
    """Count visits, as one of many web servers would."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        for count in range(VISITS):
            minute = f"{TOTAL}:{int(time.time() // 60)}"
            with client.pipeline() as pipe:
                pipe.incr(TOTAL)
                pipe.incr(minute)
                pipe.expire(minute, 3600, nx=True)
                pipe.hincrby(BY_PAGE, PAGES[(number + count) % len(PAGES)], 1)
                pipe.publish(CHANNEL, f"{number}:{count}")
                pipe.execute()


def main(url: str) -> None:
    """Watch four processes count to a thousand together."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        client.delete(TOTAL, BY_PAGE, *client.scan_iter(f"{TOTAL}:*"))
        display = client.pubsub(ignore_subscribe_messages=True)
        display.subscribe(CHANNEL)
        display.get_message(timeout=5)  # the subscription is there
        processes = [Process(target=visit, args=(url, number)) for number in range(PROCESSES)]
        for process in processes:
            process.start()
        for seen, _ in enumerate(display.listen(), 1):
            if seen % 200 == 0:
                print(f"live: {seen}", flush=True)
            if seen == PROCESSES * VISITS:
                break
        for process in processes:
            process.join()
        display.close()
        pages = client.hgetall(BY_PAGE)
        minutes = sum(int(client.get(key) or 0) for key in client.scan_iter(f"{TOTAL}:[0-9]*"))
        print(f"total: {client.get(TOTAL)}, by pages: {sum(map(int, pages.values()))}, by minutes: {minutes}")
        client.delete(TOTAL, BY_PAGE, *client.scan_iter(f"{TOTAL}:*"))


if __name__ == "__main__":
    with server(__doc__) as url:
        main(url)
