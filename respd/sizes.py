"""About how much memory keys and values take, in bytes: for MEMORY USAGE, and for what an eviction frees."""

import sys
from typing import Final

from respd.database import Entry
from respd.datatypes.hashes import HashValue
from respd.datatypes.lists import ListValue
from respd.datatypes.sets import SetValue
from respd.datatypes.sorted_sets import SortedSet
from respd.datatypes.streams import Stream

# An Entry, and its share of the dictionary and of the dense list of keys.
ENTRY_AND_PLACES: Final = 56 + 8 + 48


def value_bytes(value: object) -> int:
    """Return about how much memory a value takes."""
    if isinstance(value, ListValue):
        return value.memory_bytes()
    if isinstance(value, HashValue):
        return value.memory_bytes()
    if isinstance(value, SetValue):
        return value.memory_bytes()
    if isinstance(value, SortedSet):
        return value.memory_bytes()
    if isinstance(value, Stream):
        return value.memory_bytes()
    return sys.getsizeof(value)


def key_bytes(key: bytes, entry: Entry) -> int:
    """Return about how much memory a key and its value take: name, entry, their places in the tables, and the value."""
    return sys.getsizeof(key) + ENTRY_AND_PLACES + value_bytes(entry.value)
