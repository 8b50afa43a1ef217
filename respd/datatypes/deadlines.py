"""Moments at which keys are due, cheap to set, to drop, to take and to ask for the next.

A heap of (moment, key) gives the next deadline, but it costs a tuple and a dozen comparisons an item, and items dropped
before their time stay in it as ballast: a lock that is set for 30 s and deleted at once, 100,000 times a second, would
leave millions. So what lies further off waits in buckets of half a second, from which it can be removed for good, and
the next second is a ring of lists, one for each millisecond. A bucket is poured into the ring a slice at a time before
its time comes, so that no turn of the loop stalls; and a crowd in one bucket does not either, for it is a `Table`.
A moment that is past when it comes goes into a heap after all. Ring and heap may hold stale items: whoever takes a key
checks that it is really due.

Invariant: an item (moment, key) added and not removed is in its bucket if the moment is not below `_horizon`, or else
in `_pouring`, in `_late`, or in `_ring[moment % _RING]`; there, moments are not below `_first` and `_horizon - _RING`.
"""

from heapq import heapify, heappop, heappush
from typing import Final, final

from mypy_extensions import i64

from respd.datatypes.tables import Table

_BUCKET_BITS: Final = 9
_BUCKET: Final = 1 << _BUCKET_BITS
_RING: Final = 2 * _BUCKET
_PLACE: Final = _RING - 1
_POUR_SLICE: Final = 512  # at once, and this part of what is left:
_POUR_PART: Final = 512
_STRAY_NUMBERS: Final = 64  # of buckets that are gone
FAR_FUTURE: Final = (1 << 63) - 1


