"""Streams: entries in the order of their ids, and the groups that read them.

An id is one number, milliseconds << 64 | sequence. The entries lie in nodes (`stream_nodes`), which are in order
themselves and are searched by halves. Redis' limits of a node's size are followed to the byte, because approximate
trimming drops whole nodes, and clients see which. Whatever is added goes to the last node, which grows in a writer;
what is read of it is copied from there when it has grown since.

Costs: adding O(1), looking up and ranges O(log nodes + entries of a node + returned), dropping nodes at the front O(1).
"""

from __future__ import annotations

from typing import Final, final

from librt.strings import BytesWriter, read_i32_le, write_i32_le
from mypy_extensions import i32, i64, mypyc_attr, u8

from respd.datatypes.digits import write_digits
from respd.datatypes.limits import Limits
from respd.datatypes.stream_entries import Entries, count_back_until, count_live, count_until
from respd.datatypes.stream_groups import ConsumerGroup, is_settled
from respd.datatypes.stream_nodes import (
    DELETED,
    ENTRIES_A_MARK,
    LAST_ID,
    Cursor,
    Node,
    field_names,
    first_entry,
    high_half,
    id_text,
    is_marked,
    joined,
    low_half,
    marks_of,
    with_flags,
    write_entry,
    write_names,
)
from respd.datatypes.stream_producers import Producers

_MAX_BYTES: Final[i64] = 1 << 30  # of a node, and of an entry
_GONE: Final = Node(0, 0, b"")  # holds the place of a node dropped at the front
_ZERO: Final[i64] = -(1 << 63)  # half an id
_GREATEST: Final[i64] = (1 << 63) - 1
_NOT_COUNTED: Final[i64] = -1
_MANY_GONE: Final[i64] = 64
# Of memory: what a stream has of its own, a node beside its entries, an entry that is pending, a consumer.
_STREAM_BYTES: Final = 1000
_NODE_BYTES: Final = 120
_PENDING_BYTES: Final = 130
_CONSUMER_BYTES: Final = 300
_NODE_WEIGHT: Final[i64] = 8  # of a node in the work of freeing, beside an entry of other types


