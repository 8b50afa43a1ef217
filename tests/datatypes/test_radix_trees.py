"""The size of the radix tree in which Redis keeps ids, against a tree that is walked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respd.datatypes.radix_trees import tree_nodes
from respd.datatypes.stream_nodes import Node, high_half, low_half

IDS = st.one_of(st.integers(0, 3), st.integers(0, 1 << 20), st.integers(0, (1 << 128) - 1))


def nodes(*ids: int) -> list[Node]:
    return [Node(high_half(id), low_half(id), b"") for id in ids]


def walked(keys: list[bytes], depth: int) -> int:
    """The nodes below some bytes that all the keys begin with: of the way to where they part, of that place, below."""
    if len(keys) == 1:
        return 1 + (depth < len(keys[0]))
    at = depth
    while len({key[at] for key in keys}) == 1:
        at += 1
    below = sum(walked([key for key in keys if key[at] == byte], at + 1) for byte in {key[at] for key in keys})
    return (at > depth) + 1 + below


@given(st.lists(IDS, unique=True, min_size=1, max_size=40))
def test_the_tree_is_as_large_as_one_that_is_walked(ids: list[int]) -> None:
    ids.sort()
    assert tree_nodes(nodes(*ids)) == walked([id.to_bytes(16, "big") for id in ids], 0)


@pytest.mark.parametrize(("ids", "expected"), [((), 1), ((1,), 2), ((1, 2), 4), ((1 << 64, 2 << 64), 6)])
def test_small_trees(ids: tuple[int, ...], expected: int) -> None:
    """As redis-server 8 counts them."""
    assert tree_nodes(nodes(*ids)) == expected
