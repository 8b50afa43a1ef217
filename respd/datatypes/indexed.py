"""Members in a dense list, each with its slot: O(1) random choice, and a scan that keeps no state.

A dictionary alone gives neither a random member nor a cursor that survives change. So members also fill a list without
gaps, and the dictionary maps each to its slot there. Removal moves the *last* member into the hole: members only ever
move to lower slots. A scan walks downwards, from the last slot to the first, and its cursor is "everything from here up
has been seen". A member not yet seen that moves stays below the cursor; one that is new goes on top, where the scan has
been. Hence whatever stays from the first call to the last is returned at least once, perhaps twice, and nobody has to
remember who is scanning. Source: redis.io, "SCAN guarantees".
"""

import sys
from random import Random
from typing import Final, final

from mypy_extensions import mypyc_attr

from respd.datatypes.tables import Table

_SAMPLES: Final = 8
_INT_BYTES: Final = 32  # the int object that holds a slot


@final
@mypyc_attr(acyclic=True)
class IndexedSet:
    """A set of byte strings. Invariant: `slots.get(members[i]) == i` for every i, and nothing else is in `slots`.

    Both attributes may be read by whoever owns the set; only these methods change them.
    """

    def __init__(self) -> None:
        self.members: list[bytes] = []
        self.slots: Table[int] = Table()

    def __len__(self) -> int:
        return len(self.members)

    def __contains__(self, member: bytes) -> bool:
        return member in self.slots

    def add(self, member: bytes) -> bool:
        """Add `member`; return whether it is new. O(1)."""
        members = self.members
        if not self.slots.add(member, len(members)):
            return False
        members.append(member)
        return True

    def fill(self, members: list[bytes]) -> bool:
        """Take a list of the caller's for this empty set; return False when a member comes twice. O(n)."""
        slots = self.slots
        for slot, member in enumerate(members):
            if not slots.add(member, slot):
                return False
        self.members = members
        return True

    def discard(self, member: bytes) -> bool:
        """Remove `member` if present; return whether it was. O(1)."""
        slots = self.slots
        slot = slots.pop(member)
        if slot is None:
            return False
        members = self.members
        last = members.pop()
        if slot < len(members):
            members[slot] = last
            slots.put(last, slot)
        return True

    def pick(self, random: Random) -> bytes:
        """Return a random member of a set that is not empty. O(1)."""
        return self.members[int(random.random() * len(self.members))]

    def pop_random(self, random: Random) -> bytes:
        """Remove and return a random member of a set that is not empty. O(1)."""
        members = self.members
        slot = int(random.random() * len(members))
        last = members.pop()
        slots = self.slots
        if slot == len(members):
            slots.pop(last)
            return last
        member = members[slot]
        members[slot] = last
        slots.put(last, slot)
        slots.pop(member)
        return member

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """Return the next cursor, 0 at the end, and up to `count` members below `cursor`; 0 starts. O(count)."""
        start, stop = scan_span(cursor, count, len(self.members))
        return stop, self.members[stop:start]

    def free_some(self, count: int) -> bool:
        """Drop about `count` slots or members; return whether all are gone. O(count).

        From the first call on, only this and `len` may be called.
        """
        if not self.slots.free_some(count):
            return False
        del self.members[-count:]
        return not self.members

    def memory_bytes(self) -> int:
        """Return an estimate of the memory used, from a few members. O(1)."""
        members = self.members
        tables = sys.getsizeof(members) + self.slots.memory_bytes()
        return tables + len(members) * (_INT_BYTES + average_size(members))

    def copy(self) -> "IndexedSet":
        """Return an independent set of the same members in the same slots. O(n)."""
        twin = IndexedSet()
        twin.members = self.members.copy()
        twin.slots = self.slots.copy()
        return twin

    def check(self) -> None:
        """Assert the invariant."""
        assert len(self.members) == len(self.slots)
        self.slots.check()
        for slot, member in enumerate(self.members):
            assert self.slots.get(member) == slot


