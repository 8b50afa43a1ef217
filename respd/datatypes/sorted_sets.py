"""Sorted sets: members by score, equal scores by the members' bytes.

The problem: find a member's score in O(1), and add, remove, rank and cut ranges in O(log n), in little memory.

The idea: one object per member, an `Element`, that every structure points to. A small set is a plain list of elements
in order; members are found by looking at each, as Redis does in a listpack. Beyond the configured size the elements are
in three structures at once:
- a table from the member to its element;
- a dense list in which each element knows its slot, for random members and for scans without state (`indexed` tells why
  walking it downwards loses nothing, whatever scores change meanwhile);
- a tree of fixed depth for the order: groups of blocks of elements, each a list in order. A search is a bisection among
  the last elements of the groups, then of the blocks, then in one block. A rank is the sum of the sizes before it.

Why this and not sortedcontainers: its lists hold (score, member) tuples, whose comparison calls back into generic code,
and a score changes by removing one tuple and adding another. Here a new score is one store and two moves of pointers in
lists of a few hundred. benchmarks/sorted_sets.py has the figures. Cost: in a set of n, the number of groups is
n / (_BLOCK_MAX * _GROUP_MAX) to four times that, some 60 for a million.
"""

import itertools
import sys
from bisect import bisect_left, bisect_right
from operator import attrgetter
from random import Random
from typing import Final, final

from librt.vecs import append, extend, pop, vec
from mypy_extensions import i64, mypyc_attr

from respd.builds import INTERPRETED
from respd.datatypes.indexed import scan_span
from respd.datatypes.limits import Limits
from respd.datatypes.tables import Table

_BLOCK_MAX: Final = 128  # elements in a block, at most
_BLOCK_MIN: Final = 24  # below, a block joins its neighbour if both fit into one
_GROUP_MAX: Final = 128  # blocks in a group, at most
_GROUP_MIN: Final = 24
_SAMPLES: Final = 8


@final
@mypyc_attr(acyclic=True)
class Element:
    """A member with its score. Readers may keep it while the set does not change; only the set changes it."""

    def __init__(self, member: bytes, score: float) -> None:
        self.member: bytes = member
        self.score: float = score
        self.slot: i64 = 0  # in the dense list of a large set


_SCORE: Final = attrgetter("score")  # interpreted, C finds the place in a list of elements much sooner
_MEMBER: Final = attrgetter("member")


