"""A cache with expiry: what is slow is asked once, and again when its time is over or when it was thrown away.

SET with PX keeps a value for so many milliseconds; GET finds nothing after that. Both are one command, so however many
processes share the cache, none sees half of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import redis
from serving import server

PREFIX = "example:cache:"
KEEP_MS = 1000  # in earnest, minutes
asked: list[str] = []


def weather(city: str) -> dict[str, object]:
    """The slow source."""
    asked.append(city)
    time.sleep(0.05)
    return {"city": city, "degrees": 20 + len(city)}


def cached(client: redis.Redis, source: Callable[[str], dict[str, object]], name: str) -> dict[str, object]:
    """The source's answer, from the cache if it is there."""
    kept = client.get(PREFIX + name)
    if kept is not None:
        answer: dict[str, object] = json.loads(kept)
        return answer
    answer = source(name)
    client.set(PREFIX + name, json.dumps(answer), px=KEEP_MS)
    return answer


def main(url: str) -> None:
    """Ask several times, and count how often the source was asked."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        for city in ("Rome", "Oslo", "Rome", "Rome", "Oslo"):
            started = time.perf_counter()
            answer = cached(client, weather, city)
            took_ms = (time.perf_counter() - started) * 1000
            print(f"{city}: {answer['degrees']} degrees, after {took_ms:.0f} ms")
        print(f"the source was asked {len(asked)} times")

        client.delete(PREFIX + "Rome")  # it has changed: nobody shall see the old one
        cached(client, weather, "Rome")
        print(f"after throwing away Rome: {len(asked)} times")

        while (left_ms := client.pttl(PREFIX + "Rome")) > 0:
            print(f"Rome is kept for another {left_ms} ms")
            time.sleep(left_ms / 1000)
        cached(client, weather, "Rome")
        print(f"after its time: {len(asked)} times")
        client.delete(PREFIX + "Rome")


if __name__ == "__main__":
    with server(__doc__) as url:
        main(url)