@final
@mypyc_attr(acyclic=True)
class IndexedMap:
    """A mapping of byte strings to byte strings, scanned and chosen from like an `IndexedSet`.

    Invariant: `slots.get(fields[i]) == i`, the value of that field is `values[i]`, and nothing else is in `slots`. All
    attributes may be read by whoever owns the map; only these methods change them.
    """

    def __init__(self) -> None:
        self.fields: list[bytes] = []
        self.values: list[bytes] = []
        self.slots: Table[int] = Table()

    def __len__(self) -> int:
        return len(self.fields)

    def __contains__(self, field: bytes) -> bool:
        return field in self.slots

    def get(self, field: bytes) -> bytes | None:
        """Return the value of `field`, or None. O(1)."""
        slot = self.slots.get(field)
        if slot is None:
            return None
        return self.values[slot]

    def set(self, field: bytes, value: bytes) -> bool:
        """Give `field` this value; return whether the field is new. O(1)."""
        slots = self.slots
        slot = slots.get(field)
        if slot is not None:
            self.values[slot] = value
            return False
        slots.put(field, len(self.fields))
        self.fields.append(field)
        self.values.append(value)
        return True

    def fill(self, flat: list[bytes]) -> bool:
        """Take fields and values, flat, into this empty map; return False when a field comes twice. O(n)."""
        fields = flat[::2]
        slots = self.slots
        for slot, field in enumerate(fields):
            if not slots.add(field, slot):
                return False
        self.fields = fields
        self.values = flat[1::2]
        return True

    def discard(self, field: bytes) -> bool:
        """Remove `field` if present; return whether it was. O(1)."""
        slots = self.slots
        slot = slots.pop(field)
        if slot is None:
            return False
        fields = self.fields
        last = fields.pop()
        value = self.values.pop()
        if slot < len(fields):
            fields[slot] = last
            self.values[slot] = value
            slots.put(last, slot)
        return True

    def pick(self, random: Random) -> int:
        """Return the slot of a random field of a map that is not empty. O(1)."""
        return int(random.random() * len(self.fields))

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """Return the next cursor, 0 at the end, and up to `count` fields and values, flat; 0 starts. O(count)."""
        start, stop = scan_span(cursor, count, len(self.fields))
        flat: list[bytes] = []
        for slot in range(stop, start):
            flat.append(self.fields[slot])
            flat.append(self.values[slot])
        return stop, flat

    def free_some(self, count: int) -> bool:
        """Drop about `count` slots or fields; return whether all are gone. O(count).

        From the first call on, only this and `len` may be called.
        """
        if not self.slots.free_some(count):
            return False
        del self.fields[-count:]
        del self.values[-count:]
        return not self.fields

    def memory_bytes(self) -> int:
        """Return an estimate of the memory used, from a few fields. O(1)."""
        fields = self.fields
        values = self.values
        tables = sys.getsizeof(fields) + sys.getsizeof(values) + self.slots.memory_bytes()
        return tables + len(fields) * (_INT_BYTES + average_size(fields) + average_size(values))

    def copy(self) -> "IndexedMap":
        """Return an independent map of the same fields and values in the same slots. O(n)."""
        twin = IndexedMap()
        twin.fields = self.fields.copy()
        twin.values = self.values.copy()
        twin.slots = self.slots.copy()
        return twin

    def check(self) -> None:
        """Assert the invariant."""
        assert len(self.fields) == len(self.values) == len(self.slots)
        self.slots.check()
        for slot, field in enumerate(self.fields):
            assert self.slots.get(field) == slot


def scan_span(cursor: int, count: int, size: int) -> tuple[int, int]:
    """Return (start, stop): a scan of `size` slots visits stop to start - 1 next, and `stop` is its new cursor.

    `cursor` is 0 to start; one beyond the size (things were removed, or a client made it up) means the top.
    """
    start = size if cursor == 0 or cursor > size else cursor
    stop = start - count
    if stop < 0:
        stop = 0
    return start, stop


def average_size(items: list[bytes]) -> int:
    """Return the average memory of a few of `items`, evenly spread, in bytes. O(1)."""
    size = len(items)
    if size == 0:
        return 0
    step = size // _SAMPLES + 1
    total = 0
    taken = 0
    for index in range(0, size, step):
        total += sys.getsizeof(items[index])
        taken += 1
    return total // taken
