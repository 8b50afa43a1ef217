"""LCS: what two strings have in common. Source: redis.io/commands/lcs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.arguments import int_arg
from respd.command import ACCESS, READONLY, RO, Group, key_range
from respd.datatypes.lcs import lcs_length, lcs_matches, lcs_text
from respd.datatypes.strings import as_bytes
from respd.errors import SYNTAX, CommandError
from respd.protocol.replies import MapReply

if TYPE_CHECKING:
    from respd.context import Context

_NOT_STRINGS: Final = b"ERR The specified keys must contain string values"
_LEN_AND_IDX: Final = b"ERR If you want both the length and indexes, please just use IDX."
_TOO_LONG: Final = b"ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
_CELL: Final = 4  # bytes Redis takes for each pair of positions

group = Group("string")


@group.command(
    "LCS",
    arity=-3,
    flags=READONLY,
    keys=key_range(1, 2, 1, RO | ACCESS),
    since="7.0.0",
    syntax="key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
    complexity="O(N*M) where N and M are the lengths of the strings.",
)
def lcs(ctx: Context, args: list[bytes]) -> object:
    """Find the longest common subsequence of two strings.

    Reply: the subsequence; its length with LEN; with IDX a map of `matches` (ranges in both strings, last first, none
    shorter than MINMATCHLEN, each with its length after WITHMATCHLEN) and `len`. Errors: not strings; syntax; too long.
    Source: redis.io/commands/lcs.
    """
    left = _operand(ctx, args[1])
    right = _operand(ctx, args[2])
    if left is None or right is None:
        raise CommandError(_NOT_STRINGS)
    wants_length = wants_ranges = with_length = False
    shortest = 0
    index = 3
    while index < len(args):
        option = args[index].upper()
        if option == b"IDX":
            wants_ranges = True
        elif option == b"LEN":
            wants_length = True
        elif option == b"WITHMATCHLEN":
            with_length = True
        elif option == b"MINMATCHLEN" and index + 1 < len(args):
            index += 1
            shortest = int_arg(args[index])
        else:
            raise CommandError(SYNTAX)
        index += 1
    if wants_length and wants_ranges:
        raise CommandError(_LEN_AND_IDX)
    if (len(left) + 1) * (len(right) + 1) * _CELL > ctx.config.proto_max_bulk_len:
        raise CommandError(_TOO_LONG)
    if wants_length:
        return lcs_length(left, right)
    matches = lcs_matches(left, right)
    if not wants_ranges:
        return lcs_text(left, matches)
    ranges: list[object] = []
    total = 0
    for match in matches:
        total += match.size
        if match.size >= shortest:
            found: list[object] = [
                [match.left, match.left + match.size - 1],
                [match.right, match.right + match.size - 1],
            ]
            if with_length:
                found.append(match.size)
            ranges.append(found)
    return MapReply([b"matches", ranges, b"len", total])


def _operand(ctx: Context, key: bytes) -> bytes | None:
    """The string at `key`, empty when absent; None for another type."""
    entry = ctx.db.read(key)
    if entry is None:
        return b""
    value = entry.value
    if isinstance(value, (bytes, int, bytearray)):
        return as_bytes(value)
    return None
