"""Hash values: fields with values, some of which expire on their own.

A server holds hashes by the million, and most of them are tiny; a dictionary each would cost five times what Redis
spends. So a small hash is one immutable byte string of entries, searched from the front (encoding `listpack`):

    entry = head field value        head = two lengths in a byte each, or 255 and two lengths in four bytes each

Once a field of it expires, every entry starts with its moment of expiry in eight bytes, 0 for never, and entries are
ordered by it, the undying last (encoding `listpackex`). The earliest expiry then stands in the first eight bytes and
what is due is a prefix, so expiry needs no structure of its own. New moments go before equal ones, as in Redis: clients
see the order of fields in HGETALL.

A hash beyond the configured sizes becomes an `IndexedMap` for good (encoding `hashtable`); expiries then live in a
sorted set of fields, made when the first is set. Source: redis.io, "Redis hashes", HEXPIRE.
"""

import sys
from random import Random
from typing import Final, final

from librt.strings import BytesWriter, read_i32_be, read_i64_be, write_i32_be, write_i64_be
from mypy_extensions import i32, i64, mypyc_attr, u8

from respd.datatypes.indexed import IndexedMap
from respd.datatypes.limits import Limits
from respd.datatypes.sorted_sets import SortedSet

NO_FIELD: Final = -1
EVERY_FIELD: Final = 1 << 62

_WIDE: Final = 255
_NARROW_HEAD: Final = 2
_WIDE_HEAD: Final = 9
_STAMP: Final = 8  # bytes of a moment
_NEVER: Final = bytes(_STAMP)
_LENGTHS: Final = [bytes((size,)) for size in range(_WIDE)]
_OBJECT_BYTES: Final = 72
_AT_ONCE: Final = Limits()  # a sorted set with these is never small
_AT_ONCE.zset_max_entries = 0
_FEW: Final = 16  # fields that are compared with each other sooner than they are hashed


@final
@mypyc_attr(acyclic=True)
class FieldExpiries:
    """When fields of a large hash expire: a sorted set of them, whose scores are the moments in ms.

    A heap would keep what was moved or taken away, and stop the server when it is made anew; and so would a dictionary
    that grows. Invariant: no moment is 0.
    """

    def __init__(self) -> None:
        self._order = SortedSet()

    def __len__(self) -> int:
        return len(self._order)

    def get(self, field: bytes) -> int:
        """Return the moment at which `field` expires, 0 for never. O(1)."""
        found = self._order.find(field)
        return 0 if found is None else int(found.score)

    def set(self, field: bytes, at_ms: int) -> None:
        """Let `field` expire at this moment. O(log n)."""
        self._order.put(field, float(at_ms), _AT_ONCE)

    def discard(self, field: bytes) -> bool:
        """Let `field` live; return whether it had an expiry. O(log n)."""
        return self._order.discard(field)

    def next_ms(self) -> int:
        """Return the earliest moment, 0 for none. O(log n)."""
        return int(self._order.between(0, 1)[0].score) if len(self._order) > 0 else 0

    def take_first(self) -> bytes:
        """Forget the field that expires first, which there must be, and return it. O(log n)."""
        return self._order.pop_min().member

    def free_some(self, count: int) -> bool:
        """Drop about `count` moments of a hash nobody uses any more; return whether none is left. O(count)."""
        return self._order.free_some(count)

    def memory_bytes(self) -> int:
        """Return an estimate of the memory used. O(1)."""
        return self._order.memory_bytes()

    def copy(self) -> "FieldExpiries":
        """Return an independent twin. O(n)."""
        twin = FieldExpiries()
        twin._order = self._order.copy()
        return twin

    def check(self) -> None:
        """Assert the invariant."""
        self._order.check()
        assert all(element.score > 0 for element in self._order.unordered())


