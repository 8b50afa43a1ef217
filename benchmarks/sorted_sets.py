"""Our sorted sets against the same made of sortedcontainers: `python -m benchmarks.sorted_sets [MEMBERS]`.

`SortedSet` keeps elements in groups of blocks (its module tells how). The alternative is the design's first choice: a
dictionary of scores and a `SortedList` of (score, member). Each does the same operations with random members and
scores; the figures are the best of three rounds, in nanoseconds of CPU time per operation, the loop's call included.

On two shared cores of an AMD EPYC, CPython 3.11.7, blocks of 128, ours compiled (sortedcontainers is not: its lists
hold tuples, whose comparison stays generic code either way):

| members | 1,000 | 100,000 | 1,000,000 |
|---|---|---|---|
| add (ZADD) | 276 / 560 | 510 / 1282 | 1718 / 3287 |
| new score (ZADD) | 352 / 1179 | 907 / 3773 | 2926 / 8447 |
| rank (ZRANK) | 188 / 485 | 618 / 2043 | 1917 / 4182 |
| range of 10 (ZRANGE) | 416 / 1072 | 903 / 3198 | 2181 / 4746 |
| remove (ZREM) | 265 / 692 | 614 / 2563 | 1949 / 5271 |
| pop (ZPOPMIN) | 116 / 345 | 253 / 756 | 748 / 970 |

That is 1.3 to 4.2 times as fast, and ours scans and picks at random in O(1), which the alternative cannot without more
structures. Interpreted, where SortedList has the C bisect and ours has not, it takes 0.7 to 2.4 times as long.
A new score at 100,000 members takes 780 ns with blocks of 64, 790 with 128, 840 with 256 and 1190 with 512.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from random import Random
from time import process_time

from sortedcontainers import SortedList

from respd.datatypes import sorted_sets
from respd.datatypes.limits import Limits
from respd.datatypes.sorted_sets import SortedSet

_ROUNDS = 3
_OPERATIONS = 100_000
_RANGE = 10


class Blocks:
    """What is measured: `SortedSet` as the commands use it."""

    def __init__(self) -> None:
        self.limits = Limits()
        self.zset = SortedSet()

    def put(self, member: bytes, score: float) -> None:
        """Do as ZADD."""
        element = self.zset.find(member)
        if element is None:
            self.zset.add(member, score, self.limits)
        elif element.score != score:
            self.zset.change(element, score)

    def rank(self, member: bytes) -> int:
        """Do as ZRANK."""
        element = self.zset.find(member)
        assert element is not None
        return self.zset.rank(element)

    def some(self, start: int) -> list[bytes]:
        """Do as ZRANGE."""
        return [element.member for element in self.zset.between(start, start + _RANGE)]

    def discard(self, member: bytes) -> None:
        """Do as ZREM."""
        self.zset.discard(member)

    def pop(self) -> None:
        """Do as ZPOPMIN."""
        self.zset.pop_min()


class Tuples:
    """The alternative: a dictionary of scores beside a SortedList of (score, member)."""

    def __init__(self) -> None:
        self.scores: dict[bytes, float] = {}
        self.order: SortedList[tuple[float, bytes]] = SortedList()

    def put(self, member: bytes, score: float) -> None:
        """Do as ZADD."""
        old = self.scores.get(member)
        if old == score:
            return
        if old is not None:
            self.order.remove((old, member))
        self.order.add((score, member))
        self.scores[member] = score

    def rank(self, member: bytes) -> int:
        """Do as ZRANK."""
        rank: int = self.order.index((self.scores[member], member))
        return rank

    def some(self, start: int) -> list[bytes]:
        """Do as ZRANGE."""
        return [member for _, member in self.order.islice(start, start + _RANGE)]

    def discard(self, member: bytes) -> None:
        """Do as ZREM."""
        score = self.scores.pop(member, None)
        if score is not None:
            self.order.remove((score, member))

    def pop(self) -> None:
        """Do as ZPOPMIN."""
        _, member = self.order.pop(0)
        del self.scores[member]


def _timed(operation: Callable[..., object], arguments: list[tuple[object, ...]]) -> float:
    """Call `operation` with each of `arguments`; return nanoseconds of CPU a call."""
    started = process_time()
    for each in arguments:
        operation(*each)
    return (process_time() - started) / len(arguments) * 1e9


def _round(kind: Callable[[], Blocks | Tuples], size: int, seed: int) -> dict[str, float]:
    random = Random(seed)
    members = [b"element:%012d" % number for number in range(size)]
    random.shuffle(members)

    def some_members() -> list[bytes]:
        return [bytes(bytearray(random.choice(members))) for _ in range(_OPERATIONS)]

    def scores(count: int) -> list[float]:
        return [float(random.randrange(size)) for _ in range(count)]

    zset = kind()
    removed = list(dict.fromkeys(some_members()))
    return {
        "add (ZADD)": _timed(zset.put, list(zip(members, scores(size)))),
        "new score (ZADD)": _timed(zset.put, list(zip(some_members(), scores(_OPERATIONS)))),
        "rank (ZRANK)": _timed(zset.rank, [(member,) for member in some_members()]),
        f"range of {_RANGE} (ZRANGE)": _timed(zset.some, [(random.randrange(size - _RANGE),) for _ in members]),
        "remove (ZREM)": _timed(zset.discard, [(member,) for member in removed[: size // 2]]),
        "pop (ZPOPMIN)": _timed(zset.pop, [()] * (size // 4)),
    }


def main() -> None:
    """Print the figures of both, and how many times faster ours is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("members", nargs="*", type=int, default=[1_000, 100_000, 1_000_000])
    build = "interpreted" if sorted_sets.__file__.endswith(".py") else "compiled"
    kinds: list[Callable[[], Blocks | Tuples]] = [Blocks, Tuples]
    for size in parser.parse_args().members:
        print(f"{size} members, {build}, CPython {sys.version.split()[0]}")
        best: dict[str, list[float]] = {}
        for column, kind in enumerate(kinds):
            for seed in range(_ROUNDS):
                for name, value in _round(kind, size, seed).items():
                    pair = best.setdefault(name, [float("inf"), float("inf")])
                    pair[column] = min(pair[column], value)
        for name, (ours, theirs) in best.items():
            print(f"  {name:20} {ours:8.0f} ns {theirs:8.0f} ns {theirs / ours:6.1f}")


if __name__ == "__main__":
    main()