@final
@mypyc_attr(acyclic=True)
class SortedSet:
    """Distinct members in order of score, then of bytes. Ranks count from 0, the lowest score, unless said otherwise.

    Either `_large` is None and `_small` holds everything in order, or `_small` is empty. A set grows large for good.
    A small set knows no score -0, as Redis' listpack does not: adding 0.0 makes a zero of it.
    """

    def __init__(self) -> None:
        self._small: list[Element] = []
        self._large: _Large | None = None

    def __len__(self) -> int:
        large = self._large
        return len(self._small) if large is None else len(large.dense)

    def encoding(self) -> bytes:
        """Return OBJECT ENCODING's answer."""
        return b"listpack" if self._large is None else b"skiplist"

    def find(self, member: bytes) -> Element | None:
        """Return the element of `member`, or None. O(1)."""
        large = self._large
        if large is not None:
            return large.by_member.get(member)
        for element in self._small:
            if element.member == member:
                return element
        return None

    def add(self, member: bytes, score: float, limits: Limits) -> None:
        """Add `member`, which must not be present (see `find`). O(log n)."""
        element = Element(member, score)
        large = self._large
        if large is None:
            small = self._small
            if len(small) < limits.zset_max_entries and len(member) <= limits.zset_max_value:
                element.score = score + 0.0
                small.insert(_lower_bound(small, score, member), element)
                return
            large = self._grow()
        large.add(element)

    def change(self, element: Element, score: float) -> None:
        """Give an element of this set another score. O(log n)."""
        large = self._large
        if large is not None:
            large.order.change(element, score)
            return
        small = self._small
        small.pop(_lower_bound(small, element.score, element.member))
        element.score = score + 0.0
        small.insert(_lower_bound(small, score, element.member), element)

    def put(self, member: bytes, score: float, limits: Limits) -> None:
        """Set the score of `member`, present or not. O(log n)."""
        element = self.find(member)
        if element is None:
            self.add(member, score, limits)
        elif element.score != score:
            self.change(element, score)

    def discard(self, member: bytes) -> bool:
        """Remove `member` if present; return whether it was. O(log n)."""
        large = self._large
        if large is not None:
            element = large.by_member.pop(member)
            if element is None:
                return False
            large.order.remove(element)
            large.vacate(element)
            return True
        small = self._small
        for index, element in enumerate(small):
            if element.member == member:
                small.pop(index)
                return True
        return False

    def pop_min(self) -> Element:
        """Remove and return the first element of a set that is not empty. O(1), on average."""
        large = self._large
        if large is None:
            return self._small.pop(0)
        element = large.order.pop_first()
        large.forget(element)
        return element

    def pop_max(self) -> Element:
        """Remove and return the last element of a set that is not empty. O(1), on average."""
        large = self._large
        if large is None:
            return self._small.pop()
        element = large.order.pop_last()
        large.forget(element)
        return element

    def rank(self, element: Element) -> int:
        """Return the rank of an element of this set. O(log n)."""
        large = self._large
        if large is None:
            return int(_lower_bound(self._small, element.score, element.member))
        return large.order.rank(element.score, element.member)

    def rank_of_score(self, score: float, after: bool) -> int:
        """Return how many elements have a lower score or, with `after`, no higher one. O(log n)."""
        large = self._large
        if large is None:
            return int(_score_bound(self._small, score, after))
        return large.order.rank_of_score(score, after)

    def rank_of_member(self, member: bytes, after: bool) -> int:
        """Return how many members are lower than `member` or, with `after`, not higher. O(log n).

        For sets whose scores are all equal, as in Redis; with others the answer is some number within range.
        """
        large = self._large
        if large is None:
            return int(_member_bound(self._small, member, after))
        return large.order.rank_of_member(member, after)

    def between(self, start: int, stop: int) -> list[Element]:
        """Return the elements with ranks from `start` to `stop` - 1; 0 <= start, stop <= len. O(log n + result)."""
        large = self._large
        if large is None:
            return self._small[start:stop]
        if start >= stop:
            return []
        return large.order.between(start, stop)

    def remove_between(self, start: int, stop: int) -> int:
        """Remove the elements with ranks from `start` to `stop` - 1; return how many. O(log n + removed)."""
        if start >= stop:
            return 0
        large = self._large
        if large is None:
            del self._small[start:stop]
            return stop - start
        for element in large.order.remove_between(start, stop):
            large.forget(element)
        return stop - start

    def unordered(self) -> list[Element]:
        """Return all elements in no particular order: the set's own list, to be read at once. O(1)."""
        large = self._large
        return self._small if large is None else large.dense

    def pick(self, random: Random) -> Element:
        """Return a random element of a set that is not empty. O(1)."""
        elements = self.unordered()
        return elements[int(random.random() * len(elements))]

    def scan(self, cursor: int, count: int) -> tuple[int, list[Element]]:
        """Return the next cursor, 0 at the end, and about `count` elements; 0 starts; small sets come whole. O(count).

        What is present from the first call to the last is returned at least once, whatever else comes, goes or moves.
        """
        large = self._large
        if large is None:
            return 0, self._small[:]
        start, stop = scan_span(cursor, count, len(large.dense))
        return stop, large.dense[stop:start]

    def fill(self, members: list[bytes], scores: list[float], limits: Limits, any_size: bool) -> bool:
        """Take members and their scores, in any order, into this empty set; return False when a member comes twice.

        With `any_size` the small form takes long ones as well, as Redis does with a listpack that it reads. O(n) for
        what is in order or in the reverse of it, else O(n log n).
        """
        count: i64 = len(members)
        small = count <= limits.zset_max_entries
        if small and not any_size:
            for member in members:
                if len(member) > limits.zset_max_value:
                    small = False
                    break
        elements: list[Element] = []
        for index in range(count):
            elements.append(Element(members[index], scores[index] + 0.0 if small else scores[index]))
        elements = _arranged(elements)
        if small:
            self._small = elements
            return count == 1 or len(set(members)) == count
        self._large = _Large(elements)
        return len(self._large.by_member) == count

    def grow_for(self, count: int, limits: Limits) -> None:
        """Prepare for `count` members, whether new or not: beyond the limit the set is large at once."""
        if count > limits.zset_max_entries and self._large is None:
            self._grow()

    def _grow(self) -> "_Large":
        """Take the form for many or long members, whatever the size. O(n)."""
        large = _Large(self._small)
        self._small = []
        self._large = large
        return large

    def free_some(self, count: int) -> bool:
        """Free what about `count` elements take; return whether all is gone. O(count).

        For a set that nobody can reach any more: from the first call on it is good for nothing else.
        """
        large = self._large
        if large is None:
            self._small = []
            return True
        return large.free_some(count)

    def memory_bytes(self) -> int:
        """Return an estimate of the memory used, from a few elements. O(1)."""
        elements = self.unordered()
        size = len(elements)
        total = sys.getsizeof(self) + sys.getsizeof(elements)
        if size == 0:
            return total
        large = self._large
        if large is not None:  # in the tree, a pointer from a block that is half to wholly full
            total += sys.getsizeof(large) + large.by_member.memory_bytes() + size * 12
        step = size // _SAMPLES + 1
        sampled = 0
        taken = 0
        for index in range(0, size, step):
            sampled += sys.getsizeof(elements[index].member)
            taken += 1
        return total + size * (sys.getsizeof(elements[0]) + sampled // taken)

    def copy(self) -> "SortedSet":
        """Return an independent set of the same members and scores in the same form. O(n)."""
        twin = SortedSet()
        for element in self.between(0, len(self)):
            twin._small.append(Element(element.member, element.score))
        if self._large is not None:
            twin._grow()
        return twin

    def check(self) -> None:
        """Assert the invariant."""
        large = self._large
        _check_order(self._small)
        if large is not None:
            assert not self._small
            large.check()
        assert len({element.member for element in self.unordered()}) == len(self)


@final
@mypyc_attr(acyclic=True)
class _Large:
    """A large set: the same elements by member, in a dense list, and in order.

    Invariant: `dense[i].slot == i`; `by_member` and `order` hold the elements of `dense` and nothing else.
    """

    def __init__(self, ordered: list[Element]) -> None:
        self.dense: list[Element] = ordered
        self.by_member: Table[Element] = Table()
        self.order: _Order = _Order()
        for slot, element in enumerate(ordered):
            element.slot = slot
            self.by_member.put(element.member, element)
        self.order.fill(ordered)

    def add(self, element: Element) -> None:
        dense = self.dense
        element.slot = len(dense)
        dense.append(element)
        self.by_member.put(element.member, element)
        self.order.add(element)

    def forget(self, element: Element) -> None:
        """Drop an element that is no longer in the order. O(1)."""
        self.by_member.pop(element.member)
        self.vacate(element)

    def vacate(self, element: Element) -> None:
        """Take an element out of the dense list, where the last one takes its slot. O(1)."""
        dense = self.dense
        last = dense.pop()
        if last is not element:
            slot = element.slot
            dense[slot] = last
            last.slot = slot

    def free_some(self, count: int) -> bool:
        if not self.by_member.free_some(count):
            return False
        dense = self.dense
        del dense[-count:]
        self.order.lasts = []  # one element kept to the end keeps its arena: all arenas would go in one call then
        groups = self.order.groups
        while count > 0 and groups:
            groups[-1].lasts = []
            blocks = groups[-1].blocks
            if blocks:
                count -= len(blocks.pop())
            else:
                groups.pop()
        return not dense and not groups

    def check(self) -> None:
        assert len(self.dense) == len(self.by_member)
        self.by_member.check()
        for slot, element in enumerate(self.dense):
            assert element.slot == slot
            assert self.by_member[element.member] is element
        ordered = self.order.check()
        assert len(ordered) == len(self.dense)
        for element in ordered:
            assert self.dense[element.slot] is element


@final
@mypyc_attr(acyclic=True)
class _Group:
    """Some blocks of the order. `lasts[i]` is the last element of `blocks[i]`, `sizes[i]` their number.

    The sizes stand side by side, for a rank is the sum of up to a hundred of them, and blocks lie all over the memory.
    """

    def __init__(self) -> None:
        self.blocks: list[list[Element]] = []
        self.lasts: list[Element] = []
        self.sizes: vec[i64] = vec[i64]()

    def insert(self, b: i64, block: list[Element]) -> None:
        """Make `block` the one at `b`."""
        self.blocks.insert(b, block)
        self.lasts.insert(b, block[-1])
        self.sizes = extend(append(self.sizes[:b], i64(len(block))), self.sizes[b:])

    def drop(self, b: i64) -> None:
        """Forget the block at `b`."""
        self.blocks.pop(b)
        self.lasts.pop(b)
        self.sizes, _ = pop(self.sizes, b)


@final
@mypyc_attr(acyclic=True)
class _Order:
    """Elements in order of (score, member), in groups of blocks.

    Invariant: no block and no group is empty; a block holds at most _BLOCK_MAX elements, a group at most _GROUP_MAX
    blocks; `lasts[i]` is the last element of `groups[i]`, `sizes[i]` the number of all in it; all elements read from
    front to back are in order.
    """

    def __init__(self) -> None:
        self.groups: list[_Group] = []
        self.lasts: list[Element] = []
        self.sizes: vec[i64] = vec[i64]()

    def add(self, element: Element) -> None:
        """Put a new element in its place. O(log n)."""
        groups = self.groups
        score = element.score
        member = element.member
        g = _lower_bound(self.lasts, score, member)
        if g == len(groups):
            self._append(element)
            return
        group = groups[g]
        b = _lower_bound(group.lasts, score, member)
        block = group.blocks[b]
        block.insert(_lower_bound(block, score, member), element)
        group.sizes[b] += 1
        self.sizes[g] += 1
        if len(block) > _BLOCK_MAX:
            half: i64 = len(block) // 2
            group.insert(b + 1, block[half:])
            del block[half:]
            group.lasts[b] = block[half - 1]
            group.sizes[b] = half
            if len(group.blocks) > _GROUP_MAX:
                self._split_group(g)

    def fill(self, elements: list[Element]) -> None:
        """Take elements that are in order, while there are none. O(n)."""
        size: i64 = len(elements)
        start: i64 = 0
        while start < size:
            block = elements[start : start + _BLOCK_MAX]
            last = block[-1]
            if start % (_BLOCK_MAX * _GROUP_MAX) == 0:
                self._add_group(last)
            group = self.groups[-1]
            group.insert(i64(len(group.blocks)), block)
            self.sizes[len(self.groups) - 1] += len(block)
            self.lasts[-1] = last
            start += _BLOCK_MAX

    def _add_group(self, last: Element) -> None:
        """Put a new group at the end, of which `last` is to be the last element."""
        self.groups.append(_Group())
        self.lasts.append(last)
        self.sizes = append(self.sizes, i64(0))

    def _append(self, element: Element) -> None:
        """Put at the end what is higher than all others: full blocks stay full, so rising scores waste no room."""
        groups = self.groups
        if not groups:
            self._add_group(element)
        group = groups[-1]
        if not group.blocks or len(group.blocks[-1]) >= _BLOCK_MAX:
            if len(group.blocks) >= _GROUP_MAX:
                self._add_group(element)
                group = groups[-1]
            group.insert(i64(len(group.blocks)), [element])
        else:
            group.blocks[-1].append(element)
            group.lasts[-1] = element
            group.sizes[len(group.blocks) - 1] += 1
        self.sizes[len(groups) - 1] += 1
        self.lasts[-1] = element

    def _split_group(self, g: i64) -> None:
        group = self.groups[g]
        half: i64 = len(group.blocks) // 2
        right = _Group()
        right.blocks = group.blocks[half:]
        right.lasts = group.lasts[half:]
        right.sizes = group.sizes[half:]
        moved: i64 = 0
        for block in right.blocks:
            moved += len(block)
        del group.blocks[half:]
        del group.lasts[half:]
        group.sizes = group.sizes[:half]
        self.sizes[g] -= moved
        self.sizes = extend(append(self.sizes[: g + 1], moved), self.sizes[g + 1 :])
        self.groups.insert(g + 1, right)
        self.lasts.insert(g, group.lasts[half - 1])

    def remove(self, element: Element) -> None:
        """Remove an element that is present. O(log n)."""
        score = element.score
        member = element.member
        g = _lower_bound(self.lasts, score, member)
        group = self.groups[g]
        b = _lower_bound(group.lasts, score, member)
        self._remove_at(g, b, _lower_bound(group.blocks[b], score, member))

    def change(self, element: Element, score: float) -> None:
        """Give an element another score: in place if its neighbours allow it. O(log n)."""
        old = element.score
        member = element.member
        g = _lower_bound(self.lasts, old, member)
        group = self.groups[g]
        b = _lower_bound(group.lasts, old, member)
        block = group.blocks[b]
        i = _lower_bound(block, old, member)
        if 0 < i < len(block) - 1 and block[i - 1].score < score < block[i + 1].score:
            element.score = score
            return
        self._remove_at(g, b, i)
        element.score = score
        self.add(element)

    def _remove_at(self, g: i64, b: i64, i: i64) -> None:
        """Remove the element at index `i` of block `b` of group `g`."""
        group = self.groups[g]
        block = group.blocks[b]
        block.pop(i)
        group.sizes[b] -= 1
        self.sizes[g] -= 1
        size: i64 = len(block)
        if size >= _BLOCK_MIN:
            if i == size:
                self._set_last(g, b)
        else:
            self._shrunk(g, b)

    def _set_last(self, g: i64, b: i64) -> None:
        """Correct `lasts` after the end of block `b` of group `g` changed."""
        group = self.groups[g]
        last = group.blocks[b][-1]
        group.lasts[b] = last
        if b == len(group.blocks) - 1:
            self.lasts[g] = last

    def _shrunk(self, g: i64, b: i64) -> None:
        """Restore the invariant after block `b` of group `g` lost elements: drop it if empty, join it if small."""
        group = self.groups[g]
        blocks = group.blocks
        block = blocks[b]
        if not block:
            group.drop(b)
            if not blocks:
                self._drop_group(g)
                return
            self._set_last(g, i64(len(blocks) - 1))
        else:
            self._set_last(g, b)
            if b + 1 < len(blocks):
                self._join_blocks(group, b)
            elif b > 0:
                self._join_blocks(group, b - 1)
        if len(blocks) < _GROUP_MIN:
            if g + 1 < len(self.groups):
                self._join_groups(g)
            elif g > 0:
                self._join_groups(g - 1)

    def _join_blocks(self, group: _Group, b: i64) -> None:
        left = group.blocks[b]
        right = group.blocks[b + 1]
        if len(left) + len(right) <= _BLOCK_MAX // 2:
            left.extend(right)
            group.lasts[b] = right[-1]
            group.sizes[b] += len(right)
            group.drop(b + 1)

    def _join_groups(self, g: i64) -> None:
        left = self.groups[g]
        right = self.groups[g + 1]
        if len(left.blocks) + len(right.blocks) <= _GROUP_MAX // 2:
            left.blocks.extend(right.blocks)
            left.lasts.extend(right.lasts)
            left.sizes = extend(left.sizes, right.sizes)
            self.lasts[g] = self.lasts[g + 1]
            self.sizes[g] += self.sizes[g + 1]
            self._drop_group(g + 1)

    def _drop_group(self, g: i64) -> None:
        self.groups.pop(g)
        self.lasts.pop(g)
        self.sizes, _ = pop(self.sizes, g)

    def pop_first(self) -> Element:
        """Remove and return the lowest element; there is one."""
        element = self.groups[0].blocks[0][0]
        self._remove_at(0, 0, 0)
        return element

    def pop_last(self) -> Element:
        """Remove and return the highest element; there is one."""
        element = self.lasts[-1]
        g: i64 = len(self.groups) - 1
        b: i64 = len(self.groups[g].blocks) - 1
        self._remove_at(g, b, i64(len(self.groups[g].blocks[b]) - 1))
        return element

    def rank(self, score: float, member: bytes) -> int:
        """Return how many elements come before (score, member). O(log n)."""
        g = _lower_bound(self.lasts, score, member)
        if g == len(self.groups):
            return int(self._rank_at(g, 0, 0))
        group = self.groups[g]
        b = _lower_bound(group.lasts, score, member)
        return int(self._rank_at(g, b, _lower_bound(group.blocks[b], score, member)))

    def rank_of_score(self, score: float, after: bool) -> int:
        """Return how many elements have a lower score or, with `after`, no higher one. O(log n)."""
        g = _score_bound(self.lasts, score, after)
        if g == len(self.groups):
            return int(self._rank_at(g, 0, 0))
        group = self.groups[g]
        b = _score_bound(group.lasts, score, after)
        return int(self._rank_at(g, b, _score_bound(group.blocks[b], score, after)))

    def rank_of_member(self, member: bytes, after: bool) -> int:
        """Return how many members are lower than `member` or, with `after`, not higher; scores are equal. O(log n)."""
        g = _member_bound(self.lasts, member, after)
        if g == len(self.groups):
            return int(self._rank_at(g, 0, 0))
        group = self.groups[g]
        b = _member_bound(group.lasts, member, after)
        if b == len(group.blocks):  # only where scores differ
            return int(self._rank_at(g + 1, 0, 0))
        return int(self._rank_at(g, b, _member_bound(group.blocks[b], member, after)))

    def _rank_at(self, g: i64, b: i64, i: i64) -> i64:
        rank = i
        sizes = self.sizes
        index: i64 = 0
        while index < g:
            rank += sizes[index]
            index += 1
        if b > 0:
            sizes = self.groups[g].sizes
            index = 0
            while index < b:
                rank += sizes[index]
                index += 1
        return rank

    def _locate(self, rank: i64) -> tuple[i64, i64, i64]:
        """Return (group, block, index) of the element with this rank; there is one."""
        sizes = self.sizes
        g: i64 = 0
        while rank >= sizes[g]:
            rank -= sizes[g]
            g += 1
        sizes = self.groups[g].sizes
        b: i64 = 0
        while rank >= sizes[b]:
            rank -= sizes[b]
            b += 1
        return g, b, rank

    def between(self, start: i64, stop: i64) -> list[Element]:
        """Return the elements with ranks from `start` to `stop` - 1; there are such. O(log n + result)."""
        g, b, i = self._locate(start)
        wanted = stop - start
        found = self.groups[g].blocks[b][i : i + wanted]
        while len(found) < wanted:
            b += 1
            if b == len(self.groups[g].blocks):
                g += 1
                b = 0
            block = self.groups[g].blocks[b]
            missing = wanted - len(found)
            if len(block) <= missing:
                found.extend(block)
            else:
                found.extend(block[:missing])
        return found

    def remove_between(self, start: i64, stop: i64) -> list[Element]:
        """Remove and return the elements with ranks from `start` to `stop` - 1; there are such. O(log n + removed)."""
        removed: list[Element] = []
        wanted = stop - start
        while len(removed) < wanted:
            g, b, i = self._locate(start)
            group = self.groups[g]
            block = group.blocks[b]
            end: i64 = min(len(block), i + wanted - len(removed))
            removed.extend(block[i:end])
            del block[i:end]
            group.sizes[b] -= end - i
            self.sizes[g] -= end - i
            self._shrunk(g, b)
        return removed

    def check(self) -> list[Element]:
        """Assert the invariant; return all elements in order."""
        ordered: list[Element] = []
        assert len(self.groups) == len(self.lasts)
        assert list(self.sizes) == [sum(group.sizes) for group in self.groups]
        for group, last in zip(self.groups, self.lasts):
            assert 0 < len(group.blocks) <= _GROUP_MAX
            assert len(group.blocks) == len(group.lasts)
            assert group.lasts[-1] is last
            assert list(group.sizes) == [len(block) for block in group.blocks]
            for block, block_last in zip(group.blocks, group.lasts):
                assert 0 < len(block) <= _BLOCK_MAX
                assert block[-1] is block_last
                ordered.extend(block)
        _check_order(ordered)
        return ordered


def ordered(scores: dict[bytes, float]) -> list[Element]:
    """Return new elements for members and their scores, in order. O(n log n)."""
    return _arranged([Element(member, score) for member, score in scores.items()])


def _arranged(elements: list[Element]) -> list[Element]:
    """Return elements in any order as a list in order."""
    if _rises(elements):
        return elements
    elements.reverse()
    if _rises(elements):
        return elements
    scores = [element.score for element in elements]
    arranged: list[Element] = []
    run = 0  # where elements of one score begin: the sort of mere numbers, the fastest there is, leaves them as is
    last = 0.0
    for index in sorted(range(len(scores)), key=scores.__getitem__):
        element = elements[index]
        if element.score != last:
            if len(arranged) - run > 1:
                arranged[run:] = _by_member(arranged[run:])
            run = len(arranged)
            last = element.score
        arranged.append(element)
    if len(arranged) - run > 1:
        arranged[run:] = _by_member(arranged[run:])
    return arranged


def _by_member(elements: list[Element]) -> list[Element]:
    """Return elements of equal scores as a list in order."""
    pairs = [(element.member, index) for index, element in enumerate(elements)]
    pairs.sort()
    return [elements[index] for _member, index in pairs]


def _rises(elements: list[Element]) -> bool:
    """Tell whether the elements are in order."""
    size: i64 = len(elements)
    for index in range(1, size):
        lower = elements[index - 1]
        higher = elements[index]
        if lower.score > higher.score or (lower.score == higher.score and lower.member > higher.member):
            return False
    return True


def sorted_set(elements: list[Element], limits: Limits) -> SortedSet:
    """Return a set with the members and scores of `elements`, which are in order. O(n)."""
    made = SortedSet()
    made.fill([element.member for element in elements], [element.score for element in elements], limits, False)
    return made


def _lower_bound(elements: list[Element], score: float, member: bytes) -> i64:
    """Return the index of the first element not below (score, member), or the length."""
    if INTERPRETED:
        first = bisect_left(elements, score, key=_SCORE)
        if first == len(elements) or elements[first].score != score:
            return first
        return bisect_left(elements, member, first, bisect_right(elements, score, first, key=_SCORE), key=_MEMBER)
    low: i64 = 0
    high: i64 = len(elements)
    while low < high:
        middle = (low + high) >> 1
        other = elements[middle].score
        if other < score or (other == score and elements[middle].member < member):
            low = middle + 1
        else:
            high = middle
    return low


def _score_bound(elements: list[Element], score: float, after: bool) -> i64:
    """Return the index of the first element whose score is not lower or, with `after`, is higher; or the length."""
    if INTERPRETED:
        return bisect_right(elements, score, key=_SCORE) if after else bisect_left(elements, score, key=_SCORE)
    low: i64 = 0
    high: i64 = len(elements)
    while low < high:
        middle = (low + high) >> 1
        other = elements[middle].score
        if other < score or (after and other == score):
            low = middle + 1
        else:
            high = middle
    return low


def _member_bound(elements: list[Element], member: bytes, after: bool) -> i64:
    """Return the index of the first element whose member is not lower or, with `after`, is higher; or the length."""
    low: i64 = 0
    high: i64 = len(elements)
    while low < high:
        middle = (low + high) >> 1
        other = elements[middle].member
        if other < member or (after and other == member):
            low = middle + 1
        else:
            high = middle
    return low


def _check_order(elements: list[Element]) -> None:
    for lower, higher in itertools.pairwise(elements):
        assert (lower.score, lower.member) < (higher.score, higher.member)
