"""The nodes of a list value, and what their elements would weigh in a listpack.

Source: the listpack specification (github.com/antirez/listpack) for the sizes; redis.conf, list-max-listpack-size, for
the bounds.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64, mypyc_attr

from respd.datatypes.listpacks import number_size
from respd.datatypes.strings import parse_int

EMPTY_SIZE: Final[i64] = 7  # of a listpack without elements: header and end mark
_COUNTED_MAX_BYTES: Final[i64] = 8192  # the bound in bytes when the configured one counts elements
_SMALLEST_BYTES: Final[i64] = 4096  # the bound of -1; each further step doubles it
_STEPS: Final[i64] = 5
UNBOUNDED: Final[i64] = 1 << 62


def max_bytes(setting: i64) -> i64:
    """Return how many bytes of listpack list-max-listpack-size permits."""
    if setting >= 0:
        return _COUNTED_MAX_BYTES
    steps = -setting
    if steps > _STEPS:
        steps = _STEPS
    return _SMALLEST_BYTES << (steps - 1)


def max_count(setting: i64) -> i64:
    """Return how many elements list-max-listpack-size permits."""
    if setting < 0:
        return UNBOUNDED
    return setting if setting > 0 else 1


def entry_size(element: bytes) -> i64:
    """Return the bytes that an element takes in a listpack. Source: the listpack specification."""
    length: i64 = len(element)
    if 0 < length <= 20:
        first: i64 = element[0]
        if first <= 57 and (first >= 48 or first == 45):
            number = parse_int(element)
            if number is not None:
                return number_size(number)
    if length < 64:
        return length + 2
    return _long_size(length)


def _long_size(length: i64) -> i64:
    data = length + (2 if length < 4096 else 5)
    if data <= 127:
        return data + 1
    if data < 16383:
        return data + 2
    if data < 2097151:
        return data + 3
    if data < 268435455:
        return data + 4
    return data + 5


@final
@mypyc_attr(acyclic=True)
class Node:
    """A run of elements. Invariant: `size` is that of their listpack, or the element's length when `plain`."""

    def __init__(self) -> None:
        self.items: list[bytes] = []
        self.size: i64 = EMPTY_SIZE
        self.backwards: bool = False
        self.plain: bool = False

    def ordered(self) -> list[bytes]:
        """Return the elements from first to last, in a new list."""
        items = self.items[:]
        if self.backwards:
            items.reverse()
        return items

    def part(self, start: i64, end: i64) -> list[bytes]:
        """Return the elements from `start` to before `end`."""
        if not self.backwards:
            return self.items[start:end]
        length: i64 = len(self.items)
        items = self.items[length - end : length - start]
        items.reverse()
        return items

    def get(self, offset: i64) -> bytes:
        """Return the element at `offset`."""
        if self.backwards:
            return self.items[len(self.items) - 1 - offset]
        return self.items[offset]

    def turn(self, backwards: bool) -> None:
        """Store the elements in the given direction."""
        if self.backwards != backwards:
            self.items.reverse()
            self.backwards = backwards

    def keep(self, start: i64, end: i64) -> None:
        """Drop what is before `start` and from `end` on."""
        length: i64 = len(self.items)
        if self.backwards:
            start, end = length - end, length - start
        if end - start < length // 2:
            self.replace(self.items[start:end])
            return
        for element in self.items[end:]:
            self.size -= entry_size(element)
        del self.items[end:]
        if start > 0:
            for element in self.items[:start]:
                self.size -= entry_size(element)
            del self.items[:start]

    def replace(self, items: list[bytes]) -> None:
        """Take other elements, stored in the same direction."""
        size = EMPTY_SIZE
        for element in items:
            size += entry_size(element)
        self.items = items
        self.size = size
        self.plain = False

    def insert(self, offset: i64, element: bytes) -> None:
        """Add an element so that it comes to stand at `offset`."""
        if self.backwards:
            offset = len(self.items) - offset
        self.items.insert(offset, element)
        self.size += entry_size(element)

    def copy(self) -> Node:
        """Return an independent copy."""
        node = Node()
        node.items = self.items[:]
        node.size = self.size
        node.backwards = self.backwards
        node.plain = self.plain
        return node


def packed_node(elements: list[bytes]) -> Node:
    """Return a node of these elements, whose list it keeps."""
    node = Node()
    node.replace(elements)
    return node


def plain_node(element: bytes) -> Node:
    """Return a node of its own for an element, however large."""
    node = Node()
    node.items.append(element)
    node.size = len(element)
    node.plain = True
    return node
