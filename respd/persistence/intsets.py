"""Intsets: the byte strings in which Redis keeps small sets of integers.

    intset = bytes of each number (2, 4 or 8) in 4 bytes, how many in 4, the numbers in rising order; all little-endian

Source: rdb.fnordig.de.
"""

from __future__ import annotations

import sys
from array import array
from typing import Final

from librt.strings import read_i32_le
from mypy_extensions import i64

from respd.persistence.rdb_format import CorruptPayload

_HEADER_BYTES: Final[i64] = 8
_BIG_ENDIAN: Final = sys.byteorder == "big"


def decode(data: bytes) -> array[int]:
    """Return the numbers, in order, as an array of 8 bytes each; raise CorruptPayload if it is no intset. O(n)."""
    size: i64 = len(data)
    if size < _HEADER_BYTES:
        raise CorruptPayload("intset of a wrong size")
    width: i64 = i64(read_i32_le(data, 0))
    count: i64 = i64(read_i32_le(data, 4)) & 0xFFFFFFFF
    if (width != 2 and width != 4 and width != 8) or size != _HEADER_BYTES + count * width:
        raise CorruptPayload("intset of a wrong size")
    numbers = array("h" if width == 2 else "i" if width == 4 else "q", data[_HEADER_BYTES:])
    if _BIG_ENDIAN:
        numbers.byteswap()
    listed = numbers.tolist()
    before: int = -(1 << 64)
    for number in listed:
        if number <= before:
            raise CorruptPayload("intset out of order")
        before = number
    return numbers if width == 8 else array("q", listed)


def encode(numbers: array[int]) -> bytes:
    """Return the intset of numbers in rising order, each in as few bytes as hold them all. O(n)."""
    width = 2
    code = "h"
    if numbers and not -(1 << 15) <= numbers[0] <= numbers[-1] < 1 << 15:
        width = 4
        code = "i"
        if not -(1 << 31) <= numbers[0] <= numbers[-1] < 1 << 31:
            width = 8
            code = "q"
    body = numbers if width == 8 else array(code, numbers)
    if _BIG_ENDIAN:
        body = body[:]
        body.byteswap()
    return width.to_bytes(4, "little") + len(numbers).to_bytes(4, "little") + body.tobytes()
