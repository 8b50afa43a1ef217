"""Longest common subsequences against the textbook table, with Redis' choice among equals."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from respd.datatypes.lcs import lcs_length, lcs_matches, lcs_text

texts = st.text(alphabet="abc", max_size=20).map(str.encode) | st.binary(max_size=12)


def table_of(left: bytes, right: bytes) -> list[list[int]]:
    """Lengths for all pairs of prefixes."""
    table = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            table[i + 1][j + 1] = table[i][j] + 1 if a == b else max(table[i][j + 1], table[i + 1][j])
    return table


def pairs_of(left: bytes, right: bytes) -> list[tuple[int, int]]:
    """The matching positions, last first: up only when that is strictly longer."""
    table = table_of(left, right)
    i, j, found = len(left), len(right), []
    while i and j:
        if left[i - 1] == right[j - 1]:
            i, j = i - 1, j - 1
            found.append((i, j))
        elif table[i - 1][j] > table[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return found


@given(texts, texts)
def test_the_choice_is_that_of_the_table(left: bytes, right: bytes) -> None:
    pairs = pairs_of(left, right)
    matches = lcs_matches(left, right)
    assert [(m.left + k, m.right + k) for m in matches for k in reversed(range(m.size))] == pairs
    assert lcs_length(left, right) == len(pairs) == table_of(left, right)[-1][-1]
    assert lcs_text(left, matches) == bytes(left[i] for i, _ in reversed(pairs))
    for later, earlier in itertools.pairwise(matches):
        assert earlier.left + earlier.size < later.left or earlier.right + earlier.size < later.right


def test_known_example() -> None:
    matches = lcs_matches(b"ohmytext", b"mynewtext")
    assert [(m.left, m.right, m.size) for m in matches] == [(4, 5, 4), (2, 0, 2)]
    assert lcs_text(b"ohmytext", matches) == b"mytext"
