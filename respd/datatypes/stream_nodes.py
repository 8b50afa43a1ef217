"""The nodes of a stream: runs of entries, each a listpack as Redis keeps and saves it.

    listpack = live entries, deleted entries, body
    body     = number of fields, the fields' names, 0, entries
    entry    = flags, ms, seq, [number of fields,] values, number of the entry's elements before this one

The names are those of the node's first entry; an entry with the same (SAME_FIELDS) has its values only, others have
name, value, name, value. `ms` and `seq` are differences to the node's own id, that of its first entry. A deleted entry
stays where it is, with a flag. A node of ours holds the two counters as numbers and the body as bytes, which are never
changed, only replaced: whoever has them may go on reading.

An id's halves are unsigned numbers of 64 bits. Here they are held less 2^63, so that signed ones are in their order.
Source: the RDB format (rdb.fnordig.de), and what redis-server saves.
"""

from __future__ import annotations

from typing import Final, final

from librt.strings import BytesWriter, read_i32_le, write_i32_le
from mypy_extensions import i32, i64, mypyc_attr

from respd.builds import INTERPRETED
from respd.datatypes.listpacks import (
    add,
    add_number,
    after,
    before,
    begin,
    element_at,
    finish,
    number_at,
    number_size,
)

LAST_ID: Final = (1 << 128) - 1
DELETED: Final[i64] = 1
SAME_FIELDS: Final[i64] = 2
_HALF: Final = 1 << 63
_WHOLE: Final = 1 << 64
_LOW: Final = _WHOLE - 1
_BETWEEN_MARKS: Final[i64] = 15
ENTRIES_A_MARK: Final[i64] = 16
_EMPTY_SIZE: Final[i64] = 7  # of a listpack without elements


def high_half(id: int) -> i64:
    """Return the milliseconds of an id, less 2^63."""
    return i64((id >> 64) - _HALF)


def low_half(id: int) -> i64:
    """Return the sequence number of an id, less 2^63."""
    return i64((id & _LOW) - _HALF)


def joined(ms: i64, seq: i64) -> int:
    """Return the id of two halves."""
    return (int(ms) + _HALF) << 64 | (int(seq) + _HALF)


def id_text(id: int) -> bytes:
    """Return an id as clients see it."""
    return b"%d-%d" % (id >> 64, id & _LOW)


def _sum(one: i64, other: i64) -> i64:
    """Return a sum of 64 bits, which wraps around."""
    if INTERPRETED:
        return i64((int(one) + int(other) + _HALF) % _WHOLE - _HALF)
    return one + other


def _difference(one: i64, other: i64) -> i64:
    """Return a difference of 64 bits, which wraps around."""
    if INTERPRETED:
        return i64((int(one) - int(other) + _HALF) % _WHOLE - _HALF)
    return one - other


@final
@mypyc_attr(acyclic=True)
class Node:
    """A run of entries, `live` of them not deleted. No live one stands before the offset `start` of `body`.

    `ms` and `seq` are the halves of its id, `elements` counts those of the body. `marks` are the offsets of every 16th
    entry but the first, so that not all entries are walked over to find one; those of the last ones may be missing.
    """

    def __init__(self, ms: i64, seq: i64, body: bytes) -> None:
        self.ms: i64 = ms
        self.seq: i64 = seq
        self.body: bytes = body
        self.live: i32 = 0
        self.deleted: i32 = 0
        self.elements: i64 = 0
        self.start: i64 = 0
        self.marks: bytes = b""

    def id(self) -> int:
        """Return the node's id, that of its first entry."""
        return joined(self.ms, self.seq)

    def is_after(self, ms: i64, seq: i64) -> bool:
        """Tell whether the node's id is greater than this one."""
        return self.ms > ms or (self.ms == ms and self.seq > seq)

    def size(self, body_size: i64) -> i64:
        """Return the bytes of the listpack with a body of `body_size`."""
        return _EMPTY_SIZE + number_size(i64(self.live)) + number_size(i64(self.deleted)) + body_size

    def listpack(self, out: BytesWriter) -> bytes:
        """Return the node as a listpack; `out` is a writer to work with."""
        begin(out)
        add_number(out, i64(self.live))
        add_number(out, i64(self.deleted))
        out.write(self.body)
        return finish(out, self.elements + 2)

    def copy(self) -> Node:
        """Return a node of the same entries."""
        made = Node(self.ms, self.seq, self.body)
        made.live = self.live
        made.deleted = self.deleted
        made.elements = self.elements
        made.start = self.start
        made.marks = self.marks
        return made


def marks_of(node: Node) -> bytes:
    """Return the marks of a node. O(n)."""
    marks = BytesWriter()
    cursor = Cursor(node.body, node.ms, node.seq)
    end: i64 = len(node.body)
    at = first_entry(node.body)
    count: i64 = 0
    while at < end:
        if is_marked(count):
            write_i32_le(marks, i32(at))
        cursor.open(at)
        at = cursor.next()
        count += 1
    return marks.getvalue()


