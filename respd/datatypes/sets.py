"""Set values: integers in a sorted array, a few members in one byte string, many in an `IndexedSet`.

The three representations are what Redis calls `intset`, `listpack` and `hashtable`, and change at the same limits:
an array of 8 bytes an integer while every member is one and they are few; a byte string of entries in order of arrival,
searched from the front, while members are few and short; then dictionary and dense list. Conversions go one way, except
where Redis builds the set anew (SPOP of nearly everything, SINTERSTORE).

    entry = head member        head = the length in a byte, or 255 and the length in four bytes
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from random import Random
from typing import Final, final

from librt.strings import BytesWriter, read_i32_be, write_i32_be
from mypy_extensions import i32, i64, mypyc_attr, u8

from respd.datatypes.indexed import IndexedSet
from respd.datatypes.limits import Limits
from respd.datatypes.strings import parse_int

_REBUILD_RATIO: Final = 5  # SPOP keeps the rest instead of removing one by one when it takes this many times the rest
_OBJECT_BYTES: Final = 64
_WIDE: Final = 255
_NARROW_HEAD: Final = 1
_WIDE_HEAD: Final = 5
_LONG: Final = 256
_FEW: Final = 16  # members that are compared with each other sooner than they are hashed
_LENGTHS: Final = [bytes((size,)) for size in range(_WIDE)]


@final
@mypyc_attr(acyclic=True)
class SetValue:
    """A set of byte strings that is compact while small, with O(1) random choice.

    Invariant: at most one of `_ints`, `_packed` and `_table` is there, none only before the first member. `_ints` is
    sorted; neither it nor `_packed`, which has `_count` entries, holds anything twice.
    """

    def __init__(self) -> None:
        self._ints: array[int] | None = None
        self._packed: bytes | None = None
        self._table: IndexedSet | None = None
        self._count: i64 = 0

    def __len__(self) -> int:
        table = self._table
        if table is not None:
            return len(table.members)
        ints = self._ints
        return self._count if ints is None else len(ints)

    def encoding(self) -> bytes:
        """Return OBJECT ENCODING's answer."""
        if self._table is not None:
            return b"hashtable"
        return b"intset" if self._ints is not None else b"listpack"

    def contains(self, member: bytes) -> bool:
        """Tell whether `member` is in the set. O(1), bounded by the limits where the set is small."""
        table = self._table
        if table is not None:
            return member in table.slots
        packed = self._packed
        if packed is not None:
            return _locate(packed, member) >= 0
        ints = self._ints
        if ints is None:
            return False
        number = parse_int(member)
        return number is not None and _position(ints, number) >= 0

    def add(self, member: bytes, limits: Limits) -> bool:
        """Add `member`; return whether it is new. O(1)."""
        table = self._table
        if table is not None:
            return table.add(member)
        packed = self._packed
        if packed is not None:
            return self._add_packed(packed, member, limits)
        if self._ints is None:
            self.prepare(member, 1, limits)
            return self.add(member, limits)
        return self._add_int(self._ints, member, limits)

    def prepare(self, first: bytes, count: i64, limits: Limits) -> None:
        """Choose the representation for `count` members to come, of which `first` is one, as Redis does: by number."""
        if self._table is not None:
            return
        if self._ints is not None:
            if count > limits.set_max_intset:
                self._use_table()
        elif self._packed is not None:
            if count > limits.set_max_entries:
                self._use_table()
        elif count <= limits.set_max_intset and parse_int(first) is not None:
            self._ints = array("q")
        elif count <= limits.set_max_entries:
            self._packed = b""
        else:
            self._table = IndexedSet()

    def expect_integers(self) -> None:
        """Have this empty set keep integers first, whatever the limits say."""
        self._ints = array("q")

    def fill(self, members: list[bytes], limits: Limits, any_size: bool) -> bool:
        """Take a list of the caller's for this empty set; return False when a member comes twice. O(n log n).

        With `any_size` the small form takes all members as they are, long ones as well, as Redis does with a listpack
        that it reads. Else integers alone become an `intset`, in order, and so do those before the first other member.
        """
        count: i64 = len(members)
        if not any_size and count <= max(limits.set_max_intset, limits.set_max_entries):
            numbers: list[int] = []
            longest: i64 = 0
            for member in members:
                number = parse_int(member)
                if number is None:
                    break
                numbers.append(number)
            numbers.sort()
            if len(numbers) == count:
                self._ints = array("q", numbers)
                return len(set(numbers)) == count
            members[: len(numbers)] = [b"%d" % number for number in numbers]
            for member in members:
                longest = max(longest, len(member))
            any_size = longest <= limits.set_max_value
        if not any_size or count > limits.set_max_entries:
            table = IndexedSet()
            self._table = table
            return table.fill(members)
        packed = _pack(members)
        self._packed = packed
        self._count = count
        if count > _FEW:
            return len(set(members)) == count
        return count == 1 or _all_differ(packed)

    def fill_ints(self, numbers: array[int], limits: Limits) -> None:
        """Take different numbers in rising order, 8 bytes each, for this empty set. O(n)."""
        self._ints = numbers
        if len(numbers) > limits.set_max_intset:
            self._use_table()

    def discard(self, member: bytes) -> bool:
        """Remove `member` if present; return whether it was. O(1)."""
        table = self._table
        if table is not None:
            return table.discard(member)
        packed = self._packed
        if packed is not None:
            start = _locate(packed, member)
            if start < 0:
                return False
            self._cut(packed, start)
            return True
        ints = self._ints
        number = parse_int(member)
        if ints is None or number is None:
            return False
        position = _position(ints, number)
        if position < 0:
            return False
        ints.pop(position)
        return True

    def pick(self, random: Random) -> bytes:
        """Return a random member of a set that is not empty. O(1)."""
        table = self._table
        if table is not None:
            return table.pick(random)
        packed = self._packed
        if packed is not None:
            return _member_at(packed, _entry_start(packed, int(random.random() * len(self))))
        ints = self._ints
        assert ints is not None
        return b"%d" % ints[int(random.random() * len(ints))]

    def sample(self, count: int, random: Random) -> list[bytes]:
        """Return `count` different random members, fewer only when the set has no more. O(count)."""
        if count >= len(self):
            return self.members()
        table = self._table
        return random.sample(self.members() if table is None else table.members, count)

    def pop_random(self, random: Random) -> bytes:
        """Remove and return a random member of a set that is not empty. O(1)."""
        table = self._table
        if table is not None:
            return table.pop_random(random)
        packed = self._packed
        if packed is not None:
            start = _entry_start(packed, int(random.random() * len(self)))
            member = _member_at(packed, start)
            self._cut(packed, start)
            return member
        ints = self._ints
        assert ints is not None
        return b"%d" % ints.pop(int(random.random() * len(ints)))

    def pop_many(self, count: int, random: Random, limits: Limits) -> list[bytes]:
        """Remove and return `count` random members of a set that has more. O(count).

        When little remains, the rest moves to a new and perhaps more compact set, as in Redis.
        """
        rest = len(self) - count
        if rest * _REBUILD_RATIO > count:
            popped: list[bytes] = []
            for _ in range(count):
                popped.append(self.pop_random(random))
            return popped
        kept: list[bytes] = []
        for _ in range(rest):
            kept.append(self.pop_random(random))
        popped = self.members()
        words = self._table is not None or parse_int(kept[0]) is None
        self._table = None
        self._ints = None if words else array("q")
        self._packed = b"" if words else None
        self._count = 0
        for member in kept:
            self.add(member, limits)
        return popped

    def members(self) -> list[bytes]:
        """Return all members as a list of the caller's own: integers in order, a few as they came. O(n)."""
        table = self._table
        if table is not None:
            return table.members.copy()
        packed = self._packed
        if packed is not None:
            return _unpack(packed)
        found: list[bytes] = []
        ints = self._ints
        if ints is not None:
            for number in ints:
                found.append(b"%d" % number)
        return found

    def integers(self) -> array[int] | None:
        """Return the members of an intset, in order and not to be changed; None when it is something else. O(1)."""
        return self._ints

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """Return the next cursor and the members of this step: all at once while the set is small. O(count)."""
        table = self._table
        if table is not None:
            return table.scan(cursor, count)
        return 0, self.members()

    def store_intersection(self, members: list[bytes], compact: bool, limits: Limits) -> None:
        """Fill this empty set with what SINTERSTORE found; `compact` when the smallest set was one of integers."""
        if compact:
            self.expect_integers()
        else:
            self._packed = b""
        for member in members:
            self.add(member, limits)
        if not compact and len(members) <= limits.set_max_intset:
            numbers: list[int] = []
            for member in members:
                number = parse_int(member)
                if number is None:
                    return
                numbers.append(number)
            self._packed = None
            self._count = 0
            self._table = None
            self._ints = array("q", sorted(numbers))

    def free_some(self, count: int) -> bool:
        """Drop about `count` members of a set nobody uses any more; return whether all are gone. O(count)."""
        table = self._table
        if table is not None:
            return table.free_some(count)
        self._ints = None
        self._packed = None
        self._count = 0
        return True

    def memory_bytes(self) -> int:
        """Return an estimate of the memory used. O(1)."""
        table = self._table
        if table is not None:
            return _OBJECT_BYTES + table.memory_bytes()
        if self._packed is not None:
            return _OBJECT_BYTES + sys.getsizeof(self._packed)
        return _OBJECT_BYTES + (0 if self._ints is None else sys.getsizeof(self._ints))

    def copy(self) -> SetValue:
        """Return an independent set with the same members and encoding. O(n)."""
        twin = SetValue()
        table = self._table
        if table is not None:
            twin._table = table.copy()
        elif self._ints is not None:
            twin._ints = self._ints[:]
        else:
            twin._packed = self._packed
            twin._count = self._count
        return twin

    def check(self) -> None:
        """Assert the invariant."""
        assert (self._ints is not None) + (self._packed is not None) + (self._table is not None) <= 1
        if self._packed is None:
            assert self._count == 0
        if self._table is not None:
            self._table.check()
        elif self._packed is not None:
            assert len(set(_unpack(self._packed))) == len(_unpack(self._packed)) == self._count
        elif self._ints is not None:
            assert list(self._ints) == sorted(set(self._ints))

    def _add_packed(self, packed: bytes, member: bytes, limits: Limits) -> bool:
        if _locate(packed, member) >= 0:
            return False
        if self._count < limits.set_max_entries and len(member) <= limits.set_max_value:
            self._packed = packed + _entry(member)
            self._count += 1
        else:
            self._use_table().add(member)
        return True

    def _cut(self, packed: bytes, start: i64) -> None:
        """Remove the entry at `start`."""
        self._packed = packed[:start] + packed[_next(packed, start) :]
        self._count -= 1

    def _add_int(self, ints: array[int], member: bytes, limits: Limits) -> bool:
        number = parse_int(member)
        if number is None:
            self._leave_ints(ints, len(member), limits)
            return self.add(member, limits)
        size = len(ints)
        position = bisect_left(ints, number)
        if position < size and ints[position] == number:
            return False
        ints.insert(position, number)
        if size >= limits.set_max_intset:
            self._use_table()
        return True

    def _leave_ints(self, ints: array[int], longest: int, limits: Limits) -> None:
        if ints:
            longest = max(longest, len(b"%d" % ints[0]), len(b"%d" % ints[-1]))
        if len(ints) < limits.set_max_entries and longest <= limits.set_max_value:
            members = self.members()
            self._ints = None
            self._packed = b"".join([_entry(member) for member in members])
            self._count = len(members)
        else:
            self._use_table()

    def _use_table(self) -> IndexedSet:
        table = IndexedSet()
        for member in self.members():
            table.add(member)
        self._ints = None
        self._packed = None
        self._count = 0
        self._table = table
        return table


