"""Consumer groups of streams: who was given which entry, when and how often, and has not acknowledged it.

An id is one number, milliseconds << 64 | sequence. The pending entries of a group are kept in the order of their ids,
and those of each consumer once more. A `Pending` names its consumer rather than pointing to it, so that there is no
cycle: what holds the last reference to a group frees all of it.
Source: redis.io/docs/latest/develop/data-types/streams.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, final

from mypy_extensions import i64, mypyc_attr

if TYPE_CHECKING:
    from respd.datatypes.streams import Stream

NEVER: Final = -1  # a moment that has not been
UNKNOWN: Final = -1  # a number of entries that nobody knows any more
FIRST_ID: Final = 0
LAST_ID: Final = (1 << 128) - 1
_FAR_FUTURE: Final[i64] = (1 << 63) - 1
_CHUNK: Final = 256  # entries from which a chunk is split


@final
@mypyc_attr(acyclic=True)
class Pending:
    """An entry that was delivered and not acknowledged. `consumer` is None when XNACK gave it back to the group."""

    def __init__(self, id: int, consumer: bytes | None, delivered_ms: i64, deliveries: i64) -> None:
        self.id: int = id
        self.consumer: bytes | None = consumer
        self.delivered_ms: i64 = delivered_ms
        self.deliveries: i64 = deliveries


@final
@mypyc_attr(acyclic=True)
class PendingEntries:
    """Pending entries in the order of their ids.

    They lie in chunks of at most 256, which are in order themselves, each with its ids beside it; `_last` holds the
    last id of each chunk. Both are searched by halves, so every step is O(log n), adding behind the last O(1).
    """

    def __init__(self) -> None:
        self._size: i64 = 0
        self._last: list[int] = []
        self._ids: list[list[int]] = []
        self._entries: list[list[Pending]] = []

    def __len__(self) -> int:
        return int(self._size)

    def get(self, id: int) -> Pending | None:
        """Return the pending entry with this id, if there is one. O(log n)."""
        chunk = bisect_left(self._last, id)
        if chunk == len(self._last):
            return None
        ids = self._ids[chunk]
        place = bisect_left(ids, id)
        return self._entries[chunk][place] if ids[place] == id else None

    def add(self, entry: Pending) -> None:
        """Put in an entry whose id is not there. O(log n), O(1) behind the last."""
        self._size += 1
        id = entry.id
        last = self._last
        if last and id <= last[-1]:
            chunk = bisect_left(last, id)
            ids = self._ids[chunk]
            place = bisect_left(ids, id)
            ids.insert(place, id)
            self._entries[chunk].insert(place, entry)
            if len(ids) > _CHUNK:
                self._split(chunk)
            return
        if last and len(self._ids[-1]) < _CHUNK:
            self._ids[-1].append(id)
            self._entries[-1].append(entry)
            last[-1] = id
            return
        last.append(id)
        self._ids.append([id])
        self._entries.append([entry])

    def _split(self, chunk: int) -> None:
        ids, entries = self._ids[chunk], self._entries[chunk]
        half = len(ids) // 2
        self._ids.insert(chunk + 1, ids[half:])
        self._entries.insert(chunk + 1, entries[half:])
        self._last.insert(chunk, ids[half - 1])
        del ids[half:]
        del entries[half:]

    def remove(self, id: int) -> Pending | None:
        """Take out the entry with this id; return it, if it was there. O(log n)."""
        last = self._last
        if not last or id > last[-1]:
            return None
        chunk = 0 if id <= last[0] else bisect_left(last, id)  # the first is what is acknowledged most
        ids = self._ids[chunk]
        place = 0 if id == ids[0] else bisect_left(ids, id)
        if ids[place] != id:
            return None
        self._size -= 1
        entry = self._entries[chunk].pop(place)
        del ids[place]
        if not ids:
            del self._last[chunk]
            del self._ids[chunk]
            del self._entries[chunk]
        elif place == len(ids):
            self._last[chunk] = ids[-1]
        return entry

    def between(self, start: int, end: int, limit: int) -> list[Pending]:
        """Return up to `limit` entries with ids from `start` to `end`, both included. O(log n + returned)."""
        found: list[Pending] = []
        chunk = bisect_left(self._last, start)
        if chunk == len(self._last) or limit <= 0 or start > end:
            return found
        place = bisect_left(self._ids[chunk], start)
        while chunk < len(self._last):
            entries = self._entries[chunk]
            stop = len(entries)
            is_end = self._last[chunk] > end
            if is_end:
                ids = self._ids[chunk]
                stop = bisect_left(ids, end, place)
                if stop < len(ids) and ids[stop] == end:
                    stop += 1
            if stop - place >= limit - len(found):
                stop = place + limit - len(found)
                is_end = True
            found += entries[place:stop]
            if is_end:
                break
            chunk += 1
            place = 0
        return found

    def all(self) -> list[Pending]:
        """Return every entry, in order. O(n)."""
        found: list[Pending] = []
        for entries in self._entries:
            found += entries
        return found

    def first_id(self) -> int:
        """Return the lowest id; there must be one."""
        return self._ids[0][0]

    def last_id(self) -> int:
        """Return the highest id; there must be one."""
        return self._last[-1]

    def free_some(self, count: i64) -> i64:
        """Let go of about `count` entries, whatever they are; return what is left of `count`."""
        while self._entries and count > 0:
            count -= len(self._entries.pop())
            self._ids.pop()
            self._last.pop()
        return count

    def check(self) -> None:
        """Assert the invariant. O(n)."""
        assert len(self._last) == len(self._ids) == len(self._entries)
        before = -1
        size = 0
        for last, ids, entries in zip(self._last, self._ids, self._entries):
            assert 0 < len(ids) <= _CHUNK
            assert ids == [entry.id for entry in entries] == sorted(set(ids))
            assert before < ids[0]
            assert last == ids[-1]
            before = last
            size += len(ids)
        assert size == self._size


@final
@mypyc_attr(acyclic=True)
class Consumer:
    """A consumer: `seen_ms` is when it last asked, `active_ms` when it last got something, NEVER at first."""

    def __init__(self, name: bytes, seen_ms: i64) -> None:
        self.name: bytes = name
        self.seen_ms: i64 = seen_ms
        self.active_ms: i64 = NEVER
        self.pending: PendingEntries = PendingEntries()


def _delivered_ms(entry: Pending) -> int:
    return int(entry.delivered_ms)


@final
@mypyc_attr(acyclic=True)
class ConsumerGroup:
    """A group: it has been given all up to `last_id`, `entries_read` in number, UNKNOWN when nobody can tell."""

    def __init__(self, last_id: int, entries_read: int) -> None:
        self.last_id: int = last_id
        self.entries_read: int = entries_read
        self.pending: PendingEntries = PendingEntries()
        self.consumers: dict[bytes, Consumer] = {}
        self.oldest_ms: i64 = _FAR_FUTURE  # nothing was delivered before

    def consumer(self, name: bytes) -> Consumer | None:
        """Return the consumer of this name, if there is one."""
        return self.consumers.get(name)

    def create_consumer(self, name: bytes, now_ms: i64) -> Consumer:
        """Add a consumer, whose name is not taken."""
        made = Consumer(name, now_ms)
        self.consumers[name] = made
        return made

    def sorted_consumers(self) -> list[Consumer]:
        """Return the consumers in the order in which Redis lists them: of the bytes of their names."""
        return [self.consumers[name] for name in sorted(self.consumers)]

    def delete_consumer(self, name: bytes) -> int:
        """Remove a consumer and all that is pending for it; return how much that was."""
        gone = self.consumers.pop(name, None)
        if gone is None:
            return 0
        for entry in gone.pending.all():
            self.pending.remove(entry.id)
        return len(gone.pending)

    def deliver(self, id: int, consumer: Consumer, now_ms: i64) -> Pending:
        """Note that an entry was delivered to a consumer; what another one had of it is taken over. O(log n)."""
        entry = self.pending.get(id) if len(self.pending) and id <= self.pending.last_id() else None
        if entry is None:
            entry = Pending(id, consumer.name, now_ms, 1)
            self.pending.add(entry)
            consumer.pending.add(entry)
        else:
            self.hand_over(entry, consumer)
            entry.deliveries = 1
        self.set_delivered(entry, now_ms)
        return entry

    def set_delivered(self, entry: Pending, at_ms: i64) -> None:
        """Note when a pending entry was delivered."""
        entry.delivered_ms = at_ms
        if at_ms < self.oldest_ms:
            self.oldest_ms = at_ms

    def idle_since(self, at_ms: i64) -> list[Pending]:
        """Return what was delivered up to a moment, the longest ago first. O(1) without any, else O(n)."""
        found: list[Pending] = []
        if self.oldest_ms > at_ms:
            return found
        oldest: i64 = _FAR_FUTURE
        for entry in self.pending.all():
            if entry.delivered_ms <= at_ms:
                found.append(entry)
            if entry.delivered_ms < oldest:
                oldest = entry.delivered_ms
        self.oldest_ms = oldest
        found.sort(key=_delivered_ms)
        return found

    def add(self, entry: Pending) -> None:
        """Add a pending entry, whose id is not there and whose consumer is. O(log n)."""
        self.pending.add(entry)
        if entry.consumer is not None:
            self.consumers[entry.consumer].pending.add(entry)
        self.set_delivered(entry, entry.delivered_ms)

    def hand_over(self, entry: Pending, consumer: Consumer | None) -> None:
        """Give a pending entry to a consumer, or back to the group. O(log n)."""
        name = consumer.name if consumer is not None else None
        if entry.consumer == name:
            return
        if entry.consumer is not None:
            self.consumers[entry.consumer].pending.remove(entry.id)
        entry.consumer = name
        if consumer is not None:
            consumer.pending.add(entry)

    def acknowledge(self, id: int) -> bool:
        """Remove a pending entry; tell whether it was there. O(log n)."""
        entry = self.pending.remove(id)
        if entry is None:
            return False
        if entry.consumer is not None:
            self.consumers[entry.consumer].pending.remove(id)
        return True

    def copy(self) -> ConsumerGroup:
        """Return a copy that shares nothing with this group. O(n)."""
        made = ConsumerGroup(self.last_id, self.entries_read)
        for consumer in self.consumers.values():
            other = made.create_consumer(consumer.name, consumer.seen_ms)
            other.active_ms = consumer.active_ms
        for entry in self.pending.all():
            made.add(Pending(entry.id, entry.consumer, entry.delivered_ms, entry.deliveries))
        return made

    def free_some(self, count: i64) -> i64:
        """Let go of about `count` pending entries and consumers; return what is left of `count`.

        The group is of no use any more.
        """
        count = self.pending.free_some(count)
        while self.consumers and count > 0:
            name, consumer = self.consumers.popitem()
            count = consumer.pending.free_some(count)
            if count <= 0:
                self.consumers[name] = consumer  # some of it may be left
            count -= 1
        return count

    def check(self) -> None:
        """Assert the invariant: what is pending for the consumers is what is pending for the group. O(n)."""
        self.pending.check()
        owned: list[Pending] = []
        for name, consumer in self.consumers.items():
            consumer.pending.check()
            assert consumer.name == name
            for entry in consumer.pending.all():
                assert entry.consumer == name
                assert self.pending.get(entry.id) is entry
                owned.append(entry)
        assert len(owned) == sum(entry.consumer is not None for entry in self.pending.all())


# -- how far a group is


def entries_read_at(stream: Stream, id: int) -> int:
    """Return how many entries a reader has been given that has read up to `id`, UNKNOWN when that cannot be told. O(1).

    It can for the ends of the stream, as long as nothing was deleted behind its first entry.
    """
    if stream.entries_added == 0:
        return 0
    if stream.length == 0 and id <= stream.last_id:
        return stream.entries_added
    if id == stream.last_id:
        return stream.entries_added
    if id > stream.last_id:
        return UNKNOWN
    first = stream.first_id()
    if stream.max_deleted_id == 0 or stream.max_deleted_id < first:
        if id < first:
            return stream.entries_added - stream.length
        if id == first:
            return stream.entries_added - stream.length + 1
    return UNKNOWN


def has_gap_after(stream: Stream, id: int) -> bool:
    """Tell whether an entry from `id` on may have been deleted. O(1)."""
    return stream.length > 0 and stream.max_deleted_id != 0 and id <= stream.max_deleted_id


def advance(stream: Stream, group: ConsumerGroup, ids: list[int]) -> None:
    """Note that a group is given the next entries, whose ids these are. O(1) when nothing was deleted behind."""
    first = stream.first_id()
    left = len(ids)
    for id in ids:
        if group.entries_read != UNKNOWN and group.last_id >= first and not has_gap_after(stream, group.last_id):
            if stream.max_deleted_id < group.last_id:
                group.entries_read += left
                break
            group.entries_read += 1
        elif stream.entries_added != 0:
            group.entries_read = entries_read_at(stream, id)
        group.last_id = id
        left -= 1
    group.last_id = ids[-1]


def lag(stream: Stream, group: ConsumerGroup) -> int | None:
    """Return how many entries the group has not been given yet, None when that cannot be told. O(1).

    It is below 0 when the group was said to have read more than there were.
    """
    if stream.entries_added == 0 or stream.length == 0:
        return 0
    first = stream.first_id()
    if group.last_id < first and stream.max_deleted_id < first:
        return stream.length
    read = group.entries_read
    if read == UNKNOWN or has_gap_after(stream, group.last_id):
        read = entries_read_at(stream, group.last_id)
    return None if read == UNKNOWN else stream.entries_added - read


# -- all groups of a stream


def activity_differs(groups: dict[bytes, ConsumerGroup]) -> bool:
    """Tell whether some consumer has asked since it got something. O(consumers)."""
    for group in groups.values():
        for consumer in group.consumers.values():
            if consumer.active_ms != consumer.seen_ms:
                return True
    return False


def forget(groups: dict[bytes, ConsumerGroup], id: int) -> None:
    """Remove an entry from what is pending in any group (DELREF). O(groups log n)."""
    for group in groups.values():
        group.acknowledge(id)


def is_settled(groups: dict[bytes, ConsumerGroup], id: int) -> bool:
    """Tell whether every group has been given an entry and has acknowledged it (ACKED). O(groups log n)."""
    return all(group.last_id >= id and group.pending.get(id) is None for group in groups.values())
