"""Ziplists and zipmaps: what listpacks were until Redis 6.2 and hashes until Redis 2.6. respd reads them only.

    ziplist = size in 4 bytes, where the last entry is in 4, number of entries in 2 (65535: count them), entries, 255
    entry   = length of the entry before in 1 byte, or 254 and 4 bytes; encoding; data
    zipmap  = number of pairs in 1 byte (254 or more: count them); pairs; 255
    pair    = length, field, length, number of unused bytes, value, unused bytes; a length in 1 byte, or 254 and 4 bytes

Source: rdb.fnordig.de.
"""

from __future__ import annotations

from typing import Final

from librt.strings import read_i16_le, read_i32_be, read_i32_le, read_i64_le
from mypy_extensions import i64

from respd.persistence.rdb_format import CorruptPayload

_HEADER_BYTES: Final[i64] = 10
_COUNT_UNKNOWN: Final[i64] = 65535
_END_MARK: Final[i64] = 255
_WIDE: Final[i64] = 254
_PAIRS_UNKNOWN: Final[i64] = 254


def decode(data: bytes) -> list[bytes]:
    """Return the entries of a ziplist, integers as their text; raise CorruptPayload if it is none. O(n)."""
    size: i64 = len(data)
    if size <= _HEADER_BYTES or _u32_le(data, 0) != size:
        raise CorruptPayload("ziplist of a wrong size")
    last: i64 = size - 1
    if data[last] != _END_MARK:
        raise CorruptPayload("ziplist without an end")
    found: list[bytes] = []
    start: i64 = _HEADER_BYTES
    before: i64 = 0
    tail: i64 = _HEADER_BYTES
    while start < last:
        body: i64 = start + 1
        previous: i64 = data[start]
        if previous >= _WIDE:
            body = start + 5
            if previous == _END_MARK or body >= last:
                raise CorruptPayload("ziplist entry beyond the end")
            previous = _u32_le(data, start + 1)
        if previous != before:
            raise CorruptPayload("ziplist entry with a wrong length before it")
        if body >= last:
            raise CorruptPayload("ziplist entry beyond the end")
        head: i64 = data[body]
        skip: i64 = _head_bytes(head)
        if body + skip > last:
            raise CorruptPayload("ziplist entry beyond the end")
        end: i64 = body + skip
        if head < 0xC0:
            length: i64 = head & 0x3F
            if head >= 0x80:
                length = i64(read_i32_be(data, body + 1)) & 0xFFFFFFFF
            elif head >= 0x40:
                length = length << 8 | data[body + 1]
            if end + length > last:
                raise CorruptPayload("ziplist entry beyond the end")
            found.append(data[end : end + length])
            end += length
        else:
            found.append(b"%d" % _number(data, body, head))
        before = end - start
        tail = start
        start = end
    if _u32_le(data, 4) != tail:
        raise CorruptPayload("ziplist with a wrong last entry")
    count: i64 = i64(read_i16_le(data, 8)) & 0xFFFF
    if count != _COUNT_UNKNOWN and count != len(found):
        raise CorruptPayload("ziplist with a wrong number of entries")
    return found


def _u32_le(data: bytes, start: i64) -> i64:
    return i64(read_i32_le(data, start)) & 0xFFFFFFFF


def _head_bytes(head: i64) -> i64:
    """Return the bytes of the encoding, and of the number if it is one."""
    if head < 0x40:
        return 1
    if head < 0x80:
        return 2
    if head == 0x80 or head == 0xD0:
        return 5
    if head == 0xC0:
        return 3
    if head == 0xE0:
        return 9
    if head == 0xF0:
        return 4
    if head == 0xFE:
        return 2
    if 0xF1 <= head <= 0xFD:
        return 1
    raise CorruptPayload("ziplist entry of an unknown kind")


def _number(data: bytes, start: i64, head: i64) -> i64:
    """Return the number of the entry whose encoding, `head`, stands at `start`."""
    if head == 0xC0:
        return i64(read_i16_le(data, start + 1))
    if head == 0xD0:
        return i64(read_i32_le(data, start + 1))
    if head == 0xE0:
        return read_i64_le(data, start + 1)
    if head == 0xF0:
        number: i64 = i64(read_i16_le(data, start + 1)) & 0xFFFF | data[start + 3] << 16
        return number if number < 1 << 23 else number - (1 << 24)
    if head == 0xFE:
        number = data[start + 1]
        return number if number < 128 else number - 256
    return (head & 0x0F) - 1


def decode_zipmap(data: bytes) -> list[bytes]:
    """Return the fields and values of a zipmap, flat; raise CorruptPayload if it is none. O(n)."""
    size: i64 = len(data)
    if size < 2 or data[size - 1] != _END_MARK:
        raise CorruptPayload("zipmap without an end")
    last: i64 = size - 1
    found: list[bytes] = []
    start: i64 = 1
    while start < last:
        for is_value in (False, True):
            length: i64 = data[start]
            start += 1
            if length >= _WIDE:
                if length == _END_MARK or start + 4 > last:
                    raise CorruptPayload("zipmap entry beyond the end")
                length = _u32_le(data, start)
                start += 4
            unused: i64 = 0
            if is_value:
                unused = data[start]
                start += 1
            if start + length + unused > last:
                raise CorruptPayload("zipmap entry beyond the end")
            found.append(data[start : start + length])
            start += length + unused
            if start >= last and not is_value:
                raise CorruptPayload("zipmap field without a value")
    count: i64 = data[0]
    if count < _PAIRS_UNKNOWN and count * 2 != len(found):
        raise CorruptPayload("zipmap with a wrong number of pairs")
    return found
