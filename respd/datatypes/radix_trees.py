"""How large the radix tree is in which Redis would keep the nodes of a stream: XINFO STREAM tells it.

The keys are ids, as 16 bytes. The tree has a node for each key, one for each place where keys part, and one for the
bytes that lead there or to the key, if there are any but the one behind the last parting.
Source: github.com/antirez/rax.
"""

from __future__ import annotations

from typing import Final

_BITS: Final = 128
_BYTES: Final = 16
_NONE: Final = -1


def tree_nodes(ids: list[int]) -> int:
    """Return the number of nodes in the radix tree of `ids`, which are in order. O(n)."""
    if not ids:
        return 1
    count = len(ids)
    partings: list[int] = []  # depths, in bytes, of those that lead to the id in hand
    before = _NONE
    for place, id in enumerate(ids):
        behind = _NONE
        if place + 1 < len(ids):
            behind = (_BITS - (id ^ ids[place + 1]).bit_length()) // 8
        count += max(before, behind) < _BYTES - 1
        while partings and partings[-1] > behind:
            depth = partings.pop()
            above = max(partings[-1] if partings else _NONE, behind)
            count += 2 if depth - above > 1 else 1
        if behind != _NONE and (not partings or partings[-1] < behind):
            partings.append(behind)
        before = behind
    return count