def is_marked(count: i64) -> bool:
    """Tell whether the entry behind `count` others gets a mark."""
    return count > 0 and count & _BETWEEN_MARKS == 0


def first_entry(body: bytes) -> i64:
    """Return the offset of a node's first entry."""
    at: i64 = after(body, 0)
    count = number_at(body, 0)
    while count >= 0:  # the names, and the 0 behind them
        at = after(body, at)
        count -= 1
    return at


def field_names(body: bytes) -> list[bytes]:
    """Return the names of the fields of a node's first entry."""
    names: list[bytes] = []
    count = number_at(body, 0)
    at = after(body, 0)
    while count > 0:
        names.append(element_at(body, at))
        at = after(body, at)
        count -= 1
    return names


def with_flags(body: bytes, at: i64, flags: i64) -> bytes:
    """Return a body in which the entry at `at` has these flags."""
    changed = bytearray(body)
    changed[at] = int(flags)
    return bytes(changed)


def write_names(out: BytesWriter, names: list[bytes]) -> None:
    """Begin a body whose first entry is to have fields of these names."""
    add_number(out, len(names))
    for name in names:
        add(out, name)
    add_number(out, 0)


def write_entry(out: BytesWriter, node: Node, ms: i64, seq: i64, words: list[bytes], first: i64, same: bool) -> i64:
    """Add an entry to a node's body, with the names and values that `words` hold from `first` on.

    `same` tells that the names are the node's. Returns the number of elements.
    """
    total: i64 = len(words)
    count = total - first
    add_number(out, SAME_FIELDS if same else 0)
    add_number(out, _difference(ms, node.ms))
    add_number(out, _difference(seq, node.seq))
    elements: i64
    if same:
        at = first + 1
        while at < total:
            add(out, words[at])
            at += 2
        elements = count // 2 + 3
    else:
        add_number(out, count // 2)
        at = first
        while at < total:
            add(out, words[at])
            at += 1
        elements = count + 4
    add_number(out, elements)
    return elements + 1


@final
class Cursor:
    """Reads a node's entries: `open` one at an offset, then its `id`, `fields`, and where the next one begins."""

    def __init__(self, body: bytes, ms: i64, seq: i64) -> None:
        self.body: bytes = body
        self.base_ms: i64 = ms
        self.base_seq: i64 = seq
        self.names: i64 = number_at(body, 0)  # how many names the node has
        self.ms: i64 = 0
        self.seq: i64 = 0
        self.flags: i64 = 0
        self.values: i64 = 0  # the offset of the first value, or name
        self.count: i64 = 0  # how many elements stand there

    def open(self, at: i64) -> None:
        """Read the head of the entry at `at`."""
        body = self.body
        self.flags = body[at]
        at += 2
        self.ms = _sum(self.base_ms, number_at(body, at))
        at = after(body, at)
        self.seq = _sum(self.base_seq, number_at(body, at))
        at = after(body, at)
        if self.flags & SAME_FIELDS:
            self.count = self.names
        else:
            self.count = number_at(body, at) * 2
            at = after(body, at)
        self.values = at

    def next(self) -> i64:
        """Return where the entry behind this one begins."""
        body = self.body
        at = self.values
        count = self.count
        while count >= 0:
            at = after(body, at)
            count -= 1
        return at

    def marks_before(self, marks: bytes, ms: i64, seq: i64) -> i64:
        """Return how many marks stand at entries whose ids are not above this one."""
        low: i64 = 0
        high: i64 = len(marks) >> 2
        while low < high:
            middle = (low + high) >> 1
            self.open(i64(read_i32_le(marks, middle << 2)))
            if self.is_after(ms, seq):
                high = middle
            else:
                low = middle + 1
        return low

    def previous(self, at: i64) -> i64:
        """Return where the entry that ends at `at` begins."""
        body = self.body
        at = before(body, at)
        count = number_at(body, at)
        while count > 0:
            at = before(body, at)
            count -= 1
        return at

    def is_live(self) -> bool:
        """Tell whether the entry is not deleted."""
        return self.flags & DELETED == 0

    def is_before(self, ms: i64, seq: i64) -> bool:
        """Tell whether the entry's id is smaller than this one."""
        return self.ms < ms or (self.ms == ms and self.seq < seq)

    def is_after(self, ms: i64, seq: i64) -> bool:
        """Tell whether the entry's id is greater than this one."""
        return self.ms > ms or (self.ms == ms and self.seq > seq)

    def id(self) -> int:
        """Return the entry's id."""
        return joined(self.ms, self.seq)

    def fields(self, names: list[bytes]) -> list[bytes]:
        """Return the entry's fields and values, flat; `names` are the node's."""
        body = self.body
        found: list[bytes] = []
        at = self.values
        if self.flags & SAME_FIELDS:
            for name in names:
                found.append(name)
                found.append(element_at(body, at))
                at = after(body, at)
            return found
        count = self.count
        while count > 0:
            found.append(element_at(body, at))
            at = after(body, at)
            count -= 1
        return found