@final
@mypyc_attr(acyclic=True)
class HashValue:
    """Fields and values of one key; see the module's text for the forms.

    Invariant: `_table` is None while the hash is small, and then `_packed` holds `_count` entries with different
    fields, stamped and in order of their stamps when `_stamped`; otherwise `_packed` is empty and `_expiries` knows
    only fields of the table. `next_expire_ms` is the earliest moment at which a field expires, 0 for none.
    """

    def __init__(self) -> None:
        self._packed: bytes = b""
        self._table: IndexedMap | None = None
        self._expiries: FieldExpiries | None = None
        self.next_expire_ms: i64 = 0
        self._count: i64 = 0
        self._stamped: bool = False

    def __len__(self) -> int:
        table = self._table
        return int(self._count) if table is None else len(table.fields)

    def encoding(self) -> bytes:
        """Return OBJECT ENCODING's answer."""
        if self._table is not None:
            return b"hashtable"
        return b"listpackex" if self._stamped else b"listpack"

    def get(self, field: bytes) -> bytes | None:
        """Return the value of `field`, or None. O(1), in a small hash O(n)."""
        table = self._table
        if table is not None:
            return table.get(field)
        packed = self._packed
        _start, value, end = _locate(packed, field, _STAMP if self._stamped else 0)
        if end < 0:
            return None
        return packed[value:end]

    def has(self, field: bytes) -> bool:
        """Return whether `field` is there. O(1), in a small hash O(n)."""
        table = self._table
        if table is not None:
            return field in table.slots
        return _locate(self._packed, field, _STAMP if self._stamped else 0)[2] >= 0

    def set(self, field: bytes, value: bytes, limits: Limits) -> bool:
        """Give `field` this value and no expiry; return whether the field is new. O(1), in a small hash O(n)."""
        table = self._table
        if table is not None:
            if self._expiries is not None:
                self.persist(field)
            return table.set(field, value)
        if self._stamped:
            return self._set_stamped(field, value, limits, False)
        if len(field) > limits.hash_max_value or len(value) > limits.hash_max_value:
            return self._enlarge().set(field, value)
        packed = self._packed
        start, old, end = _locate(packed, field, 0)
        if end < 0:
            self._packed = packed + _entry(field, value)
            self._count += 1
        elif end - old == len(value):
            self._packed = b"%b%b%b" % (packed[:old], value, packed[end:])
        else:
            self._packed = b"%b%b%b" % (packed[:start], _entry(field, value), packed[end:])
        if self._count > limits.hash_max_entries:
            self._enlarge()
        return end < 0

    def set_keeping_expiry(self, field: bytes, value: bytes, limits: Limits) -> bool:
        """Give `field` this value, and leave its expiry; return whether the field is new. O(1), small O(n)."""
        table = self._table
        if table is not None:
            return table.set(field, value)
        if self._stamped:
            return self._set_stamped(field, value, limits, True)
        return self.set(field, value, limits)

    def prepare(self, words: list[bytes], first: int, limits: Limits) -> None:
        """Take the large form now if the fields and values from `words[first]` on ask for it, as Redis does."""
        if self._table is not None:
            return
        size = len(words)
        too_long = limits.hash_max_value
        enlarge = (size - first) // 2 > limits.hash_max_entries
        index = first
        while index < size and not enlarge:
            enlarge = len(words[index]) > too_long
            index += 1
        if enlarge:
            self._enlarge()

    def fill(self, flat: list[bytes], limits: Limits, any_size: bool) -> bool:
        """Take fields and values, flat, into this empty hash; return False when a field comes twice. O(n).

        With `any_size` the small form takes long ones as well, as Redis does with a listpack that it reads.
        """
        count: i64 = len(flat) // 2
        small = count <= limits.hash_max_entries
        if small and not any_size:
            small = _longest(flat) <= limits.hash_max_value
        if not small:
            table = IndexedMap()
            self._table = table
            return table.fill(flat)
        packed = _pack(flat, None)
        self._packed = packed
        self._count = count
        if count > _FEW:
            return len(set(flat[::2])) == count
        return count == 1 or _all_differ(packed)

    def fill_expiring(self, flat: list[bytes], moments: list[int], limits: Limits, any_size: bool) -> bool:
        """Do as `fill`, where `moments` are those at which the fields expire, in ms, 0 for never. O(n log n).

        The small form has stamps then, even if no field expires. Without `any_size`, of equal moments the last comes
        first, as if the fields had been added one by one.
        """
        count: i64 = len(moments)
        small = count <= limits.hash_max_entries
        if small and not any_size:
            small = _longest(flat) <= limits.hash_max_value
        if not small:
            table = IndexedMap()
            self._table = table
            expiries = FieldExpiries()
            for index, at_ms in enumerate(moments):
                if at_ms > 0:
                    expiries.set(flat[2 * index], at_ms)
            if len(expiries) > 0:
                self._expiries = expiries
                self.next_expire_ms = expiries.next_ms()
            return table.fill(flat)
        ordered: list[tuple[int, int]] = []
        for index, at_ms in enumerate(moments):
            if at_ms <= 0:
                ordered.append((EVERY_FIELD, index))
            else:
                ordered.append((at_ms, index if any_size else -index))
        ordered.sort()
        arranged: list[bytes] = []
        stamps: list[int] = []
        for at_ms, place in ordered:
            index = abs(place)
            arranged.append(flat[2 * index])
            arranged.append(flat[2 * index + 1])
            stamps.append(0 if at_ms == EVERY_FIELD else at_ms)
        self._packed = _pack(arranged, stamps)
        self._count = count
        self._stamped = True
        self._read_next()
        return len(set(flat[::2])) == count

    def delete(self, field: bytes) -> bool:
        """Remove `field` if present; return whether it was. O(1), in a small hash O(n)."""
        table = self._table
        if table is not None:
            if self._expiries is not None:
                self.persist(field)
            return table.discard(field)
        packed = self._packed
        start, _value, end = _locate(packed, field, _STAMP if self._stamped else 0)
        if end < 0:
            return False
        self._packed = packed[:start] + packed[end:]
        self._count -= 1
        if self._stamped:
            self._read_next()
        return True

    def items(self) -> list[bytes]:
        """Return all fields and values, flat. O(n)."""
        table = self._table
        if table is None:
            return _unpack(self._packed, _STAMP if self._stamped else 0, True, True)
        flat: list[bytes] = []
        values = table.values
        for slot, field in enumerate(table.fields):
            flat.append(field)
            flat.append(values[slot])
        return flat

    def fields(self) -> list[bytes]:
        """Return all fields. O(n)."""
        table = self._table
        if table is None:
            return _unpack(self._packed, _STAMP if self._stamped else 0, True, False)
        return table.fields.copy()

    def values(self) -> list[bytes]:
        """Return all values. O(n)."""
        table = self._table
        if table is None:
            return _unpack(self._packed, _STAMP if self._stamped else 0, False, True)
        return table.values.copy()

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """Return the next cursor, 0 at the end, and fields and values, flat. A small hash comes whole."""
        table = self._table
        if table is not None:
            return table.scan(cursor, count)
        return 0, self.items()

    def pick(self, random: Random) -> bytes:
        """Return a random field of a hash that is not empty. O(1), in a small hash O(n)."""
        table = self._table
        if table is not None:
            return table.fields[table.pick(random)]
        packed = self._packed
        skip: i64 = _STAMP if self._stamped else 0
        left = int(random.random() * int(self._count))
        name, value, end = _spans(packed, skip)
        while left > 0:
            name, value, end = _spans(packed, end + skip)
            left -= 1
        return packed[name:value]

    def choose(self, count: int, random: Random) -> list[bytes]:
        """Return `count` random pairs, flat and with repetition, of a hash that is not empty. O(count)."""
        size = len(self)
        return self._pairs_at([int(random.random() * size) for _ in range(count)])

    def sample(self, count: int, random: Random) -> list[bytes]:
        """Return `count` different random pairs, flat, or all when there are no more. O(count), small O(n)."""
        size = len(self)
        if count >= size:
            return self.items()
        return self._pairs_at(random.sample(range(size), count))

    def expire_at(self, field: bytes) -> int:
        """Return the moment in ms at which `field` expires, 0 for never, NO_FIELD if absent. O(1), small O(n)."""
        table = self._table
        if table is not None:
            expiries = self._expiries
            at_ms = 0 if expiries is None else expiries.get(field)
            return at_ms if at_ms != 0 or field in table.slots else NO_FIELD
        packed = self._packed
        start, _value, end = _locate(packed, field, _STAMP if self._stamped else 0)
        if end < 0:
            return NO_FIELD
        return int(read_i64_be(packed, start)) if self._stamped else 0

    def set_expire(self, field: bytes, at_ms: int) -> None:
        """Let `field`, which must be there, expire at `at_ms`, a moment above 0. O(log n), in a small hash O(n)."""
        if self._table is not None:
            expiries = self._expiries
            if expiries is None:
                expiries = self._expiries = FieldExpiries()
            expiries.set(field, at_ms)
            self.next_expire_ms = expiries.next_ms()
        else:
            self.expect_expiries()
            self._move(field, at_ms)

    def expect_expiries(self) -> None:
        """Take the small form with stamps, as Redis does before it looks whether any field will expire. O(n)."""
        if self._table is None and not self._stamped:
            self._stamp_all()

    def persist(self, field: bytes) -> bool:
        """Let `field` live; return whether it had an expiry. O(log n), in a small hash O(n)."""
        if self._table is not None:
            expiries = self._expiries
            if expiries is None or not expiries.discard(field):
                return False
            self.next_expire_ms = expiries.next_ms()
            if self.next_expire_ms == 0:
                self._expiries = None
            return True
        if self.next_expire_ms == 0 or self.expire_at(field) <= 0:
            return False
        self._move(field, 0)
        return True

    def take_expired(self, now_ms: i64, limit: i64 = EVERY_FIELD) -> list[bytes]:
        """Remove the fields whose moment has come, and return them, earliest first. O(log n) each, small O(n).

        A large hash gives up no more than `limit` of them; `next_expire_ms` then tells that there are others.
        """
        taken: list[bytes] = []
        table = self._table
        if table is not None:
            expiries = self._expiries
            while expiries is not None and self.next_expire_ms <= now_ms and len(taken) < limit:
                field = expiries.take_first()
                table.discard(field)
                taken.append(field)
                self.next_expire_ms = expiries.next_ms()
                if self.next_expire_ms == 0:
                    expiries = self._expiries = None
            return taken
        packed = self._packed
        size: i64 = len(packed)
        start: i64 = 0
        while self._stamped and start < size:
            at_ms = read_i64_be(packed, start)
            if at_ms == 0 or at_ms > now_ms:
                break
            name, value, start = _spans(packed, start + _STAMP)
            taken.append(packed[name:value])
        if taken:
            self._packed = packed[start:]
            self._count -= len(taken)
            self._read_next()
        return taken

    def free_some(self, count: int) -> bool:
        """Drop up to `count` fields of a hash nobody uses any more; return whether it is empty now. O(count)."""
        expiries = self._expiries
        if expiries is not None:
            if expiries.free_some(count):
                self._expiries = None
            return False
        table = self._table
        if table is not None:
            return table.free_some(count)
        self._packed = b""
        self._count = 0
        return True

    def memory_bytes(self) -> int:
        """Return an estimate of the memory used. O(1)."""
        table = self._table
        if table is None:
            return _OBJECT_BYTES + sys.getsizeof(self._packed)
        expiries = self._expiries
        expiring = 0 if expiries is None else expiries.memory_bytes()
        return _OBJECT_BYTES + table.memory_bytes() + expiring

    def copy(self) -> "HashValue":
        """Return an independent hash of the same fields, values and expiries. O(1), in a large hash O(n)."""
        twin = HashValue()
        twin._packed = self._packed
        twin._count = self._count
        twin._stamped = self._stamped
        twin.next_expire_ms = self.next_expire_ms
        table = self._table
        if table is not None:
            twin._table = table.copy()
        expiries = self._expiries
        if expiries is not None:
            twin._expiries = expiries.copy()
        return twin

    def check(self) -> None:
        """Assert the invariant."""
        fields = self.fields()
        assert len(fields) == len(set(fields)) == len(self)
        moments = [self.expire_at(field) for field in fields]
        assert all(at_ms >= 0 for at_ms in moments)
        dying = [at_ms for at_ms in moments if at_ms > 0]
        assert self.next_expire_ms == min(dying, default=0)
        table = self._table
        if table is None:
            assert self._expiries is None
            assert moments == sorted(dying) + [0] * (len(moments) - len(dying))
            return
        assert self._packed == b"" and self._count == 0 and not self._stamped
        table.check()
        if self._expiries is not None:
            assert dying and len(self._expiries) == len(dying)
            self._expiries.check()

    def _set_stamped(self, field: bytes, value: bytes, limits: Limits, keep_expiry: bool) -> bool:
        """Set in a small stamped hash: a field that loses its expiry moves to the end, others keep their place."""
        if len(field) > limits.hash_max_value or len(value) > limits.hash_max_value:
            table = self._enlarge()
            if not keep_expiry:
                self.persist(field)
            return table.set(field, value)
        packed = self._packed
        start, _value, end = _locate(packed, field, _STAMP)
        entry = _entry(field, value)
        if end < 0:
            self._packed = b"%b%b%b" % (packed, _NEVER, entry)
            self._count += 1
        elif keep_expiry or read_i64_be(packed, start) == 0:
            self._packed = b"%b%b%b" % (packed[: start + _STAMP], entry, packed[end:])
        else:
            self._packed = b"%b%b%b%b" % (packed[:start], packed[end:], _NEVER, entry)
            self._read_next()
        if self._count > limits.hash_max_entries:
            self._enlarge()
        return end < 0

    def _move(self, field: bytes, at_ms: int) -> None:
        """Give a field of a stamped hash another moment, 0 for never, and the place that belongs to it."""
        packed = self._packed
        start, _value, end = _locate(packed, field, _STAMP)
        entry = packed[start + _STAMP : end]
        rest = packed[:start] + packed[end:]
        size: i64 = len(rest)
        place: i64 = 0
        if at_ms == 0:
            place = size
        moment: i64 = at_ms
        while place < size:
            other = read_i64_be(rest, place)
            if other == 0 or other >= moment:
                break
            place = _spans(rest, place + _STAMP)[2]
        self._packed = b"%b%b%b%b" % (rest[:place], at_ms.to_bytes(_STAMP, "big"), entry, rest[place:])
        self._read_next()

    def _read_next(self) -> None:
        self.next_expire_ms = read_i64_be(self._packed, 0) if self._packed else 0

    def _stamp_all(self) -> None:
        """Turn listpack into listpackex."""
        packed = self._packed
        size: i64 = len(packed)
        start: i64 = 0
        parts: list[bytes] = []
        while start < size:
            end = _spans(packed, start)[2]
            parts.append(_NEVER)
            parts.append(packed[start:end])
            start = end
        self._packed = b"".join(parts)
        self._stamped = True

    def _enlarge(self) -> IndexedMap:
        """Turn a small hash into a large one, and return its table."""
        table = IndexedMap()
        packed = self._packed
        skip: i64 = _STAMP if self._stamped else 0
        size: i64 = len(packed)
        start: i64 = 0
        while start < size:
            name, value, end = _spans(packed, start + skip)
            field = packed[name:value]
            table.set(field, packed[value:end])
            at_ms = int(read_i64_be(packed, start)) if self._stamped else 0
            if at_ms > 0:
                expiries = self._expiries
                if expiries is None:
                    expiries = self._expiries = FieldExpiries()
                expiries.set(field, at_ms)
            start = end
        self._table = table
        self._packed = b""
        self._count = 0
        self._stamped = False
        return table

    def _pairs_at(self, slots: list[int]) -> list[bytes]:
        """Return the pairs at these positions, flat."""
        flat: list[bytes] = []
        table = self._table
        if table is not None:
            for slot in slots:
                flat.append(table.fields[slot])
                flat.append(table.values[slot])
        else:
            items = self.items()
            for slot in slots:
                flat.append(items[2 * slot])
                flat.append(items[2 * slot + 1])
        return flat


