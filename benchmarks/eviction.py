"""Hit rates of the eviction policies beside redis-server's, on one trace of accesses that follow Zipf's law.

    python -m benchmarks.eviction [--respd COMMAND] [--redis COMMAND] [--requests N] [POLICY...]

Both servers are a cache: a key is read, and written when it is not there. As many keys fit into each, not as many
bytes: the limit is what is used when that many are there, and is moved while the trace warms up. The requests go to
both in turn, a hundred at a time, so that the seconds that an LRU policy counts pass alike. Counted are the hits of the
second half.
"""

from __future__ import annotations

import argparse
import random
from bisect import bisect_left
from itertools import accumulate

from benchmarks.contestants import Starter, end_on_sigterm, own_respd
from tests.servers import Server
from tests.wire import Connection, encode

KEYS = 50_000
FITTING = 10_000
EXPONENT = 1.0
BATCH = 100
ADJUST_EVERY = 5_000  # requests
VALUE = b"x" * 400
POLICIES = ("allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-ttl")


def trace(requests: int, seed: int = 11) -> list[int]:
    """Return the numbers of the keys that are asked for: the first ones often."""
    rng = random.Random(seed)
    sums = list(accumulate(1 / rank**EXPONENT for rank in range(1, KEYS + 1)))
    names = list(range(KEYS))
    rng.shuffle(names)
    return [names[bisect_left(sums, rng.random() * sums[-1])] for _ in range(requests)]


class Cache:
    """A server with a policy, filled with as many keys as are to fit."""

    def __init__(self, server: Server, policy: str) -> None:
        self.connection: Connection = server.connect(timeout=120.0)
        self.is_volatile = policy.startswith("volatile")
        self.hits = 0
        self.sizes: list[int] = []
        before = self._used()
        self._write(range(FITTING))
        self.limit = self._used()
        self.bytes_per_key = (self.limit - before) // FITTING
        self.connection.ask(f"CONFIG SET maxmemory-policy {policy}")
        self._set_limit()

    def _used(self) -> int:
        answer = self.connection.ask("INFO memory")
        assert isinstance(answer, bytes)
        return int(answer.split(b"used_memory:")[1].split(b"\r\n")[0])

    def _set_limit(self) -> None:
        self.connection.ask(f"CONFIG SET maxmemory {self.limit}")

    def _write(self, numbers: range | list[int]) -> None:
        for start in range(0, len(numbers), BATCH):
            commands = []
            for number in numbers[start : start + BATCH]:
                words = [b"SET", b"key:%d" % number, VALUE]
                if self.is_volatile:
                    words += [b"EX", b"%d" % (1000 + number)]
                commands.append(encode(words))
            self.connection.send_bytes(b"".join(commands))
            for _ in commands:
                reply = self.connection.read()
                assert reply.kind == "+", reply

    def ask(self, numbers: list[int]) -> None:
        """Read some keys, and write those that are not there."""
        self.connection.send_bytes(b"".join(encode([b"GET", b"key:%d" % number]) for number in numbers))
        missing = [number for number in numbers if self.connection.read().value is None]
        self.hits += len(numbers) - len(missing)
        self._write(list(dict.fromkeys(missing)))

    def adjust(self) -> None:
        """Move the limit towards as many keys as are to fit."""
        self.limit += (FITTING - self.size()) * self.bytes_per_key // 2
        self._set_limit()

    def size(self) -> int:
        """Return how many keys are there."""
        answer = self.connection.ask("DBSIZE")
        assert isinstance(answer, int)
        return answer


def compare(policy: str, starters: list[Starter], requests: int) -> str:
    """Run the trace; return a line of the table."""
    caches = [Cache(start(), policy) for start in starters]
    numbers = trace(requests)
    half = requests // 2
    for start in range(0, requests, BATCH):
        if start == half:
            for cache in caches:
                cache.hits = 0
        for cache in caches:
            cache.ask(numbers[start : start + BATCH])
            if start % ADJUST_EVERY == 0:
                if start < half:
                    cache.adjust()
                else:
                    cache.sizes.append(cache.size())
    cells = []
    for cache in caches:
        mean = sum(cache.sizes) // len(cache.sizes)
        cells.append(f"{100 * cache.hits / (requests - half):.2f} % with {mean} keys")
        cache.connection.close()
    for starter in starters:
        starter.stop_all()
    return f"| {policy} | {' | '.join(cells)} |"


def main() -> None:
    """Compare, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--respd", default=own_respd())
    parser.add_argument("--redis", default="redis-server")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("policies", nargs="*", default=POLICIES)
    given = parser.parse_args()
    end_on_sigterm()
    starters = [Starter(given.redis), Starter(given.respd)]
    try:
        print("| policy | redis-server | respd |\n|---|---|---|")
        for policy in given.policies:
            print(compare(policy, starters, given.requests), flush=True)
    finally:
        for starter in starters:
            starter.stop_all()


if __name__ == "__main__":
    main()