@final
@mypyc_attr(acyclic=True)
class Stream:
    """A stream: `length` entries, what it remembers of those that are gone, and its `groups` by name.

    `last_id` is the greatest id that was ever added, kept as its halves; `max_deleted_id` the greatest that was deleted
    (not trimmed), `entries_added` how many entries were ever added. The nodes from `_front` on are in use; the last
    one's body may be in `_tail` (`_is_open`), and then newer there than in the node (`_is_stale`).
    """

    def __init__(self) -> None:
        self.length: int = 0
        self._last_ms: i64 = _ZERO
        self._last_seq: i64 = _ZERO
        self.max_deleted_id: int = 0
        self.entries_added: int = 0
        self.groups: dict[bytes, ConsumerGroup] = {}
        self.producers: Producers | None = None
        self._nodes: list[Node] = []
        self._front: i64 = 0
        self._tail: BytesWriter = BytesWriter()
        self._tail_marks: BytesWriter = BytesWriter()
        self._tail_names: list[bytes] = []
        self._is_open: bool = False
        self._is_stale: bool = False

    def __len__(self) -> int:
        return self.length

    def encoding(self) -> bytes:
        """Return OBJECT ENCODING's answer."""
        return b"stream"

    @property
    def last_id(self) -> int:
        """The greatest id that was ever added, or was set."""
        return joined(self._last_ms, self._last_seq)

    @last_id.setter
    def last_id(self, id: int) -> None:
        self._last_ms = high_half(id)
        self._last_seq = low_half(id)

    def last_id_text(self) -> bytes:
        """Return `last_id` as clients see it."""
        ms = self._last_ms ^ _ZERO
        seq = self._last_seq ^ _ZERO
        if ms < 0 or seq < 0:
            return id_text(self.last_id)
        out = BytesWriter()
        write_digits(out, ms)
        out.append(45)
        write_digits(out, seq)
        return out.getvalue()

    def is_exhausted(self) -> bool:
        """Tell whether no id is left for another entry."""
        return self._last_ms == _GREATEST and self._last_seq == _GREATEST

    # -- adding

    def append_now(self, now_ms: i64, words: list[bytes], first: i64, limits: Limits) -> bool:
        """Do as `append` with an id of now, or the next one after the last, for the fields from `first` on.

        There must be one: not `is_exhausted`.
        """
        ms = now_ms ^ _ZERO
        seq = _ZERO
        if ms <= self._last_ms:
            ms = self._last_ms
            if self._last_seq < _GREATEST:
                seq = self._last_seq + 1
            else:
                ms += 1
        return self._append(ms, seq, words, first, limits)

    def append(self, id: int, fields: list[bytes], limits: Limits) -> bool:
        """Add an entry with an id above the last one; `fields` is flat: name, value, name, value. O(fields).

        False, and nothing is done, if they are larger than a node can be.
        """
        return self._append(high_half(id), low_half(id), fields, 0, limits)

    def _append(self, ms: i64, seq: i64, words: list[bytes], first: i64, limits: Limits) -> bool:
        total: i64 = len(words)
        size: i64 = 0
        at = first
        while at < total:
            size += len(words[at])
            at += 1
        if size > _MAX_BYTES:
            return False
        node = self._room_for(size, limits)
        tail = self._tail
        if node is None:
            node = Node(ms, seq, b"")
            self._nodes.append(node)
            names: list[bytes] = []
            at = first
            while at < total:
                names.append(words[at])
                at += 2
            write_names(tail, names)
            self._tail_names = names
            self._is_open = True
            node.elements = len(names) + 2
            node.start = len(tail)
        elif is_marked(i64(node.live) + i64(node.deleted)):
            write_i32_le(self._tail_marks, i32(len(tail)))
        node.elements += write_entry(tail, node, ms, seq, words, first, self._has_tail_names(words, first))
        node.live += 1
        self._is_stale = True
        self.length += 1
        self.entries_added += 1
        self._last_ms = ms
        self._last_seq = seq
        return True

    def _room_for(self, size: i64, limits: Limits) -> Node | None:
        """Return the last node, open, if an entry with `size` bytes of fields is to go there."""
        nodes = self._nodes
        if len(nodes) == self._front:
            return None
        node = nodes[-1]
        if not self._is_open:
            self._open_tail(node)
        most = limits.stream_node_bytes
        if most <= 0 or most > _MAX_BYTES:
            most = _MAX_BYTES
        count = i64(node.live) + i64(node.deleted)
        if node.size(len(self._tail)) + size >= most or 0 < limits.stream_node_entries <= count:
            self._sync()
            self._close_tail()
            return None
        return node

    def _open_tail(self, node: Node) -> None:
        self._tail.write(node.body)
        self._tail_marks.write(marks_of(node))
        self._tail_names = field_names(node.body)
        self._is_open = True

    def _close_tail(self) -> None:
        self._tail.truncate(0)
        self._tail_marks.truncate(0)
        self._is_open = False
        self._is_stale = False

    def _sync(self) -> None:
        """Bring the body of the last node up to date."""
        if self._is_stale:
            node = self._nodes[-1]
            node.body = self._tail.getvalue()
            node.marks = self._tail_marks.getvalue()
            self._is_stale = False

    def _has_tail_names(self, words: list[bytes], first: i64) -> bool:
        names = self._tail_names
        if len(words) - first != len(names) * 2:
            return False
        at = first
        for name in names:
            if name != words[at]:
                return False
            at += 2
        return True

    # -- looking up

    def _place(self, ms: i64, seq: i64) -> i64:
        """Return the place of the last node whose id is not above this one, less than `_front` if there is none."""
        nodes = self._nodes
        low: i64 = self._front
        high: i64 = len(nodes)
        while low < high:
            middle = (low + high) >> 1
            if nodes[middle].is_after(ms, seq):
                high = middle
            else:
                low = middle + 1
        return low - 1

    def get(self, id: int) -> list[bytes] | None:
        """Return the fields and values of a live entry, flat; None if there is none with this id."""
        found = self.entries(id, id, 1, False).items()
        return found[0][1] if found else None

    def first_id(self) -> int:
        """Return the id of the first live entry, 0 if there is none. O(1), but for what was deleted meanwhile."""
        if self.length == 0:
            return 0
        self._sync()
        place = self._front
        while self._nodes[place].live == 0:
            place += 1
        node = self._nodes[place]
        cursor = Cursor(node.body, node.ms, node.seq)
        cursor.open(node.start)
        while not cursor.is_live():
            node.start = cursor.next()
            cursor.open(node.start)
        return cursor.id()

    def last_live_id(self) -> int:
        """Return the id of the last live entry, 0 if there is none."""
        found = self.entries(0, LAST_ID, 1, True).ids()
        return found[0] if found else 0

    def oldest_id(self) -> int:
        """Return the id of the first entry that is stored, deleted or not; the greatest one if none is."""
        if len(self._nodes) == self._front:
            return LAST_ID
        return self._nodes[self._front].id()

    def range(self, start: int, end: int, count: int, reverse: bool) -> list[tuple[int, list[bytes]]]:
        """Return the live entries from `start` to `end`, both included, at most `count` (EVERYTHING: all)."""
        return self.entries(start, end, count, reverse).items()

    def entries(self, start: int, end: int, count: int, reverse: bool) -> Entries:
        """Find the live entries from `start` to `end`, both included, at most `count` (EVERYTHING: all)."""
        found = Entries(reverse)
        if self.length == 0 or start > end or count == 0:
            return found
        self._sync()
        most: i64 = self.length
        if 0 <= count < self.length:
            most = count
        if reverse:
            self._add_reversed(found, start, end, most)
        else:
            self._add_forwards(found, start, end, most)
        return found

    def _add_forwards(self, found: Entries, start: int, end: int, most: i64) -> None:
        nodes = self._nodes
        ms = high_half(start)
        seq = low_half(start)
        end_ms = high_half(end)
        end_seq = low_half(end)
        place = self._place(ms, seq)
        if place < self._front:
            place = self._front
        total: i64 = len(nodes)
        is_first = True
        while place < total and most > 0:
            node = nodes[place]
            if node.is_after(end_ms, end_seq):
                return
            at = node.start
            live = i64(node.live)
            cursor = Cursor(node.body, node.ms, node.seq)
            if is_first:
                is_first = False
                marks = cursor.marks_before(self._marks(node), ms, seq)
                if marks > 0:
                    at = max(at, i64(read_i32_le(node.marks, (marks - 1) << 2)))
                    live = live - marks * ENTRIES_A_MARK if node.deleted == 0 else _NOT_COUNTED
                last: i64 = len(node.body)
                while at < last:
                    cursor.open(at)
                    if not cursor.is_before(ms, seq):
                        break
                    if cursor.is_live():
                        live -= 1
                    at = cursor.next()
                if live < 0:
                    live = count_live(cursor, at, last, most)
            if live > most:
                live = most
            if live > 0:
                if not self._is_whole(place, end_ms, end_seq):
                    live = count_until(cursor, at, live, end_ms, end_seq)
                if live > 0:
                    found.add(node, at, live)
                most -= live
            place += 1

    def _marks(self, node: Node) -> bytes:
        """Return the marks of a node, made when they were never asked for: those of the last node grow with it."""
        if not node.marks and i64(node.live) + i64(node.deleted) > ENTRIES_A_MARK:
            node.marks = marks_of(node)
        return node.marks

    def _is_whole(self, place: i64, ms: i64, seq: i64) -> bool:
        """Tell whether all entries of a node are certain to lie up to this id."""
        if place + 1 < len(self._nodes):
            return not self._nodes[place + 1].is_after(ms, seq)
        return self._last_ms < ms or (self._last_ms == ms and self._last_seq <= seq)

    def _add_reversed(self, found: Entries, start: int, end: int, most: i64) -> None:
        nodes = self._nodes
        ms = high_half(start)
        seq = low_half(start)
        end_ms = high_half(end)
        end_seq = low_half(end)
        place = self._place(end_ms, end_seq)
        is_first = True
        while place >= self._front and most > 0:
            node = nodes[place]
            at: i64 = len(node.body)
            live = i64(node.live)
            cursor = Cursor(node.body, node.ms, node.seq)
            if is_first and not self._is_whole(place, end_ms, end_seq):
                while live > 0:
                    before = cursor.previous(at)
                    cursor.open(before)
                    if not cursor.is_after(end_ms, end_seq):
                        break
                    if cursor.is_live():
                        live -= 1
                    at = before
            is_first = False
            if live > most:
                live = most
            is_last = not node.is_after(ms, seq)
            if live > 0:
                if is_last:
                    live = count_back_until(cursor, at, live, ms, seq)
                if live > 0:
                    found.add(node, at, live)
                most -= live
            if is_last:
                return
            place -= 1

    # -- taking away

    def delete(self, id: int) -> bool:
        """Delete an entry; tell whether it was there."""
        if self.length == 0:
            return False
        ms = high_half(id)
        seq = low_half(id)
        place = self._place(ms, seq)
        if place < self._front:
            return False
        node = self._nodes[place]
        if place == len(self._nodes) - 1:
            self._sync()
        cursor = Cursor(node.body, node.ms, node.seq)
        at = node.start
        marks = cursor.marks_before(self._marks(node), ms, seq)
        if marks > 0:
            mark = i64(read_i32_le(node.marks, (marks - 1) << 2))
            if mark > at:
                at = mark
        end: i64 = len(node.body)
        while at < end:
            cursor.open(at)
            if not cursor.is_before(ms, seq):
                break
            at = cursor.next()
        if at == end or cursor.is_after(ms, seq) or not cursor.is_live():
            return False
        if node.live == 1:
            self._drop(place)
        else:
            self._mark(place, at, cursor.flags | DELETED)
            node.live -= 1
            node.deleted += 1
        self.length -= 1
        if id > self.max_deleted_id:
            self.max_deleted_id = id
        return True

    def _mark(self, place: i64, at: i64, flags: i64) -> None:
        """Set the flags of an entry; the body of its node must be up to date."""
        node = self._nodes[place]
        node.body = with_flags(node.body, at, flags)
        if self._is_open and place == len(self._nodes) - 1:
            self._tail[at] = u8(flags)

    def _drop(self, place: i64) -> None:
        """Take a node away."""
        if place == len(self._nodes) - 1:
            self._close_tail()
        if place > self._front or len(self._nodes) <= self._front + 1:
            del self._nodes[place]
            return
        self._nodes[place] = _GONE
        self._front += 1
        if self._front >= _MANY_GONE and self._front * 2 > len(self._nodes):
            del self._nodes[: self._front]
            self._front = 0

    def trim_to_length(self, length: int, approximately: bool, limit: int) -> int:
        """Remove the oldest entries until `length` are left; return how many that were.

        `approximately`: whole nodes only. `limit` is how many entries to remove at most, 0 for any number.
        """
        removed: i64 = 0
        while self.length > length:
            node = self._nodes[self._front]
            live = i64(node.live)
            if limit and removed + live > limit:
                break
            if self.length - live < length:
                if not approximately:
                    removed += self._mark_first(self.length - length, LAST_ID)
                break
            self._drop(self._front)
            self.length -= int(live)
            removed += live
        return int(removed)

    def trim_before(self, id: int, approximately: bool, limit: int) -> int:
        """Remove the entries with ids below `id`; return how many that were. The rest is as `trim_to_length`."""
        removed: i64 = 0
        ms = high_half(id)
        seq = low_half(id)
        while len(self._nodes) > self._front:
            node = self._nodes[self._front]
            live = i64(node.live)
            if limit and removed + live > limit:
                break
            if not self._ends_before(self._front, ms, seq):
                if not approximately:
                    removed += self._mark_first(live, id)
                break
            self._drop(self._front)
            self.length -= int(live)
            removed += live
        return int(removed)

    def trim_settled(self, length: int, id: int, approximately: bool, limit: int) -> list[int]:
        """Remove what may be trimmed and every group has been given and has acknowledged (ACKED); return the ids.

        What may be: the oldest entries beyond `length`, or those with ids below `id` (the other one is -1); those of
        whole nodes only if `approximately`. `limit` is how many entries to look at.
        """
        found: list[int] = []
        excess = self.length - length if id < 0 else self.length
        left = limit if limit else self.length
        for node in self.nodes():
            live = int(node.live)
            if excess <= 0 or left < live:
                break
            span = Entries(False)
            span.add(node, node.start, i64(node.live))
            ids = span.ids()
            if approximately and (excess < live or (id >= 0 and (not ids or ids[-1] >= id))):
                break
            for each in ids[:excess]:
                if 0 <= id <= each:
                    break
                if is_settled(self.groups, each):
                    found.append(each)
            excess -= live
            left -= live
        for each in found:
            self.delete(each)
        return found

    def _ends_before(self, place: i64, ms: i64, seq: i64) -> bool:
        """Tell whether all entries of a node, deleted or not, have ids below this one."""
        if self._nodes[place].is_after(ms, seq):
            return False
        if place == len(self._nodes) - 1:
            self._sync()
        node = self._nodes[place]
        cursor = Cursor(node.body, node.ms, node.seq)
        cursor.open(cursor.previous(len(node.body)))
        return cursor.is_before(ms, seq)

    def _mark_first(self, most: i64, id: int) -> i64:
        """Mark up to `most` live entries of the first node with ids below `id` as deleted; return how many."""
        place = self._front
        if place == len(self._nodes) - 1:
            self._sync()
        node = self._nodes[place]
        ms = high_half(id)
        seq = low_half(id)
        body: bytearray | None = None
        is_open = self._is_open and place == len(self._nodes) - 1
        cursor = Cursor(node.body, node.ms, node.seq)
        at = node.start
        marked: i64 = 0
        while marked < most:
            cursor.open(at)
            if not cursor.is_before(ms, seq):
                break
            if cursor.is_live():
                if body is None:
                    body = bytearray(node.body)
                body[at] = int(cursor.flags | DELETED)
                if is_open:
                    self._tail[at] = u8(cursor.flags | DELETED)
                marked += 1
            at = cursor.next()
        if body is None:
            return 0
        node.body = bytes(body)
        node.start = at
        self.length -= int(marked)
        node.live -= i32(marked)
        node.deleted += i32(marked)
        return marked

    # -- the whole

    def nodes(self) -> list[Node]:
        """Return the nodes in order, up to date; they are not to be changed."""
        self._sync()
        return self._nodes[self._front :]

    def add_node(self, node: Node) -> None:
        """Add a node behind the last one, from a file."""
        self._nodes.append(node)
        self.length += int(node.live)

    def copy(self) -> Stream:
        """Return a copy that shares nothing that changes. O(nodes + pending)."""
        made = Stream()
        made.last_id = self.last_id
        made.max_deleted_id = self.max_deleted_id
        made.entries_added = self.entries_added
        for node in self.nodes():
            made.add_node(node.copy())
        for name, group in self.groups.items():
            made.groups[name] = group.copy()
        if self.producers is not None:
            made.producers = self.producers.copy()
        return made

    def node_bytes(self) -> int:
        """Return the bytes of all entries. O(nodes)."""
        total = 0
        for node in self.nodes():
            total += len(node.body)
        return total

    def memory_bytes(self) -> int:
        """Return about how much memory the stream takes. O(nodes + groups)."""
        total = _STREAM_BYTES + self.node_bytes() + (len(self._nodes) - int(self._front)) * _NODE_BYTES
        for group in self.groups.values():
            total += len(group.pending) * _PENDING_BYTES + len(group.consumers) * _CONSUMER_BYTES
        return total

    def weight(self) -> int:
        """Return about how many objects freeing the stream frees."""
        count = 1 + len(self._nodes) * int(_NODE_WEIGHT)
        for group in self.groups.values():
            count += len(group.pending)
        return count

    def free_some(self, count: i64) -> bool:
        """Let go of about `count` parts of a stream that is no longer of use; tell whether all are gone."""
        while self.groups and count > 0:
            name, group = self.groups.popitem()
            count = group.free_some(count)
            if count <= 0:
                self.groups[name] = group
        if count > 0:
            del self._nodes[-1 - count // _NODE_WEIGHT :]
        return not self._nodes and not self.groups

    def check(self) -> None:
        """Assert the invariant. O(n)."""
        assert not self._is_stale or self._is_open
        self._sync()
        before = -1
        length = 0
        for node in self._nodes[self._front :]:
            assert node.id() > before
            cursor = Cursor(node.body, node.ms, node.seq)
            at = first_entry(node.body)
            live = deleted = 0
            elements = len(field_names(node.body)) + 2
            while at < len(node.body):
                cursor.open(at)
                assert cursor.id() > before
                before = cursor.id()
                if cursor.is_live():
                    assert at >= node.start
                    live += 1
                else:
                    deleted += 1
                after = cursor.next()
                assert cursor.previous(after) == at
                at = after
                elements += int(cursor.count) + (4 if cursor.flags & 2 else 5)
            assert len(node.marks) % 4 == 0
            assert marks_of(node).startswith(node.marks)
            assert (live, deleted, elements) == (node.live, node.deleted, node.elements)
            length += live
        assert length == self.length
        assert before <= self.last_id
        for group in self.groups.values():
            group.check()
