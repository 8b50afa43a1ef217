"""List values: both ends in O(1), slices fast, the middle quick, and the encoding that Redis would report.

A list is a row of nodes, each a Python list of at most a few kilobytes' worth of elements. Redis keeps small lists in
one listpack and larger ones in a quicklist, a chain of listpacks of bounded size, and OBJECT ENCODING tells which.
Whether a shrinking quicklist turns back into a listpack depends on how many nodes it has, so our nodes hold exactly the
elements that Redis' nodes would hold. For that each node keeps the size in bytes of the listpack it stands for. The
bounds are those of list-max-listpack-size: a positive number of elements, or -1 to -5 for 4 to 64 kB. The rules, found
by watching redis-server 8:

* A listpack that would outgrow the bound becomes a quicklist of one node. Before the elements are added, the length of
  their text counts, not their encoded size.
* A quicklist adds at an end to the node there while the bound, with 8 bytes to spare, permits; else it starts a node.
* An element larger than the bound has a node of its own ("plain"), to which nothing is ever added.
* Inserting into a full node goes to the neighbour when it is at the rim and the neighbour has room. Otherwise the
  node is split, and afterwards neighbours that fit into one node together are joined.
* Removing joins nothing. A quicklist of one node that is not plain turns into a listpack when it has shrunk to half the
  bound.

Pushing and popping at the front of a Python list moves all the others, so a node may be stored backwards, last element
first: the first of several nodes is, from the first push or pop on, and then `append` and `pop` serve both ends. A
list of one node moves what it has, at most a few kilobytes of pointers.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64, mypyc_attr

from respd.datatypes.limits import Limits
from respd.datatypes.list_nodes import EMPTY_SIZE, UNBOUNDED, Node, entry_size, max_bytes, max_count
from respd.datatypes.strings import parse_int

LISTPACK: Final = b"listpack"
QUICKLIST: Final = b"quicklist"

_SPARE: Final[i64] = 8  # what a quicklist's node leaves free
_ELEMENT_OVERHEAD: Final = 44  # a bytes object and the pointer to it, alignment included
_NODE_OVERHEAD: Final = 152
_VALUE_OVERHEAD: Final = 96
_UNUSED: Final = Node()


@final
@mypyc_attr(acyclic=True)
class ListValue:
    """A list of byte strings.

    Invariant: while it is a listpack, `_nodes` is None and `_head` and `_tail` are its only node. As a quicklist,
    `_nodes[_first:]` are its nodes in order, none of them empty (but one, when the list is), from `_head` to `_tail`;
    the places before `_first` are unused. `_length` is the number of elements. `_max_bytes` and `_max_count` bound
    the nodes of a quicklist as configured when it became one.
    """

    def __init__(self) -> None:
        node = Node()
        self._head: Node = node
        self._tail: Node = node
        self._length: i64 = 0
        self._nodes: list[Node] | None = None
        self._first: i64 = 0
        self._max_bytes: i64 = 0
        self._max_count: i64 = 0

    def __len__(self) -> int:
        return self._length

    def encoding(self) -> bytes:
        """Return what OBJECT ENCODING answers."""
        return LISTPACK if self._nodes is None else QUICKLIST

    # -- the ends

    def push_head(self, element: bytes, limits: Limits) -> None:
        """Add an element in front. O(1)."""
        if self._nodes is None:
            self._make_room(len(element), 1, limits)
        self._push_head(element)

    def push_tail(self, element: bytes, limits: Limits) -> None:
        """Add an element at the end. O(1)."""
        if self._nodes is None:
            self._make_room(len(element), 1, limits)
        self._push_tail(element)

    def push_heads(self, words: list[bytes], start: i64, limits: Limits) -> None:
        """Add the words from `start` on in front, one after the other: the last comes first."""
        self._make_room_for_all(words, start, limits)
        end: i64 = len(words)
        for index in range(start, end):
            self._push_head(words[index])

    def push_tails(self, words: list[bytes], start: i64, limits: Limits) -> None:
        """Add the words from `start` on at the end."""
        self._make_room_for_all(words, start, limits)
        end: i64 = len(words)
        for index in range(start, end):
            self._push_tail(words[index])

    def push_moved(self, element: bytes, at_head: bool, limits: Limits) -> None:
        """Add an element that was popped from a list; numbers then weigh nothing in a listpack's bound, as in Redis."""
        if self._nodes is None:
            self._make_room(0 if parse_int(element) is not None else len(element), 1, limits)
        if at_head:
            self._push_head(element)
        else:
            self._push_tail(element)

    def _push_head(self, element: bytes) -> None:
        node = self._head
        items = node.items
        if self._nodes is not None and (
            node.size + len(element) + _SPARE > self._max_bytes or len(items) >= self._max_count or node.plain
        ):
            node = self._new_node(element, True)
            items = node.items
        if node.backwards:
            items.append(element)
        elif not items:
            node.backwards = True
            items.append(element)
        elif node is self._tail:
            items.insert(0, element)
        else:
            node.turn(True)
            items.append(element)
        if not node.plain:
            node.size += entry_size(element)
        self._length += 1

    def _push_tail(self, element: bytes) -> None:
        node = self._tail
        items = node.items
        if self._nodes is not None and (
            node.size + len(element) + _SPARE > self._max_bytes or len(items) >= self._max_count or node.plain
        ):
            node = self._new_node(element, False)
            items = node.items
        if not node.backwards:
            items.append(element)
        elif not items:
            node.backwards = False
            items.append(element)
        elif node is self._head:
            items.insert(0, element)
        else:
            node.turn(False)
            items.append(element)
        if not node.plain:
            node.size += entry_size(element)
        self._length += 1

    def _new_node(self, element: bytes, at_head: bool) -> Node:
        """Put a new node, still empty, at an end of a quicklist; plain when the element is large."""
        node = Node()
        if len(element) > self._max_bytes:
            node.plain = True
            node.size = len(element)
        if self._length == 0:
            self._nodes = [node]
            self._first = 0
            self._head = node
            self._tail = node
        elif at_head:
            self._add_node(0, node)
        else:
            self._add_node(self.node_count(), node)
        return node

    def pop_head(self) -> bytes:
        """Take the first element, which there must be. Call `shrink` when done. O(1)."""
        node = self._head
        items = node.items
        if node.backwards:
            element = items.pop()
        elif node is self._tail:
            element = items.pop(0)
        else:
            node.turn(True)
            element = items.pop()
        self._length -= 1
        if items:
            node.size -= entry_size(element)
        else:
            self._drop_node(0)
        return element

    def pop_tail(self) -> bytes:
        """Take the last element, which there must be. Call `shrink` when done. O(1)."""
        node = self._tail
        items = node.items
        if not node.backwards:
            element = items.pop()
        elif node is self._head:
            element = items.pop(0)
        else:
            node.turn(False)
            element = items.pop()
        self._length -= 1
        if items:
            node.size -= entry_size(element)
        else:
            self._drop_node(self.node_count() - 1)
        return element

    def pop_heads(self, count: i64) -> list[bytes]:
        """Take up to `count` elements from the front, the first first. Call `shrink` when done."""
        if count > self._length:
            count = self._length
        found = self.slice(0, count)
        self.remove_range(0, count)
        return found

    def pop_tails(self, count: i64) -> list[bytes]:
        """Take up to `count` elements from the end, the last first. Call `shrink` when done."""
        if count > self._length:
            count = self._length
        found = self.slice(self._length - count, self._length)
        self.remove_range(self._length - count, self._length)
        found.reverse()
        return found

    # -- reading

    def get(self, index: i64) -> bytes | None:
        """Return the element at `index`, counted from the end when negative; None when there is none. O(nodes)."""
        length = self._length
        if index < 0:
            index += length
        if index < 0 or index >= length:
            return None
        head = self._head
        head_length: i64 = len(head.items)
        if index < head_length:
            return head.get(index)
        place, offset = self._find(index)
        return self._node(place).get(offset)

    def slice(self, start: i64, end: i64) -> list[bytes]:
        """Return the elements from `start` to before `end`; 0 <= start <= end <= len. O(nodes + elements)."""
        if start >= end:
            return []
        node = self._head
        length: i64 = len(node.items)
        if end <= length:
            return node.part(start, end)
        place, offset = self._find(start)
        found: list[bytes] = []
        left = end - start
        while left > 0:
            node = self._node(place)
            taken = len(node.items) - offset
            if taken > left:
                taken = left
            found += node.part(offset, offset + taken)
            left -= taken
            place += 1
            offset = 0
        return found

    def to_list(self) -> list[bytes]:
        """Return all elements."""
        return self.slice(0, self._length)

    def positions(self, element: bytes, rank: i64, count: i64, depth: i64) -> list[int]:
        """Return where `element` is: `count` indices (0: all), from the `rank`-th match on (negative: from the end).

        At most `depth` elements are compared (0: all).
        """
        found: list[int] = []
        length = self._length
        if depth == 0 or depth > length:
            depth = length
        forwards = rank > 0
        if not forwards:
            rank = -rank
        if count == 0:
            count = UNBOUNDED
        nodes = self.node_count()
        place: i64 = 0 if forwards else nodes - 1
        seen: i64 = 0
        while seen < depth and 0 <= place < nodes:
            node = self._node(place)
            size: i64 = len(node.items)
            if element in node.items:
                for step in range(size):
                    if seen + step >= depth:
                        break
                    if node.get(step if forwards else size - 1 - step) == element:
                        if rank > 1:
                            rank -= 1
                        else:
                            found.append(seen + step if forwards else length - 1 - seen - step)
                            count -= 1
                            if count == 0:
                                return found
            seen += size
            place += 1 if forwards else -1
        return found

    # -- changing the middle

    def set(self, index: i64, element: bytes, limits: Limits) -> bool:
        """Replace the element at `index`, negative from the end; False when there is none. O(nodes)."""
        self._make_room(len(element), 1, limits)
        length = self._length
        if index < 0:
            index += length
        if index < 0 or index >= length:
            return False
        place, offset = self._find(index)
        node = self._node(place)
        if self._nodes is None or not (node.plain or self._is_large(element)):
            where = len(node.items) - 1 - offset if node.backwards else offset
            node.size += entry_size(element) - entry_size(node.items[where])
            node.items[where] = element
        elif not node.plain:
            self._replace_by_large(place, offset, element)
        elif self._is_large(element):
            node.items[0] = element
            node.size = len(element)
        else:
            self._insert_at(place, 0, element, True)
            self._drop_node(place)
            self._length -= 1
        self.shrink(limits)
        return True

    def insert(self, pivot: bytes, element: bytes, after: bool, limits: Limits) -> bool:
        """Add an element before or after the first `pivot`; False when there is none. O(n)."""
        self._make_room(len(element), 1, limits)
        for place in range(self.node_count()):
            node = self._node(place)
            if pivot in node.items:
                offset = node.ordered().index(pivot)
                if self._nodes is None:
                    node.insert(offset + 1 if after else offset, element)
                    self._length += 1
                else:
                    self._insert_at(place, offset, element, after)
                return True
        return False

    def remove(self, element: bytes, count: i64, limits: Limits) -> int:
        """Remove `count` occurrences (0: all; negative: from the end) and return how many there were. O(n)."""
        left = count if count > 0 else -count
        if count == 0:
            left = UNBOUNDED
        removed: i64 = 0
        place: i64 = 0 if count >= 0 else self.node_count() - 1
        while left > 0 and 0 <= place < self.node_count():
            node = self._node(place)
            if element in node.items:
                taken = self._remove_in(node, element, left, count < 0)
                left -= taken
                removed += taken
                self._length -= taken
                if not node.items:
                    self._drop_node(place)
                    if count >= 0:
                        continue
            place += 1 if count >= 0 else -1
        self.shrink(limits)
        return removed

    def _remove_in(self, node: Node, element: bytes, limit: i64, from_end: bool) -> i64:
        """Remove up to `limit` occurrences from a node; return how many there were."""
        node.turn(from_end)
        removed: i64 = 0
        kept: list[bytes] = []
        items = node.items
        for index in range(len(items)):
            if removed < limit and items[index] == element:
                removed += 1
            else:
                kept.append(items[index])
        node.items = kept
        node.size -= removed * entry_size(element)
        return removed

    def remove_range(self, start: i64, end: i64) -> None:
        """Remove the elements from `start` to before `end`. Call `shrink` when done. O(nodes)."""
        if start >= end:
            return
        left = end - start
        place, offset = self._find(start)
        self._length -= left
        node = self._node(place)
        size: i64 = len(node.items)
        if offset > 0:
            if offset + left < size:
                node.turn(False)
                node.replace(node.items[:offset] + node.items[offset + left :])
                return
            node.keep(0, offset)
            left -= size - offset
            place += 1
        stop = place
        while left > 0:
            node = self._node(stop)
            size = len(node.items)
            if left < size:
                node.keep(left, size)
                break
            left -= size
            stop += 1
        if stop > place:
            self._drop_nodes(place, stop)

    def trim(self, start: i64, end: i64, limits: Limits) -> None:
        """Keep only the elements from `start` to before `end`."""
        self.remove_range(end, self._length)
        self.remove_range(0, start)
        self.shrink(limits)

    # -- nodes

    def node_count(self) -> i64:
        """Return how many nodes there are."""
        nodes = self._nodes
        if nodes is None:
            return 1
        return len(nodes) - self._first

    def nodes(self) -> list[Node]:
        """Return the nodes in order, to be read at once. O(nodes)."""
        nodes = self._nodes
        return [self._head] if nodes is None else nodes[self._first :]

    def packed_size(self) -> int:
        """Return the bytes of all listpacks, for DEBUG OBJECT."""
        total: i64 = 0
        for place in range(self.node_count()):
            total += self._node(place).size
        return total

    def _node(self, place: i64) -> Node:
        nodes = self._nodes
        if nodes is None:
            return self._head
        return nodes[self._first + place]

    def _find(self, index: i64) -> tuple[i64, i64]:
        """Return the node that holds `index` (0 <= index < len) and the offset there; from the nearer end."""
        nodes = self._nodes
        if nodes is None:
            return 0, index
        first = self._first
        last: i64 = len(nodes)
        if index < self._length // 2:
            place = first
            while True:
                size: i64 = len(nodes[place].items)
                if index < size:
                    return place - first, index
                index -= size
                place += 1
        left = self._length - index
        place = last - 1
        while True:
            size = len(nodes[place].items)
            if left <= size:
                return place - first, size - left
            left -= size
            place -= 1

    def _add_node(self, place: i64, node: Node) -> None:
        """Add a node to a quicklist so that it comes to stand at `place`. O(1) at both ends, amortised."""
        nodes = self._nodes
        assert nodes is not None
        if place == 0:
            if self._first == 0:
                room = len(nodes) // 2 + 8
                nodes[:0] = [_UNUSED] * room
                self._first = room
            self._first -= 1
            nodes[self._first] = node
            self._head = node
        else:
            nodes.insert(self._first + place, node)
            self._tail = nodes[-1]

    def _drop_node(self, place: i64) -> None:
        """Remove a node; of the last one in a list only what is in it. O(1) at both ends, amortised."""
        self._drop_nodes(place, place + 1)

    def _drop_nodes(self, place: i64, stop: i64) -> None:
        """Remove the nodes from `place` to before `stop`, but keep one, empty, when they are all."""
        nodes = self._nodes
        if place == 0 and stop == self.node_count():
            node = self._tail
            node.items = []
            node.size = EMPTY_SIZE
            node.plain = False
            self._head = node
            if nodes is not None:
                self._nodes = [node]
                self._first = 0
            return
        assert nodes is not None
        first = self._first
        if place == 0:
            for index in range(first, first + stop):
                nodes[index] = _UNUSED
            first += stop
            if first > 16 and first * 2 > len(nodes):
                del nodes[:first]
                first = 0
            self._first = first
            self._head = nodes[first]
        elif stop == place + 1:
            nodes.pop(first + place)
            self._tail = nodes[-1]
        else:
            del nodes[first + place : first + stop]
            self._tail = nodes[-1]

    def _is_large(self, element: bytes) -> bool:
        return len(element) > self._max_bytes

    def _has_room(self, node: Node, element: bytes) -> bool:
        return not (
            node.plain
            or self._is_large(element)
            or node.size + len(element) + _SPARE > self._max_bytes
            or len(node.items) >= self._max_count
        )

    def _insert_at(self, place: i64, offset: i64, element: bytes, after: bool) -> None:
        """Add an element to a quicklist, before or after the one at an offset of a node."""
        node = self._node(place)
        size: i64 = len(node.items)
        at_rim = offset == (size - 1 if after else 0)
        self._length += 1
        if self._has_room(node, element):
            node.insert(offset + 1 if after else offset, element)
            return
        beside = place + 1 if after else place - 1
        if at_rim and 0 <= beside < self.node_count():
            neighbour = self._node(beside)
            if self._has_room(neighbour, element):
                neighbour.insert(0 if after else len(neighbour.items), element)
                return
        new = Node()
        if self._is_large(element):
            new.plain = True
            new.size = len(element)
            new.items.append(element)
            if not (at_rim or node.plain):
                self._split(place, offset + 1 if after else offset)
                self._add_node(place + 1, new)
                return
        elif at_rim:
            new.insert(0, element)
        else:
            self._split(place, offset + 1 if after else offset)
            if after:
                self._node(place + 1).insert(0, element)
                self._join_around(place)
            else:
                node = self._node(place)
                node.insert(len(node.items), element)
                self._join_around(place + 1)
            return
        self._add_node(place + 1 if after else place, new)

    def _split(self, place: i64, offset: i64) -> None:
        """Move the elements of a node from `offset` on to a new node behind it."""
        node = self._node(place)
        behind = Node()
        node.turn(False)
        behind.replace(node.items[offset:])
        node.replace(node.items[:offset])
        self._add_node(place + 1, behind)

    def _replace_by_large(self, place: i64, offset: i64, element: bytes) -> None:
        """Replace an element of a node that is not plain by one so large that it needs a node of its own."""
        node = self._node(place)
        if offset < len(node.items) - 1:
            self._split(place, offset + 1)
        new = Node()
        new.plain = True
        new.size = len(element)
        new.items.append(element)
        self._add_node(place + 1, new)
        size: i64 = len(node.items)
        if size == 1:
            self._drop_node(place)
        else:
            node.keep(0, size - 1)
            self._join_around(place + 1)

    def _join_around(self, place: i64) -> None:
        """Join nodes around one that was just split, where two of them fit into one."""
        if place >= 2 and self._join(place - 2):
            place -= 1
        if place + 2 < self.node_count():
            self._join(place + 1)
        if place >= 1 and self._join(place - 1):
            place -= 1
        if place + 1 < self.node_count():
            self._join(place)

    def _join(self, place: i64) -> bool:
        """Join a node with the one behind it when they fit into one; tell whether they did."""
        node = self._node(place)
        behind = self._node(place + 1)
        size = node.size + behind.size - EMPTY_SIZE
        count: i64 = len(node.items) + len(behind.items)
        if node.plain or behind.plain or size > self._max_bytes or count > self._max_count:
            return False
        node.turn(False)
        behind.turn(False)
        node.items += behind.items
        node.size = size
        self._drop_node(place + 1)
        return True

    # -- conversions

    def _make_room(self, added_bytes: i64, added_count: i64, limits: Limits) -> None:
        """Turn a listpack into a quicklist when it would outgrow the bound."""
        if self._nodes is not None:
            return
        setting = limits.list_max_size
        if self._head.size + added_bytes > max_bytes(setting) or self._length + added_count > max_count(setting):
            self._nodes = [self._head]
            self._first = 0
            self._max_bytes = max_bytes(setting)
            self._max_count = max_count(setting)

    def _make_room_for_all(self, words: list[bytes], start: i64, limits: Limits) -> None:
        if self._nodes is None:
            total: i64 = 0
            end: i64 = len(words)
            for index in range(start, end):
                total += len(words[index])
            self._make_room(total, end - start, limits)

    def shrink(self, limits: Limits) -> None:
        """Turn a quicklist that has shrunk to half the bound into a listpack; to be called after elements went."""
        if self._nodes is not None:
            self._pack(limits, 2)

    def _pack(self, limits: Limits, divisor: i64) -> None:
        if self.node_count() != 1 or self._head.plain:
            return
        setting = limits.list_max_size
        if setting < 0:
            if self._head.size > max_bytes(setting) // divisor:
                return
        elif self._length > max_count(setting) // divisor:
            return
        self._nodes = None
        self._first = 0

    def fill(self, elements: list[bytes], limits: Limits) -> None:
        """Take the elements of a result (SORT STORE), encoded as Redis does then; the list must be empty."""
        setting = limits.list_max_size
        self._nodes = [self._head]
        self._max_bytes = max_bytes(setting)
        self._max_count = max_count(setting)
        for element in elements:
            self._push_tail(element)
        self._pack(limits, 1)

    def fill_nodes(self, nodes: list[Node], limits: Limits) -> None:
        """Take the nodes of a quicklist read from a file, none empty, however large; the list must be empty."""
        setting = limits.list_max_size
        self._nodes = nodes
        self._head = nodes[0]
        self._tail = nodes[-1]
        self._max_bytes = max_bytes(setting)
        self._max_count = max_count(setting)
        for node in nodes:
            self._length += len(node.items)
        self._pack(limits, 1)

    # -- the whole

    def copy(self) -> ListValue:
        """Return an independent copy with the same encoding."""
        new = ListValue()
        new._length = self._length
        new._max_bytes = self._max_bytes
        new._max_count = self._max_count
        nodes: list[Node] = []
        for place in range(self.node_count()):
            nodes.append(self._node(place).copy())
        new._head = nodes[0]
        new._tail = nodes[-1]
        if self._nodes is not None:
            new._nodes = nodes
        return new

    def free_some(self, count: int) -> bool:
        """Drop about `count` elements from the end; tell whether none is left."""
        length = self._length
        start = length - i64(count)
        self.remove_range(start if start > 0 else 0, length)
        return self._length == 0

    def memory_bytes(self) -> int:
        """Estimate the memory it takes, from its first and last node."""
        nodes = self.node_count()
        payload = self._head.size
        if nodes > 1:
            payload = (self._head.size + self._tail.size) // 2 * nodes
        total = int(payload) + int(self._length) * _ELEMENT_OVERHEAD + int(nodes) * _NODE_OVERHEAD
        return total + _VALUE_OVERHEAD

    def check(self) -> None:
        """Assert the invariant. O(n)."""
        nodes = [self._head]
        if self._nodes is not None:
            nodes = self._nodes[self._first :]
            assert nodes
            for place in range(self._first):
                assert self._nodes[place] is _UNUSED
        assert nodes[0] is self._head
        assert nodes[-1] is self._tail
        length = 0
        for node in nodes:
            length += len(node.items)
            if node.plain:
                assert len(node.items) == 1 and node.size == len(node.items[0])
            else:
                assert node.size == EMPTY_SIZE + sum([entry_size(element) for element in node.items])
            assert node.items or len(nodes) == 1
        assert length == self._length