def union(sets: list[SetValue]) -> list[bytes]:
    """Return the members of all `sets` together. O(all members)."""
    if len(sets) == 1:
        return sets[0].members()
    found: dict[bytes, None] = {}
    for each in sets:
        for member in each.members():
            found[member] = None
    return list(found)


def union_size(sets: list[SetValue], limit: int = 0) -> int:
    """Return how many members `sets` have together, at most `limit` unless that is 0. O(all members)."""
    largest = max(map(len, sets), default=0)
    if len(sets) < 2 or 0 < limit <= largest:
        return min(largest, limit or largest)
    found: dict[bytes, None] = {}
    for each in sets:
        for member in each.members():
            found[member] = None
        if 0 < limit <= len(found):
            return limit
    return len(found)


def difference_size(first: SetValue, rest: list[SetValue], limit: int = 0) -> int:
    """Return how many members of `first` are in none of `rest`, at most `limit` unless that is 0. O(first * sets)."""
    if limit == 0 or not _asks_each(first, rest):
        size = len(difference(first, rest))
        return min(size, limit or size)
    by_size = sorted(rest, key=len, reverse=True)
    count = 0
    for member in first.members():
        for each in by_size:
            if each.contains(member):
                break
        else:
            count += 1
            if count == limit:
                break
    return count