def _entry(field: bytes, value: bytes) -> bytes:
    """Return a pair as an entry without a stamp."""
    field_size: i64 = len(field)
    value_size: i64 = len(value)
    if field_size < _WIDE and value_size < _WIDE:
        return b"%b%b%b%b" % (_LENGTHS[field_size], _LENGTHS[value_size], field, value)
    head = len(field).to_bytes(4, "big") + len(value).to_bytes(4, "big")
    return b"%b%b%b%b" % (b"\xff", head, field, value)


def _pack(flat: list[bytes], stamps: list[int] | None) -> bytes:
    """Return fields and values, flat, as entries, with these stamps or none."""
    out = BytesWriter()
    size: i64 = len(flat)
    index: i64 = 0
    while index < size:
        field = flat[index]
        value = flat[index + 1]
        if stamps is not None:
            write_i64_be(out, stamps[index >> 1])
        field_size: i64 = len(field)
        value_size: i64 = len(value)
        if field_size < _WIDE and value_size < _WIDE:
            out.append(u8(field_size))
            out.append(u8(value_size))
        else:
            out.append(_WIDE)
            write_i32_be(out, i32(field_size))
            write_i32_be(out, i32(value_size))
        out.write(field)
        out.write(value)
        index += 2
    return out.getvalue()


