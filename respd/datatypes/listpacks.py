"""Listpacks: the byte strings in which Redis keeps small lists, sets, sorted sets and hashes.

    listpack = size in 4 bytes, number of elements in 2 (65535: count them), elements, 255
    element  = encoding and data, then the length of these once more, to be read backwards

An integer is stored as a number where its text is the canonical one. All numbers are little-endian but the lengths of
strings below 4096, which are part of the encoding, and the length at the end, seven bits in a byte.
Source: github.com/antirez/listpack.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, read_i16_le, read_i32_le, read_i64_le, write_i16_le, write_i32_le, write_i64_le
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


# -- walking over a listpack that is known to be sound


def number_size(number: i64) -> i64:
    """Return the bytes that a number takes as an element."""
    if 0 <= number <= 127:
        return 2
    if -4096 <= number <= 4095:
        return 3
    if -(1 << 15) <= number < 1 << 15:
        return 4
    if -(1 << 23) <= number < 1 << 23:
        return 5
    if -(1 << 31) <= number < 1 << 31:
        return 6
    return 10


def after(data: bytes, at: i64) -> i64:
    """Return where the element behind the one at `at` begins."""
    head: i64 = data[at]
    if head < 0x80:
        return at + 2
    if head < 0xC0:
        return at + (head & 0x3F) + 2
    if head < 0xE0:
        return at + 3
    if head < 0xF0:
        size = ((head & 0x0F) << 8 | data[at + 1]) + 2
        return at + size + length_width(size)
    if head == 0xF0:
        size = (i64(read_i32_le(data, at + 1)) & 0xFFFFFFFF) + 5
        return at + size + length_width(size)
    if head == 0xF4:
        return at + 10
    return at + 3 + head - 0xF0


def before(data: bytes, at: i64) -> i64:
    """Return where the element before the one at `at` begins; there must be one."""
    place: i64 = at - 1
    byte: i64 = data[place]
    length: i64 = byte & 0x7F
    shift: i64 = 7
    while byte >= 0x80:
        place -= 1
        byte = data[place]
        length |= (byte & 0x7F) << shift
        shift += 7
    return place - length


def number_at(data: bytes, at: i64) -> i64:
    """Return the number that the element at `at` is; it must be one."""
    head: i64 = data[at]
    if head < 0x80:
        return head
    if head < 0xE0:
        number: i64 = (head & 0x1F) << 8 | data[at + 1]
        return number if number < 4096 else number - 8192
    if head == 0xF1:
        return i64(read_i16_le(data, at + 1))
    if head == 0xF2:
        number = i64(read_i16_le(data, at + 1)) & 0xFFFF | data[at + 3] << 16
        return number if number < 1 << 23 else number - (1 << 24)
    if head == 0xF3:
        return i64(read_i32_le(data, at + 1))
    return read_i64_le(data, at + 1)


def element_at(data: bytes, at: i64) -> bytes:
    """Return the element at `at`, a number as its text."""
    head: i64 = data[at]
    if 0x80 <= head < 0xC0:
        return data[at + 1 : at + 1 + (head & 0x3F)]
    if head < 0xE0 or head > 0xF0:
        return b"%d" % number_at(data, at)
    if head < 0xF0:
        return data[at + 2 : at + 2 + ((head & 0x0F) << 8 | data[at + 1])]
    return data[at + 5 : at + 5 + (i64(read_i32_le(data, at + 1)) & 0xFFFFFFFF)]