def intersection(sets: list[SetValue], limit: int = 0) -> list[bytes]:
    """Return the members that are in every one of `sets`, at most `limit` unless that is 0. O(smallest * sets)."""
    by_size = sorted(sets, key=len)
    rest = by_size[1:]
    found: list[bytes] = []
    for member in by_size[0].members():
        for each in rest:
            if not each.contains(member):
                break
        else:
            found.append(member)
            if len(found) == limit:
                break
    return found


def difference(first: SetValue, rest: list[SetValue]) -> list[bytes]:
    """Return the members of `first` that are in none of `rest`. O(smaller of first * sets and all members)."""
    if _asks_each(first, rest):
        found: list[bytes] = []
        by_size = sorted(rest, key=len, reverse=True)
        for member in first.members():
            for each in by_size:
                if each.contains(member):
                    break
            else:
                found.append(member)
        return found
    left = dict.fromkeys(first.members())
    for each in rest:
        for member in each.members():
            left.pop(member, None)
        if not left:
            break
    return list(left)


def stored_union(sets: list[SetValue], limits: Limits) -> SetValue:
    """Return the set that SUNIONSTORE stores: at first one of integers, converting as it grows. O(all members)."""
    result = SetValue()
    result.expect_integers()
    for each in sets:
        for member in each.members():
            result.add(member, limits)
    return result


