"""Streams in RDB's form: nodes as the listpacks that they are, what the stream remembers, and its groups.

    stream   = nodes, length, last id, [first id, greatest deleted id, entries ever added,] groups
    node     = id in 16 bytes, listpack
    group    = name, last id, [entries read,] pending entries, consumers
    pending  = id in 16 bytes, moment, number of deliveries
    consumer = name, moment seen, [moment active,] ids of 16 bytes

What is in brackets came with the second version of the form (RDB version 10), a consumer's moment of being active
with the third (version 11). Moments are in eight bytes. An entry that is nobody's, because XNACK has given it back,
cannot be said in these forms: it is written as pending for a consumer without a name who was never seen.
Source: rdb.fnordig.de, and the files that redis-server writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from librt.strings import read_i16_le, read_i32_le, write_i64_le
from mypy_extensions import i32, i64

from respd.datatypes import listpacks
from respd.datatypes.stream_groups import NEVER, UNKNOWN, Consumer, ConsumerGroup, Pending, entries_read_at
from respd.datatypes.stream_nodes import DELETED, SAME_FIELDS, Cursor, Node, first_entry, high_half, low_half
from respd.datatypes.streams import Stream
from respd.datatypes.strings import INT64_MAX
from respd.persistence.listpacks import check_length
from respd.persistence.rdb_format import (
    LENGTH_64_BITS,
    STREAM_ACTIVE_VERSION,
    STREAM_LISTPACKS,
    STREAM_LISTPACKS_2,
    STREAM_LISTPACKS_3,
    CorruptPayload,
)

if TYPE_CHECKING:
    from respd.persistence.rdb_values import ValueReader
    from respd.persistence.rdb_writer import RdbWriter

_ID_BYTES: Final = 16
_WHOLE: Final = 1 << 64
_HALF: Final = 1 << 63
_NOBODY: Final = b""
_FLAGS: Final[i64] = DELETED | SAME_FIELDS


# -- writing


def type_for(version: i64) -> int:
    """Return the type of a stream's value in a version of the format."""
    return STREAM_LISTPACKS_3 if version >= STREAM_ACTIVE_VERSION else STREAM_LISTPACKS_2


def write_stream(writer: RdbWriter, stream: Stream) -> None:
    """Add a stream's value in the form that the writer's version knows. O(nodes + pending)."""
    nodes = stream.nodes()
    writer.length(len(nodes))
    for node in nodes:
        writer.string(node.id().to_bytes(_ID_BYTES, "big"))
        writer.string(node.listpack(writer.scratch))
    _write_number(writer, stream.length)
    _write_id(writer, stream.last_id)
    _write_id(writer, stream.first_id())
    _write_id(writer, stream.max_deleted_id)
    _write_number(writer, stream.entries_added)
    writer.length(len(stream.groups))
    for name in sorted(stream.groups):
        writer.string(name)
        _write_group(writer, stream.groups[name])


def _write_group(writer: RdbWriter, group: ConsumerGroup) -> None:
    out = writer.out
    _write_id(writer, group.last_id)
    _write_number(writer, group.entries_read % _WHOLE)
    writer.length(len(group.pending))
    nobodys: list[Pending] = []
    for entry in group.pending.all():
        out.write(entry.id.to_bytes(_ID_BYTES, "big"))
        write_i64_le(out, entry.delivered_ms)
        _write_number(writer, int(entry.deliveries))
        if entry.consumer is None:
            nobodys.append(entry)
    consumers = group.sorted_consumers()
    is_added = bool(nobodys) and _NOBODY not in group.consumers
    writer.length(len(consumers) + (1 if is_added else 0))
    if is_added:
        _write_consumer(writer, Consumer(_NOBODY, 0), nobodys)
    for consumer in consumers:
        owned = consumer.pending.all()
        if consumer.name == _NOBODY and nobodys:
            owned += nobodys
            owned.sort(key=_id_of)
        _write_consumer(writer, consumer, owned)


def _id_of(entry: Pending) -> int:
    return entry.id


def _write_consumer(writer: RdbWriter, consumer: Consumer, owned: list[Pending]) -> None:
    out = writer.out
    writer.string(consumer.name)
    write_i64_le(out, consumer.seen_ms)
    if writer.version >= STREAM_ACTIVE_VERSION:
        write_i64_le(out, consumer.active_ms)
    writer.length(len(owned))
    for entry in owned:
        out.write(entry.id.to_bytes(_ID_BYTES, "big"))


def _write_id(writer: RdbWriter, id: int) -> None:
    _write_number(writer, id >> 64)
    _write_number(writer, id % _WHOLE)


def _write_number(writer: RdbWriter, number: int) -> None:
    """Add a number of up to 64 bits without a sign."""
    if number < _HALF:
        writer.length(number)
    else:
        writer.out.append(LENGTH_64_BITS)
        writer.out.write(number.to_bytes(8, "big"))


