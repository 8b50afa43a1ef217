"""Longest common subsequences, with the very choice among equals that Redis makes.

The textbook table L[i][j] (the length for the first i bytes of one string and the first j of the other) is never built.
L grows along a row by 0 or 1 per step, so a row is a set of bits, one int as long as the second string, and the next
row follows from it by an addition and three logical operations (Crochemore and others 2001, Hyyrö 2004): a column's
bit is 0 where the row grows. That takes O(N*M/64) time, and a bit per cell where Redis has four bytes.

The way back from the last corner takes a matching pair when there is one. Otherwise L[i][j] equals the larger of
L[i-1][j] and L[i][j-1], and Redis goes up (i-1) only when the first is larger: just where row i grows at column j. So
one bit of the kept row decides each step.
"""

from __future__ import annotations

from typing import final


@final
class Match:
    """A run of equal bytes: it begins at `left` in the first string, at `right` in the second."""

    def __init__(self, left: int, right: int, size: int) -> None:
        self.left: int = left
        self.right: int = right
        self.size: int = size


def lcs_length(left: bytes, right: bytes) -> int:
    """Return the length of the longest common subsequence. O(N*M/64), O(M) space."""
    masks = _positions(right)
    full = (1 << len(right)) - 1
    row = full
    for byte in left:
        common = row & masks[byte]
        row = ((row + common) | (row - common)) & full
    return len(right) - row.bit_count()


def lcs_matches(left: bytes, right: bytes) -> list[Match]:
    """Return the runs that make up the longest common subsequence, last first. O(N*M/64), N*M bits."""
    rows = _rows(left, right)
    matches: list[Match] = []
    i = len(left)
    j = len(right)
    size = 0
    while i > 0 and j > 0:
        if left[i - 1] == right[j - 1]:
            i -= 1
            j -= 1
            size += 1
            continue
        if size:
            matches.append(Match(i, j, size))
            size = 0
        if rows[i][(j - 1) >> 3] >> ((j - 1) & 7) & 1:
            j -= 1
        else:
            i -= 1
    if size:
        matches.append(Match(i, j, size))
    return matches


def lcs_text(left: bytes, matches: list[Match]) -> bytes:
    """Return the subsequence itself, joined from the matches of `lcs_matches`."""
    return b"".join([left[match.left : match.left + match.size] for match in reversed(matches)])


def _positions(text: bytes) -> list[int]:
    """For each byte value, the positions where `text` has it, as bits."""
    size = len(text)
    masks = [0] * 256
    for byte in set(text):
        # One decimal digit per position, "1" where the byte is: int(..., 2) packs them (in reversed order).
        table = bytearray(b"0" * 256)
        table[byte] = 49
        masks[byte] = int(text.translate(table)[::-1], 2) if size else 0
    return masks


def _rows(left: bytes, right: bytes) -> list[bytes]:
    """All rows of the table, row 0 first; a bit is 0 where the row grows."""
    masks = _positions(right)
    size = (len(right) + 7) >> 3
    full = (1 << len(right)) - 1
    row = full
    rows = [full.to_bytes(size, "little")]
    for byte in left:
        common = row & masks[byte]
        row = ((row + common) | (row - common)) & full
        rows.append(row.to_bytes(size, "little"))
    return rows