def stored_difference(first: SetValue, rest: list[SetValue], limits: Limits) -> SetValue:
    """Return the set that SDIFFSTORE stores; as in Redis it starts with integers and its encoding is of all it held."""
    result = SetValue()
    result.expect_integers()
    if _asks_each(first, rest):
        for member in difference(first, rest):
            result.add(member, limits)
        return result
    for member in first.members():
        result.add(member, limits)
    for each in rest:
        for member in each.members():
            result.discard(member)
    return result


def stored_intersection(sets: list[SetValue], limits: Limits) -> SetValue:
    """Return the set that SINTERSTORE stores: the most compact that its members allow."""
    result = SetValue()
    smallest = min(sets, key=len)
    result.store_intersection(intersection(sets), smallest.encoding() == b"intset", limits)
    return result


def _asks_each(first: SetValue, rest: list[SetValue]) -> bool:
    """Tell whether a difference is had sooner by asking every set for each member than by removing all their members.

    Redis' own rule, which gives the first way the advantage of a factor of 2 as it often stops early.
    """
    others = 0
    for each in rest:
        others += len(each)
    size = len(first)
    return size * (len(rest) + 1) // 2 <= size + others


def _position(ints: array[int], number: int) -> int:
    """Return where `number` stands in sorted `ints`, or -1."""
    position = bisect_left(ints, number)
    if position < len(ints) and ints[position] == number:
        return position
    return -1


def _entry(member: bytes) -> bytes:
    size = len(member)
    if size < _WIDE:
        return _LENGTHS[size] + member
    return b"\xff%b%b" % (size.to_bytes(4, "big"), member)


def _pack(members: list[bytes]) -> bytes:
    """Return the members as entries."""
    out = BytesWriter()
    for member in members:
        size: i64 = len(member)
        if size < _WIDE:
            out.append(u8(size))
        else:
            out.append(_WIDE)
            write_i32_be(out, i32(size))
        out.write(member)
    return out.getvalue()


def _all_differ(packed: bytes) -> bool:
    """Tell whether no member comes twice in entries. O(n²): for a few members that is the quickest."""
    size: i64 = len(packed)
    start: i64 = 0
    while start < size:
        if _locate(packed, _member_at(packed, start)) != start:
            return False
        start = _next(packed, start)
    return True


def _next(packed: bytes, start: i64) -> i64:
    """Return where the entry after the one at `start` begins."""
    size: i64 = packed[start]
    if size != _WIDE:
        return start + _NARROW_HEAD + size
    return start + _WIDE_HEAD + i64(read_i32_be(packed, start + 1))


def _member_at(packed: bytes, start: i64) -> bytes:
    """Return the member of the entry at `start`."""
    size: i64 = packed[start]
    return packed[start + (_NARROW_HEAD if size != _WIDE else _WIDE_HEAD) : _next(packed, start)]


def _entry_start(packed: bytes, index: i64) -> i64:
    """Return where the entry number `index` begins."""
    start: i64 = 0
    while index > 0:
        start = _next(packed, start)
        index -= 1
    return start


def _locate(packed: bytes, member: bytes) -> i64:
    """Return where the entry of `member` begins, or -1.

    In a long string, most absent members are not to be found at all, which C tells sooner. A slice to compare is cut
    only where the length and the last byte agree.
    """
    size: i64 = len(packed)
    if size > _LONG and packed.find(member) < 0:
        return -1
    wanted: i64 = len(member)
    last: i64 = member[wanted - 1] if wanted > 0 else 0
    start: i64 = 0
    while start < size:
        head: i64 = _NARROW_HEAD
        length: i64 = packed[start]
        if length == _WIDE:
            length = i64(read_i32_be(packed, start + 1))
            head = _WIDE_HEAD
        end: i64 = start + head + length
        if length == wanted:
            if wanted == 0 or (packed[end - 1] == last and packed[start + head : end] == member):
                return start
        start = end
    return -1


def _unpack(packed: bytes) -> list[bytes]:
    """Return the members of all entries."""
    found: list[bytes] = []
    size: i64 = len(packed)
    start: i64 = 0
    while start < size:
        length: i64 = packed[start]
        start += _NARROW_HEAD
        if length == _WIDE:
            length = i64(read_i32_be(packed, start))
            start += _WIDE_HEAD - _NARROW_HEAD
        found.append(packed[start : start + length])
        start += length
    return found