# -- reading


def read_stream(reader: ValueReader, kind: i64) -> Stream:
    """Read a stream in any version of the form; raise CorruptPayload for what is not one. O(size)."""
    stream = Stream()
    before = -1
    count = reader.count()
    while count > 0:
        before = _read_node(reader, stream, before)
        count -= 1
    length = reader.any_number()
    if length != stream.length:
        raise CorruptPayload("a stream with another number of entries than it says")
    stream.last_id = _read_id(reader)
    if before > stream.last_id:
        raise CorruptPayload("a stream with an entry behind its last one")
    stream.entries_added = stream.length
    if kind != STREAM_LISTPACKS:
        _read_id(reader)  # the first one, which is known
        stream.max_deleted_id = _read_id(reader)
        stream.entries_added = _bounded(reader.any_number())
    count = reader.count()
    while count > 0:
        name = reader.string()
        if name in stream.groups:
            raise CorruptPayload("a stream with the same group twice")
        stream.groups[name] = _read_group(reader, stream, kind)
        count -= 1
    return stream


def _read_id(reader: ValueReader) -> int:
    ms = reader.any_number()
    return ms << 64 | reader.any_number()


def _read_raw_id(reader: ValueReader) -> int:
    start = reader.take(_ID_BYTES)
    return int.from_bytes(reader.data[start : start + _ID_BYTES], "big")


def _bounded(number: int) -> int:
    return min(number, INT64_MAX)


def _read_group(reader: ValueReader, stream: Stream, kind: i64) -> ConsumerGroup:
    last_id = _read_id(reader)
    if kind == STREAM_LISTPACKS:
        entries_read = entries_read_at(stream, last_id)
    else:
        entries_read = reader.any_number()
        if entries_read > INT64_MAX:
            entries_read = UNKNOWN
    group = ConsumerGroup(last_id, entries_read)
    count = reader.count()
    entries: dict[int, Pending] = {}
    while count > 0:
        id = _read_raw_id(reader)
        delivered_ms = reader.milliseconds()
        entry = Pending(id, None, delivered_ms, _bounded(reader.any_number()))
        if id in entries:
            raise CorruptPayload("a group with the same pending entry twice")
        entries[id] = entry
        group.add(entry)
        count -= 1
    count = reader.count()
    while count > 0:
        _read_consumer(reader, group, entries, kind)
        count -= 1
    if entries:
        raise CorruptPayload("a group with a pending entry of no consumer")
    return group


def _read_consumer(reader: ValueReader, group: ConsumerGroup, entries: dict[int, Pending], kind: i64) -> None:
    """Read a consumer, and take what is pending for it out of `entries`."""
    name = reader.string()
    if group.consumer(name) is not None:
        raise CorruptPayload("a group with the same consumer twice")
    seen_ms = reader.milliseconds()
    is_nobody = name == _NOBODY and seen_ms == 0
    consumer = Consumer(name, seen_ms)
    consumer.active_ms = seen_ms
    if kind == STREAM_LISTPACKS_3:
        consumer.active_ms = max(reader.milliseconds(), i64(NEVER))
    if not is_nobody:
        group.consumers[name] = consumer
    count = reader.count()
    while count > 0:
        count -= 1
        entry = entries.pop(_read_raw_id(reader), None)
        if entry is None:
            raise CorruptPayload("a consumer with an entry that is not pending, or another one's")
        if not is_nobody:
            group.hand_over(entry, consumer)


def _read_node(reader: ValueReader, stream: Stream, before: int) -> int:
    """Read a node, whose ids must be above `before`; return the last one."""
    key = reader.string()
    if len(key) != _ID_BYTES:
        raise CorruptPayload("a stream's node without an id")
    id = int.from_bytes(key, "big")
    node = checked_node(id, reader.string())
    last = last_id_checked(node, before)
    stream.add_node(node)
    return last