def _all_differ(packed: bytes) -> bool:
    """Tell whether no field comes twice in entries without stamps. O(n²): for a few fields that is the quickest."""
    size: i64 = len(packed)
    start: i64 = 0
    while start < size:
        name, value, end = _spans(packed, start)
        if _locate(packed, packed[name:value], 0)[0] != start:
            return False
        start = end
    return True


def _longest(words: list[bytes]) -> i64:
    """Return the size of the longest word."""
    longest: i64 = 0
    for word in words:
        size: i64 = len(word)
        if size > longest:
            longest = size
    return longest


def _unpack(packed: bytes, skip: i64, with_fields: bool, with_values: bool) -> list[bytes]:
    """Return fields, values or both of all entries; `skip` is the size of the stamps."""
    found: list[bytes] = []
    size: i64 = len(packed)
    start: i64 = 0
    while start < size:
        name, value, end = _spans(packed, start + skip)
        if with_fields:
            found.append(packed[name:value])
        if with_values:
            found.append(packed[value:end])
        start = end
    return found


def _spans(packed: bytes, head: i64) -> tuple[i64, i64, i64]:
    """Return where the field, the value and the next entry start, of the entry whose lengths stand at `head`."""
    field_size: i64 = packed[head]
    if field_size != _WIDE:
        name: i64 = head + _NARROW_HEAD
        value: i64 = name + field_size
        return name, value, value + packed[head + 1]
    name = head + _WIDE_HEAD
    value = name + i64(read_i32_be(packed, head + 1))
    return name, value, value + i64(read_i32_be(packed, head + 5))


def _locate(packed: bytes, field: bytes, skip: i64) -> tuple[i64, i64, i64]:
    """Return where the entry of `field`, its value, and the next entry start; the last is -1 when there is none.

    `skip` is the size of the stamps. A slice to compare is cut only where the length and the last byte agree.
    """
    size: i64 = len(packed)
    wanted: i64 = len(field)
    last: i64 = field[wanted - 1] if wanted > 0 else 0
    start: i64 = 0
    while start < size:
        head: i64 = start + skip
        field_size: i64 = packed[head]
        value_size: i64 = packed[head + 1]
        name: i64 = head + _NARROW_HEAD
        if field_size == _WIDE:
            field_size = i64(read_i32_be(packed, head + 1))
            value_size = i64(read_i32_be(packed, head + 5))
            name = head + _WIDE_HEAD
        value: i64 = name + field_size
        if field_size == wanted:
            if wanted == 0 or (packed[value - 1] == last and packed[name:value] == field):
                return start, value, value + value_size
        start = value + value_size
    return -1, -1, -1
