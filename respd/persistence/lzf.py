"""LZF, the compression of strings in RDB files.

    literals  = number of bytes - 1 (below 32) in one byte, the bytes
    reference = three bits for the length - 2 (7: another byte is added to it), thirteen for how far back - 1

A reference may reach into what it produces itself. Source: the LZF format as rdb.fnordig.de tells it.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from respd.persistence.rdb_format import CorruptPayload

_MOST_LITERALS: Final[i64] = 32
_MOST_FROM_ONE_BYTE: Final[i64] = 88  # three bytes stand for 264 at best


def decompress(data: bytes, size: i64) -> bytes:
    """Return the `size` bytes that `data` stands for; raise CorruptPayload when it stands for anything else. O(size).

    Takes no more memory than `data` can stand for, whatever `size` claims.
    """
    end: i64 = len(data)
    if size > end * _MOST_FROM_ONE_BYTE:
        raise CorruptPayload("compressed string of a wrong size")
    out = BytesWriter()
    position: i64 = 0
    made: i64 = 0
    while position < end:
        head: i64 = data[position]
        position += 1
        if head < _MOST_LITERALS:
            stop = position + head + 1
            if stop > end:
                raise CorruptPayload("compressed string ends early")
            out.write(data[position:stop])
            made += head + 1
            position = stop
            continue
        length: i64 = (head >> 5) + 2
        if length == 9:
            if position >= end:
                raise CorruptPayload("compressed string ends early")
            length += i64(data[position])
            position += 1
        if position >= end:
            raise CorruptPayload("compressed string ends early")
        source: i64 = made - ((head & 31) << 8) - i64(data[position]) - 1
        position += 1
        if source < 0 or made + length > size:
            raise CorruptPayload("compressed string refers to nothing")
        made += length
        stop = source + length
        while source < stop:
            out.append(out[source])
            source += 1
    if made != size:
        raise CorruptPayload("compressed string of a wrong size")
    return out.getvalue()
