"""LZF, the compression of strings in RDB files.

    literals  = number of bytes - 1 (below 32) in one byte, the bytes
    reference = three bits for the length - 2 (7: another byte is added to it), thirteen for how far back - 1

A reference may reach into what it produces itself. Source: the LZF format as rdb.fnordig.de tells it.
"""

from __future__ import annotations

from typing import Final, final

from librt.strings import BytesWriter, read_i32_be
from librt.vecs import vec
from mypy_extensions import i64, u8

from respd.persistence.rdb_format import CorruptPayload

_MOST_LITERALS: Final[i64] = 32
_LONGEST: Final[i64] = 264
_FARTHEST: Final[i64] = 1 << 13
_MOST_FROM_ONE_BYTE: Final[i64] = 88  # three bytes stand for 264 at best
_TABLE_BITS: Final[i64] = 13
_FACTOR: Final[i64] = 2654435761  # Knuth's multiplicative hash
_SPARED: Final[i64] = 4  # bytes that compression has to save to be worth it


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
            length += data[position]
            position += 1
        if position >= end:
            raise CorruptPayload("compressed string ends early")
        source: i64 = made - ((head & 31) << 8) - data[position] - 1
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


@final
class Compressor:
    """Compresses strings, one after the other, with one table of where three bytes were seen last.

    The table is never cleared: positions count on from string to string, so that those of earlier strings are
    recognised by being too low.
    """

    def __init__(self) -> None:
        places: vec[i64] = vec[i64]([-1] * (1 << _TABLE_BITS))
        self._places: vec[i64] = places
        self._base: i64 = 0

    def compress(self, data: bytes) -> bytes | None:
        """Return fewer bytes that stand for `data`, None if that does not save at least four. O(size)."""
        size: i64 = len(data)
        most = size - _SPARED
        places = self._places
        base = self._base
        self._base = base + size
        out = BytesWriter()
        last = size - 4  # up to here there are four bytes to read at once, of which three count
        literals: i64 = 0  # where those begin that have not been written
        position: i64 = 0
        while position <= last:
            three: i64 = i64(read_i32_be(data, position)) >> 8 & 0xFFFFFF
            place = (three * _FACTOR & 0xFFFFFFFF) >> (32 - _TABLE_BITS)
            candidate = places[place] - base
            places[place] = base + position
            if (
                candidate < 0
                or position - candidate > _FARTHEST
                or i64(read_i32_be(data, candidate)) >> 8 & 0xFFFFFF != three
            ):
                position += 1
                continue
            longest = size - position
            if longest > _LONGEST:
                longest = _LONGEST
            length: i64 = 3
            while length < longest and data[candidate + length] == data[position + length]:
                length += 1
            if literals < position:
                _write_literals(out, data, literals, position)
            back = position - candidate - 1
            if length < 9:
                out.append(u8((length - 2) << 5 | back >> 8))
            else:
                out.append(u8(7 << 5 | back >> 8))
                out.append(u8(length - 9))
            out.append(u8(back & 0xFF))
            position += length
            literals = position
            if len(out) > most:
                return None
            if position - 2 <= last:
                three = i64(read_i32_be(data, position - 2)) >> 8 & 0xFFFFFF
                places[(three * _FACTOR & 0xFFFFFFFF) >> (32 - _TABLE_BITS)] = base + position - 2
        _write_literals(out, data, literals, size)
        return out.getvalue() if len(out) <= most else None


def _write_literals(out: BytesWriter, data: bytes, start: i64, end: i64) -> None:
    while start < end:
        stop = start + _MOST_LITERALS
        if stop > end:
            stop = end
        out.append(u8(stop - start - 1))
        out.write(data[start:stop])
        start = stop
