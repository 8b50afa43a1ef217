"""Moments at which keys are due, cheap to set, to drop and to ask for the next.

A heap of (moment, key) gives the next deadline, but entries dropped before their time stay in it as ballast: a lock
that is set for 30 s and deleted at once, 100,000 times a second, would leave millions. So only the next second lives in
a heap; what lies further off waits in buckets of half a second, from which it can be removed for good. A bucket is
poured into the heap a slice at a time before its time comes, so that no turn of the loop stalls. The heap may hold
stale items: whoever takes a key from `pop_due` checks that it is really due.

Invariant: an item (moment, key) added and not removed is in `_near`, in `_pouring`, or in its bucket; a moment below
`_horizon` is never in a bucket, except for the bucket being poured.
"""

from heapq import heappop, heappush
from typing import Final, final

from mypy_extensions import i64

_BUCKET_BITS: Final = 9
_POUR_SLICE: Final = 512
FAR_FUTURE: Final = (1 << 63) - 1


@final
class Deadlines:
    """Keys by the moment, in ms, at which they are due. Add and remove O(1) when far off, O(log n) when near."""

    def __init__(self) -> None:
        self._near: list[tuple[int, bytes]] = []
        self._buckets: dict[int, dict[bytes, int]] = {}
        self._order: list[int] = []  # heap of the numbers of buckets
        self._pouring: list[dict[bytes, int]] = []  # buckets, the one under way last
        self._horizon: i64 = 0

    def add(self, key: bytes, at_ms: i64) -> None:
        """Make `key` due at `at_ms`."""
        if at_ms < self._horizon:
            heappush(self._near, (int(at_ms), key))
            return
        number = int(at_ms >> _BUCKET_BITS)
        bucket = self._buckets.get(number)
        if bucket is None:
            bucket = {}
            self._buckets[number] = bucket
            heappush(self._order, number)
        bucket[key] = int(at_ms)

    def remove(self, key: bytes, at_ms: i64) -> None:
        """Forget that `key` is due at `at_ms`; near moments stay as stale items."""
        if at_ms >= self._horizon:
            bucket = self._buckets.get(int(at_ms >> _BUCKET_BITS))
            if bucket is not None:
                bucket.pop(key, 0)

    def next_ms(self, now_ms: i64) -> i64:
        """Return when to look again: the next moment, or a bound below it; FAR_FUTURE when nothing waits."""
        self._advance(now_ms)
        if self._pouring:
            return now_ms
        if self._near:
            return self._near[0][0]
        if self._order:
            first: i64 = i64(self._order[0])
            return (first << _BUCKET_BITS) - (1 << _BUCKET_BITS)
        return FAR_FUTURE

    def pop_due(self, now_ms: i64) -> bytes | None:
        """Remove and return a key whose moment has come, or None. It may be stale."""
        near = self._near
        if near and near[0][0] <= now_ms:
            return heappop(near)[1]
        return None

    def advance(self, now_ms: i64) -> None:
        """Move what is due soon into the heap, a slice at a time; call once per turn of the loop."""
        if now_ms + (1 << _BUCKET_BITS) >= self._horizon or self._pouring:
            self._advance(now_ms)

    def _advance(self, now_ms: i64) -> None:
        if self._pouring:
            self._pour(_POUR_SLICE * len(self._pouring) + len(self._pouring[-1]) // 64)
            return
        wanted: i64 = ((now_ms >> _BUCKET_BITS) + 2) << _BUCKET_BITS
        if wanted <= self._horizon:
            return
        order = self._order
        limit: i64 = wanted >> _BUCKET_BITS
        while order and i64(order[0]) < limit:
            self._pouring.insert(0, self._buckets.pop(heappop(order)))
        self._horizon = wanted
        if self._pouring:
            self._pour(_POUR_SLICE)

    def _pour(self, count: int) -> None:
        pouring = self._pouring
        near = self._near
        while pouring and count > 0:
            bucket = pouring[-1]
            while bucket and count > 0:
                key, at_ms = bucket.popitem()
                heappush(near, (at_ms, key))
                count -= 1
            if not bucket:
                pouring.pop()

    def is_empty(self) -> bool:
        """Tell whether nothing is due ever."""
        return not self._near and not self._order and not self._pouring

    def size(self) -> int:
        """Return how many moments are kept, stale ones among the near ones included."""
        return (
            len(self._near)
            + sum(len(bucket) for bucket in self._pouring)
            + sum(len(bucket) for bucket in self._buckets.values())
        )

    def check(self) -> None:
        """Assert the invariant."""
        for number, bucket in self._buckets.items():
            assert number in self._order
            for at_ms in bucket.values():
                assert at_ms >> _BUCKET_BITS == number
                assert at_ms >= self._horizon