def checked_node(id: int, data: bytes) -> Node:
    """Return the node that a listpack holds; raise CorruptPayload for one that is not a node's. O(size).

    Every element is looked at once: its length, the length behind it, and that numbers are some where there must be.
    """
    size: i64 = len(data)
    if size <= listpacks.HEADER_BYTES or (i64(read_i32_le(data, 0)) & 0xFFFFFFFF) != size:
        raise CorruptPayload("listpack of a wrong size")
    last: i64 = size - 1
    if data[last] != listpacks.END_MARK:
        raise CorruptPayload("listpack without an end")
    at: i64 = listpacks.HEADER_BYTES
    live = _count_at(data, at, last)
    at = _behind(data, at, last)
    deleted = _count_at(data, at, last)
    at = _behind(data, at, last)
    body = at
    names = _count_at(data, at, last)
    elements: i64 = 2 + names
    at = _behind(data, at, last)
    at = _skip(data, at, last, names)
    if at >= last or data[at] != 0:
        raise CorruptPayload("a stream's node without an end of its names")
    at = _behind(data, at, last)
    first = at
    entries: i64 = 0
    found: i64 = 0
    while at < last:
        start = at
        flags: i64 = data[at]
        if flags & ~_FLAGS:
            raise CorruptPayload("a stream's entry with unknown flags")
        at = _behind(data, at, last)
        at = _behind_number(data, at, last)
        at = _behind_number(data, at, last)
        parts: i64 = 3
        if flags & SAME_FIELDS:
            parts += names
            at = _skip(data, at, last, names)
        else:
            fields = _count_at(data, at, last)
            at = _behind(data, at, last)
            at = _skip(data, at, last, fields * 2)
            parts += fields * 2 + 1
        if at >= last or _number(data, at, last) != parts:
            raise CorruptPayload("a stream's entry with a wrong number of parts behind it")
        at = _behind_number(data, at, last)
        elements += parts + 1
        entries += 1
        if flags & DELETED == 0:
            found += 1
            if found == 1:
                first = start
    if found != live or entries - found != deleted or entries == 0:
        raise CorruptPayload("a stream's node with another number of entries than it says")
    count: i64 = i64(read_i16_le(data, 4)) & 0xFFFF
    if count != listpacks.COUNT_UNKNOWN and count != elements + 2:
        raise CorruptPayload("listpack with a wrong number of elements")
    node = Node(high_half(id), low_half(id), data[body:last])
    node.live = i32(live)
    node.deleted = i32(deleted)
    node.elements = elements
    node.start = first - body
    return node


def last_id_checked(node: Node, before: int) -> int:
    """Return the id of a node's last entry, having checked that its ids are in order and above `before`."""
    if node.id() <= before:
        raise CorruptPayload("a stream's nodes in another order than their ids")
    body = node.body
    size: i64 = len(body)
    cursor = Cursor(body, node.ms, node.seq)
    at = first_entry(body)
    cursor.open(at)
    if cursor.is_before(node.ms, node.seq):
        raise CorruptPayload("a stream's entry before its node")
    ms = cursor.ms
    seq = cursor.seq
    at = cursor.next()
    while at < size:
        cursor.open(at)
        if not cursor.is_after(ms, seq):
            raise CorruptPayload("a stream's entries in another order than their ids")
        ms = cursor.ms
        seq = cursor.seq
        at = cursor.next()
    return cursor.id()


def _behind(data: bytes, at: i64, last: i64) -> i64:
    """Return where the next element begins, having checked the one at `at`."""
    if at >= last:
        raise CorruptPayload("listpack that ends early")
    head: i64 = data[at]
    length: i64
    if head < 0x80:
        length = 1
    elif head < 0xC0:
        length = 1 + (head & 0x3F)
    elif head < 0xE0:
        length = 2
    elif head > 0xF0:
        if head > 0xF4:
            raise CorruptPayload("listpack element of an unknown kind")
        length = head - 0xEE if head < 0xF4 else 9
    elif head < 0xF0:
        if at + 1 >= last:
            raise CorruptPayload("listpack element beyond the end")
        length = 2 + ((head & 0x0F) << 8 | data[at + 1])
    else:
        if at + 5 >= last:
            raise CorruptPayload("listpack element beyond the end")
        length = 5 + (i64(read_i32_le(data, at + 1)) & 0xFFFFFFFF)
    end = at + length
    if end >= last:
        raise CorruptPayload("listpack element beyond the end")
    if length < 128:
        if data[end] != length:
            raise CorruptPayload("listpack element with a wrong length behind it")
        return end + 1
    return check_length(data, end, last, length)


def _skip(data: bytes, at: i64, last: i64, count: i64) -> i64:
    """Return what is behind `count` elements."""
    while count > 0:
        at = _behind(data, at, last)
        count -= 1
    return at


def _number(data: bytes, at: i64, last: i64) -> i64:
    """Return the element at `at`, which must be a number, having checked it."""
    _behind(data, at, last)
    head: i64 = data[at]
    if head >= 0x80 and (head < 0xC0 or 0xE0 <= head <= 0xF0):
        raise CorruptPayload("a word where a stream has a number")
    return listpacks.number_at(data, at)


def _behind_number(data: bytes, at: i64, last: i64) -> i64:
    """Do as `_behind`, of an element that must be a number."""
    _number(data, at, last)
    return _behind(data, at, last)


def _count_at(data: bytes, at: i64, last: i64) -> i64:
    """Return the element at `at`, which must be a number of things that take some of the rest each, or a few flags."""
    found = _number(data, at, last)
    if not 0 <= found <= last:
        raise CorruptPayload("a stream's node with more than it has room for")
    return found