@final
class Deadlines:
    """Keys by the moment, in ms, at which they are due. Everything costs O(1), but for moments already past."""

    def __init__(self) -> None:
        self._ring: list[list[bytes]] = []  # made when there is something to hold
        self._ringed: i64 = 0  # items in the ring
        self._first: i64 = 0
        self._late: list[tuple[int, bytes]] = []  # heap
        self._buckets: dict[int, Table[int]] = {}
        self._order: list[int] = []  # heap of the numbers of buckets, and of some that are gone
        self._pouring: list[Table[int]] = []  # buckets, the one under way last
        self._poured_from: i64 = 0  # no moment of a bucket in `_pouring` is below
        self._horizon: i64 = 0

    def add(self, key: bytes, at_ms: i64) -> None:
        """Make `key` due at `at_ms`."""
        if at_ms < self._horizon:
            self._add_near(key, at_ms)
            return
        bucket = self._buckets.get(at_ms >> _BUCKET_BITS)
        if bucket is None:
            bucket = self._open_bucket(at_ms >> _BUCKET_BITS)
        bucket.put(key, at_ms)

    def _open_bucket(self, number: int) -> Table[int]:
        bucket: Table[int] = Table()
        self._buckets[number] = bucket
        heappush(self._order, number)
        return bucket

    def _close_bucket(self, number: int) -> None:
        """Drop an empty bucket. Its number may stay in `_order`, but not too many do."""
        del self._buckets[number]
        count = len(self._buckets)
        if len(self._order) > 2 * count + _STRAY_NUMBERS:
            self._order = list(self._buckets)
            heapify(self._order)

    def _add_near(self, key: bytes, at_ms: i64) -> None:
        if at_ms < self._horizon - _RING:
            heappush(self._late, (at_ms, key))
            return
        self._ring[at_ms & _PLACE].append(key)
        self._ringed += 1
        if at_ms < self._first:
            self._first = at_ms

    def remove(self, key: bytes, at_ms: i64) -> None:
        """Forget that `key` is due at `at_ms`; near moments stay as stale items."""
        if at_ms >= self._horizon:
            number = at_ms >> _BUCKET_BITS
            bucket = self._buckets.get(number)
            if bucket is not None:
                bucket.pop(key)
                if len(bucket) == 0:
                    self._close_bucket(number)

    def next_ms(self, now_ms: i64) -> i64:
        """Return when to look again: the next moment, or a bound below it; FAR_FUTURE when nothing waits."""
        self.advance(now_ms)
        if self._pouring:
            return now_ms
        first: i64 = FAR_FUTURE
        if self._ringed > 0:
            first = self._seek()
        elif self._first_bucket() is not None:
            first = self._order[0]
            first = (first - 1) << _BUCKET_BITS
        if self._late:
            late: i64 = self._late[0][0]
            if late < first:
                first = late
        return first

    def take_due(self, now_ms: i64, count: i64) -> list[bytes]:
        """Remove and return up to `count` keys whose moment has come, fewer only at the end. Some may be stale."""
        taken: list[bytes] = []
        left = count
        late = self._late
        while True:
            while late and left > 0 and late[0][0] <= now_ms:
                taken.append(heappop(late)[1])
                left -= 1
            while self._ringed > 0 and left > 0:
                first = self._seek()
                if first > now_ms:
                    break
                found = self._ring[first & _PLACE]
                size: i64 = len(found)
                if size <= left:
                    self._ring[first & _PLACE] = []
                else:
                    size = left
                    rest = found
                    found = rest[-size:]
                    del rest[-size:]
                taken += found
                self._ringed -= size
                left -= size
            if left <= 0 or not self._is_behind(now_ms):
                return taken
            self.advance(now_ms)

    def advance(self, now_ms: i64) -> None:
        """Move what is due soon into the ring, a slice at a time; call once per turn of the loop."""
        if self._pouring:
            self._pour(_POUR_SLICE * len(self._pouring) + len(self._pouring[-1]) // _POUR_PART)
        elif now_ms + _BUCKET >= self._horizon:
            self._move_on(now_ms)

    def _is_behind(self, now_ms: i64) -> bool:
        """Tell whether something that is due may have been left in a bucket: time has leapt."""
        if self._pouring:
            return self._poured_from <= now_ms
        return bool(self._order) and self._order[0] <= now_ms >> _BUCKET_BITS

    def _move_on(self, now_ms: i64) -> None:
        """Let the ring begin at the present moment, or at the first that is still in it."""
        start = now_ms
        if self._ringed > 0:
            first = self._seek()
            if first < start:
                start = first
        wanted: i64 = ((start >> _BUCKET_BITS) + 2) << _BUCKET_BITS
        if wanted <= self._horizon:
            return
        if not self._ring:
            self._ring = [[] for _ in range(_RING)]
        order = self._order
        limit = wanted >> _BUCKET_BITS
        while order and order[0] < limit:
            number = heappop(order)
            if not self._pouring:
                self._poured_from = number
                self._poured_from <<= _BUCKET_BITS
            bucket = self._buckets.pop(number, None)
            if bucket is not None:
                self._pouring.insert(0, bucket)
        self._horizon = wanted
        if self._first < wanted - _RING:
            self._first = wanted - _RING
        if self._pouring:
            self._pour(_POUR_SLICE)

    def _seek(self) -> i64:
        """Return the first moment that is in the ring, which must not be empty."""
        ring = self._ring
        first = self._first
        while not ring[first & _PLACE]:
            first += 1
        self._first = first
        return first

    def _pour(self, count: int) -> None:
        pouring = self._pouring
        while pouring and count > 0:
            items = pouring[-1].pop_items(count)
            for key, at_ms in items:
                self._add_near(key, at_ms)
            count -= len(items) + 1
            if not items:
                pouring.pop()

    def soonest(self, count: i64) -> list[bytes]:
        """Return up to `count` keys of those that are due next, in no order, stale ones included. O(count)."""
        found: list[bytes] = []
        for _, key in self._late[:count]:
            found.append(key)
        if self._ringed > 0 and len(found) < count:
            at = self._seek()
            last = at + _RING
            while at < last and len(found) < count:
                found += self._ring[at & _PLACE][-count:]
                at += 1
        if len(found) < count and self._pouring:
            found += self._pouring[-1].some(0, count)
        elif len(found) < count:
            bucket = self._first_bucket()
            if bucket is not None:
                found += bucket.some(0, count)
        return found

    def sample(self, first: float, second: float, count: i64) -> list[bytes]:
        """Return up to `count` keys, from a place that two numbers from 0 to below 1 pick; near ones may be stale.

        All come from one bucket, which is picked whatever its size, and may be gone. O(size of the bucket), but at most
        of 65,536.
        """
        if not self._buckets:
            return self.soonest(count)
        bucket = self._buckets.get(self._order[int(first * len(self._order))])
        return [] if bucket is None else bucket.some(second, count)

    def _first_bucket(self) -> Table[int] | None:
        order = self._order
        while order and order[0] not in self._buckets:
            heappop(order)
        return self._buckets[order[0]] if order else None

    def is_empty(self) -> bool:
        """Tell whether nothing is due ever."""
        return self._ringed == 0 and not self._late and not self._buckets and not self._pouring

    def size(self) -> int:
        """Return how many moments are kept, stale ones among the near ones included."""
        far = sum([len(bucket) for bucket in self._pouring]) + sum([len(bucket) for bucket in self._buckets.values()])
        return self._ringed + len(self._late) + far

    def check(self) -> None:
        """Assert the invariant."""
        for number, bucket in self._buckets.items():
            assert number in self._order
            assert number << _BUCKET_BITS >= self._horizon
            assert all(at_ms >> _BUCKET_BITS == number for _, at_ms in bucket.items())
        assert sum([len(keys) for keys in self._ring]) == self._ringed
        for at in range(self._horizon - _RING, min(self._first, self._horizon)):
            assert not self._ring or not self._ring[at & _PLACE]
