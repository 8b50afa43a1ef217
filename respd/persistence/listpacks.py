"""Listpacks of files and payloads, decoded and checked. `datatypes/listpacks` has the format, and writes it."""

from __future__ import annotations

from typing import Final

from librt.strings import read_i16_le, read_i32_le, read_i64_le
from mypy_extensions import i64

from respd.datatypes.listpacks import COUNT_UNKNOWN, END_MARK, HEADER_BYTES, length_width
from respd.persistence.rdb_format import CorruptPayload

_SMALL_NUMBERS: Final = [b"%d" % number for number in range(4096)]


def decode(data: bytes) -> list[bytes]:
    """Return the elements, integers as their text; raise CorruptPayload for anything that is not a listpack. O(n)."""
    size: i64 = len(data)
    if size <= HEADER_BYTES or (i64(read_i32_le(data, 0)) & 0xFFFFFFFF) != size:
        raise CorruptPayload("listpack of a wrong size")
    last: i64 = size - 1
    if data[last] != END_MARK:
        raise CorruptPayload("listpack without an end")
    found: list[bytes] = []
    small = _SMALL_NUMBERS
    start: i64 = HEADER_BYTES
    while start < last:
        head: i64 = data[start]
        end: i64
        if head < 0x80:
            found.append(small[head])
            end = start + 1
        elif head < 0xC0:
            end = start + 1 + (head & 0x3F)
            if end >= last:
                raise CorruptPayload("listpack element beyond the end")
            found.append(data[start + 1 : end])
        elif start + 9 >= last and start + _shortest(head) >= last:
            raise CorruptPayload("listpack element beyond the end")
        elif head < 0xE0:
            number: i64 = (head & 0x1F) << 8 | data[start + 1]
            end = start + 2
            found.append(small[number] if number < 4096 else b"%d" % (number - 8192))
        elif head < 0xF1:
            if head < 0xF0:
                end = start + 2
                length: i64 = (head & 0x0F) << 8 | data[start + 1]
            else:
                end = start + 5
                length = i64(read_i32_le(data, start + 1)) & 0xFFFFFFFF
            if end + length >= last:
                raise CorruptPayload("listpack element beyond the end")
            found.append(data[end : end + length])
            end += length
        elif head == 0xF1:
            end = start + 3
            found.append(b"%d" % read_i16_le(data, start + 1))
        elif head == 0xF2:
            end = start + 4
            number = i64(read_i16_le(data, start + 1)) & 0xFFFF | data[start + 3] << 16
            found.append(b"%d" % (number if number < 1 << 23 else number - (1 << 24)))
        elif head == 0xF3:
            end = start + 5
            found.append(b"%d" % read_i32_le(data, start + 1))
        elif head == 0xF4:
            end = start + 9
            found.append(b"%d" % read_i64_le(data, start + 1))
        else:
            raise CorruptPayload("listpack element of an unknown kind")
        length = end - start
        if length < 128:
            if end >= last or data[end] != length:
                raise CorruptPayload("listpack element with a wrong length behind it")
            start = end + 1
        else:
            start = check_length(data, end, last, length)
    count: i64 = i64(read_i16_le(data, 4)) & 0xFFFF
    if count != COUNT_UNKNOWN and count != len(found):
        raise CorruptPayload("listpack with a wrong number of elements")
    return found


def _shortest(head: i64) -> i64:
    """Return how many bytes an element that begins with `head`, 0xC0 or more, has at least."""
    if head < 0xF0:
        return 2
    if head == 0xF1:
        return 3
    if head == 0xF2:
        return 4
    return 9 if head == 0xF4 else 5


def check_length(data: bytes, start: i64, last: i64, length: i64) -> i64:
    """Check the length behind an element, 128 or more, and return where the next element begins."""
    width = length_width(length)
    if start + width > last:
        raise CorruptPayload("listpack element with a wrong length behind it")
    shift: i64 = 7 * (width - 1)
    mark: i64 = 0
    while shift >= 0:
        if data[start] != (length >> shift & 0x7F | mark):
            raise CorruptPayload("listpack element with a wrong length behind it")
        mark = 0x80
        start += 1
        shift -= 7
    return start
