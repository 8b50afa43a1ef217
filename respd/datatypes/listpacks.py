"""Listpacks: the byte strings in which Redis keeps small lists, sets, sorted sets and hashes.

    listpack = size in 4 bytes, number of elements in 2 (65535: count them), elements, 255
    element  = encoding and data, then the length of these once more, to be read backwards

An integer is stored as a number where its text is the canonical one. All numbers are little-endian but the lengths of
strings below 4096, which are part of the encoding, and the length at the end, seven bits in a byte.
Source: github.com/antirez/listpack.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, write_i16_le, write_i32_le, write_i64_le
from mypy_extensions import i16, i32, i64, u8

from respd.datatypes.strings import parse_int

HEADER_BYTES: Final[i64] = 6
COUNT_UNKNOWN: Final[i64] = 65535
END_MARK: Final[i64] = 255

NOT_CANONICAL: Final[i64] = -(1 << 63)  # the number itself is canonical, and told by its text
_LOWEST: Final = b"-9223372036854775808"
_LONGEST_NUMBER: Final[i64] = 20


def begin(out: BytesWriter) -> None:
    """Begin a listpack in an empty writer; `add` elements, then `finish`."""
    out.truncate(0)
    write_i32_le(out, 0)
    write_i16_le(out, 0)


def finish(out: BytesWriter, count: i64) -> bytes:
    """Return the listpack of `count` elements that a writer holds."""
    out.append(u8(END_MARK))
    size = len(out)
    out[0] = u8(size & 0xFF)
    out[1] = u8(size >> 8 & 0xFF)
    out[2] = u8(size >> 16 & 0xFF)
    out[3] = u8(size >> 24 & 0xFF)
    if count > COUNT_UNKNOWN:
        count = COUNT_UNKNOWN
    out[4] = u8(count & 0xFF)
    out[5] = u8(count >> 8 & 0xFF)
    return out.getvalue()


def encode(elements: list[bytes], out: BytesWriter) -> bytes:
    """Return a listpack of `elements`; `out` is a writer to work with. O(n)."""
    begin(out)
    for element in elements:
        add(out, element)
    return finish(out, len(elements))


def add(out: BytesWriter, element: bytes) -> None:
    """Add an element, as a number where it is the canonical text of one."""
    length: i64 = len(element)
    if 0 < length <= _LONGEST_NUMBER and i64(element[0]) <= 57:
        number = canonical_number(element)
        if number != NOT_CANONICAL or (length == _LONGEST_NUMBER and element == _LOWEST):
            add_number(out, number)
            return
    if length < 64:
        out.append(u8(0x80 | length))
        out.write(element)
        if length < 63:
            out.append(u8(length + 1))
        else:
            _close(out, length + 1)
    elif length < 4096:
        out.append(u8(0xE0 | length >> 8))
        out.append(u8(length & 0xFF))
        out.write(element)
        _close(out, length + 2)
    else:
        out.append(0xF0)
        write_i32_le(out, i32(length))
        out.write(element)
        _close(out, length + 5)


def add_number(out: BytesWriter, number: i64) -> None:
    """Add an element that is a number."""
    if 0 <= number <= 127:
        out.append(u8(number))
        out.append(1)
    elif -4096 <= number <= 4095:
        out.append(u8(0xC0 | number >> 8 & 0x1F))
        out.append(u8(number & 0xFF))
        out.append(2)
    elif -(1 << 15) <= number < 1 << 15:
        out.append(0xF1)
        write_i16_le(out, i16(number))
        out.append(3)
    elif -(1 << 23) <= number < 1 << 23:
        out.append(0xF2)
        out.append(u8(number & 0xFF))
        out.append(u8(number >> 8 & 0xFF))
        out.append(u8(number >> 16 & 0xFF))
        out.append(4)
    elif -(1 << 31) <= number < 1 << 31:
        out.append(0xF3)
        write_i32_le(out, i32(number))
        out.append(5)
    else:
        out.append(0xF4)
        write_i64_le(out, number)
        out.append(9)


def _close(out: BytesWriter, length: i64) -> None:
    """Write the length behind an element."""
    shift: i64 = 7 * (length_width(length) - 1)
    mark: i64 = 0
    while shift >= 0:
        out.append(u8(length >> shift & 0x7F | mark))
        mark = 0x80
        shift -= 7


def canonical_number(text: bytes) -> i64:
    """Return the number that a text of 1 to 20 bytes spells in its one canonical form, else NOT_CANONICAL.

    Unlike `strings.parse_int` it makes no object.
    """
    size: i64 = len(text)
    start: i64 = 0
    first: i64 = text[0]
    if first == 45:
        if size == 1:
            return NOT_CANONICAL
        start = 1
        first = text[1]
        if first == 48:
            return NOT_CANONICAL
    elif first == 48:
        return 0 if size == 1 else NOT_CANONICAL
    if size - start > 18:
        return _long_number(text)
    number: i64 = 0
    position = start
    while position < size:
        digit: i64 = text[position]
        if digit < 48 or digit > 57:
            return NOT_CANONICAL
        number = number * 10 + digit - 48
        position += 1
    return -number if start else number


def _long_number(text: bytes) -> i64:
    number = parse_int(text)
    return NOT_CANONICAL if number is None else number


def length_width(length: i64) -> i64:
    """Return the bytes that the length behind an element takes."""
    if length < 128:
        return 1
    if length < 16383:
        return 2
    if length < 2097151:
        return 3
    return 4 if length < 268435455 else 5
