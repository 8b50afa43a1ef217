"""How large the radix tree is in which Redis would keep the nodes of a stream: XINFO STREAM tells it.

The keys are the nodes' ids, as 16 bytes. The tree has a node for each key, one for each place where keys part, and one
for the bytes that lead there or to the key, if there are any but the one behind the last parting.
Source: github.com/antirez/rax.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from respd.datatypes.stream_nodes import Node

_BYTES: Final[i64] = 16
_HALF_BYTES: Final[i64] = 8
_TOP_BYTE: Final[i64] = 56
_NONE: Final[i64] = -1


def tree_nodes(nodes: list[Node]) -> int:
    """Return the number of nodes in the radix tree of the ids of a stream's nodes. O(n)."""
    total: i64 = len(nodes)
    if total == 0:
        return 1
    count = total
    partings: list[i64] = []  # depths, in bytes, of those that lead to the id in hand
    before = _NONE
    place: i64 = 0
    while place < total:
        behind = _NONE
        if place + 1 < total:
            behind = _shared_bytes(nodes[place], nodes[place + 1])
        if max(before, behind) < _BYTES - 1:
            count += 1
        while partings and partings[-1] > behind:
            depth = partings.pop()
            above = max(partings[-1] if partings else _NONE, behind)
            count += 2 if depth - above > 1 else 1
        if behind != _NONE and (not partings or partings[-1] < behind):
            partings.append(behind)
        before = behind
        place += 1
    return int(count)


def _shared_bytes(one: Node, other: Node) -> i64:
    """Return with how many same bytes two ids, which differ, begin."""
    found: i64 = 0
    differing: i64 = one.ms ^ other.ms
    if differing == 0:
        found = _HALF_BYTES
        differing = one.seq ^ other.seq
    if differing < 0:
        return found
    shift = _TOP_BYTE
    while differing >> shift == 0:
        found += 1
        shift -= 8
    return found
