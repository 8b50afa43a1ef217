"""Helpers of the tests that read RDB files: what is in them, in plain Python."""

from __future__ import annotations

from respd.datatypes.hashes import HashValue
from respd.datatypes.limits import Limits
from respd.datatypes.lists import ListValue
from respd.datatypes.sets import SetValue
from respd.datatypes.sorted_sets import SortedSet
from respd.datatypes.stream_groups import LAST_ID, ConsumerGroup
from respd.datatypes.streams import Stream
from respd.datatypes.strings import as_bytes
from respd.persistence.rdb_reader import KeyEvent, RdbEvent, RdbReader


def events(data: bytes, chunk: int = 1 << 30, limits: Limits | None = None, verify: bool = True) -> list[RdbEvent]:
    """All events of a file, fed in chunks of this size."""
    reader = RdbReader(limits or Limits(), verify)
    found: list[RdbEvent] = []
    at = 0
    while True:
        event = reader.next()
        if event is not None:
            found.append(event)
        elif reader.ended:
            return found
        elif at < len(data):
            reader.feed(data[at : at + chunk])
            at += chunk
        else:
            reader.close()


def plain(value: object) -> object:
    """A value with its encoding, in types that compare by contents."""
    if isinstance(value, ListValue):
        value.check()
        return value.encoding(), value.to_list()
    if isinstance(value, SetValue):
        value.check()
        return value.encoding(), sorted(value.members())
    if isinstance(value, SortedSet):
        value.check()
        return value.encoding(), [(element.member, element.score) for element in value.between(0, len(value))]
    if isinstance(value, HashValue):
        value.check()
        items = value.items()
        moments = {field: value.expire_at(field) for field in items[::2] if value.expire_at(field)}
        return value.encoding(), dict(zip(items[::2], items[1::2], strict=True)), moments
    if isinstance(value, Stream):
        value.check()
        figures = (value.length, value.last_id, value.first_id(), value.max_deleted_id, value.entries_added)
        groups = {name: plain_group(group) for name, group in value.groups.items()}
        return value.encoding(), figures, value.range(0, LAST_ID, -1, False), groups
    assert isinstance(value, (bytes, int))
    return (b"int" if isinstance(value, int) else b"embstr" if len(value) <= 44 else b"raw"), as_bytes(value)


def plain_group(group: ConsumerGroup) -> object:
    """A consumer group, in types that compare by contents."""
    consumers = {each.name: (each.seen_ms, each.active_ms) for each in group.consumers.values()}
    pending = [(each.id, each.consumer, each.delivered_ms, each.deliveries) for each in group.pending.all()]
    return group.last_id, group.entries_read, consumers, pending


def keys(data: bytes, chunk: int = 1 << 30, limits: Limits | None = None) -> dict[bytes, object]:
    """The keys of a file, which must not repeat, with their values in plain Python."""
    found: dict[bytes, object] = {}
    for event in events(data, chunk, limits):
        if isinstance(event, KeyEvent):
            assert event.key not in found
            found[event.key] = None if event.value is None else plain(event.value)
    return found
