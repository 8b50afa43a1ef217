"""A dictionary that never stops the server to grow, to shrink or to go.

A Python dictionary that grows is copied as a whole: half a second for some millions of keys, in which nobody would be
served. One that shrinks keeps its room, and a big one that goes gives its memory back in one call, which takes 15 ms.
So beyond 65,536 keys a table is split by hash into 256 dictionaries. Each grows by itself, which takes a millisecond
when there are some millions in all, and is copied into a smaller one once it is mostly empty.
"""

import sys
from itertools import islice
from typing import Final, Generic, TypeVar, final

from mypy_extensions import i64

_SPLIT_SIZE: Final = 1 << 16
_SHARDS: Final = 256
_SHARD_SHIFT: Final = 40  # a dictionary goes by the lower bits of the hash: these are left
_SPARSE_BYTES: Final = 150  # of a dictionary for each key, from which it is worth a copy: full ones take 36 to 72

Value = TypeVar("Value")


@final
class Table(Generic[Value]):
    """Byte strings with a value each. Everything costs O(1) unless it says otherwise.

    Invariant: either all is in `_whole`, or that is empty and `_shards` holds a dictionary for each value of `_shard`.
    """

    def __init__(self) -> None:
        self._whole: dict[bytes, Value] = {}
        self._shards: list[dict[bytes, Value]] | None = None

    def __contains__(self, key: bytes) -> bool:
        shards = self._shards
        return key in (self._whole if shards is None else shards[_shard(key)])

    def __len__(self) -> int:
        shards = self._shards
        return len(self._whole) if shards is None else sum([len(each) for each in shards])

    def __getitem__(self, key: bytes) -> Value:
        shards = self._shards
        return self._whole[key] if shards is None else shards[_shard(key)][key]

    def get(self, key: bytes) -> Value | None:
        """Return the value of `key`, or None."""
        shards = self._shards
        if shards is None:
            return self._whole.get(key)
        return shards[_shard(key)].get(key)

    def put(self, key: bytes, value: Value) -> None:
        """Give `key` this value, whether it is there or not."""
        shards = self._shards
        if shards is not None:
            shards[_shard(key)][key] = value
            return
        whole = self._whole
        whole[key] = value
        if len(whole) > _SPLIT_SIZE:
            self._split()

    def add(self, key: bytes, value: Value) -> bool:
        """Give `key` this value unless it has one already; return whether it is new."""
        shards = self._shards
        table = self._whole if shards is None else shards[_shard(key)]
        size = len(table)
        table.setdefault(key, value)
        if len(table) == size:
            return False
        if shards is None and size >= _SPLIT_SIZE:
            self._split()
        return True

    def pop(self, key: bytes) -> Value | None:
        """Remove `key` and return the value it had, or None."""
        shards = self._shards
        if shards is None:
            whole = self._whole
            value = whole.get(key)
            if value is not None:
                del whole[key]
            return value
        number = _shard(key)
        shard = shards[number]
        value = shard.get(key)
        if value is not None:
            del shard[key]
            size: i64 = len(shard)
            if size & (size - 1) == 0 and sys.getsizeof(shard) > _SPARSE_BYTES * (size + 1):
                shards[number] = shard.copy()  # the copy is as small as can be
        return value

    def items(self) -> list[tuple[bytes, Value]]:
        """Return all keys with their values. O(n)."""
        shards = self._shards
        if shards is None:
            return list(self._whole.items())
        found: list[tuple[bytes, Value]] = []
        for shard in shards:
            found += shard.items()
        return found

    def pop_some(self, count: int) -> list[Value]:
        """Remove up to `count` keys, whichever, and return their values, none at the end. O(count).

        For a table that is on its way out: from the first call on, only this, `pop_items` and `len` may be called.
        """
        return [value for _, value in self.pop_items(count)]

    def pop_items(self, count: int) -> list[tuple[bytes, Value]]:
        """Do as `pop_some`, and return the keys as well."""
        items: list[tuple[bytes, Value]] = []
        shards = self._shards
        table = self._whole
        while len(items) < count:
            if not table:
                if not shards:
                    break
                table = shards[-1]
                if not table:
                    shards.pop()
                continue
            items.append(table.popitem())
        return items

    def free_some(self, count: int) -> bool:
        """Drop about `count` keys, or a shard at least; return whether none is left. O(count).

        For a table whose values are small or kept elsewhere, and which is on its way out as in `pop_some`.
        """
        shards = self._shards
        while shards:
            if len(shards) == 1:
                self._whole = shards[0]
                self._shards = None
                break
            count -= len(shards.pop())
            if count <= 0:
                return False
        # One by one: this may hold the last object of each of a hundred arenas, and each gives a megabyte back.
        whole = self._whole
        while whole and count > 0:
            whole.popitem()
            count -= 1
        return not whole

    def some(self, random: float, count: i64) -> list[bytes]:
        """Return up to `count` keys that stand together, at a place that `random`, from 0 to below 1, picks.

        O(n) of the dictionary they are in, as if it were walked over.
        """
        shards = self._shards
        table = self._whole
        if shards is not None:
            random *= len(shards)
            number = int(random)
            random -= number
            table = shards[number]
        size: i64 = len(table)
        start = min(i64(int(random * float(size))), max(i64(0), size - count))
        return list(islice(table, int(start), int(start + count)))

    def parts(self) -> list[dict[bytes, Value]]:
        """Return the dictionaries that hold everything, to be read while nothing changes. O(1)."""
        shards = self._shards
        return [self._whole] if shards is None else shards

    def copy(self) -> "Table[Value]":
        """Return an independent table. O(n)."""
        twin: Table[Value] = Table()
        shards = self._shards
        twin._whole = self._whole.copy()
        twin._shards = None if shards is None else [each.copy() for each in shards]
        return twin

    def memory_bytes(self) -> int:
        """Return the memory of the dictionaries themselves, of a split table from one of them."""
        shards = self._shards
        return sys.getsizeof(self._whole) if shards is None else _SHARDS * sys.getsizeof(shards[0])

    def check(self) -> None:
        """Assert the invariant."""
        shards = self._shards
        if shards is not None:
            assert not self._whole
            for number, shard in enumerate(shards):
                assert all(_shard(key) == number for key in shard)

    def _split(self) -> None:
        shards: list[dict[bytes, Value]] = [{} for _ in range(_SHARDS)]
        for key, value in self._whole.items():
            shards[_shard(key)][key] = value
        self._whole = {}
        self._shards = shards


def _shard(key: bytes) -> i64:
    number: i64 = hash(key)
    return (number >> _SHARD_SHIFT) & (_SHARDS - 1)
