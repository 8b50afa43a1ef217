"""RDB files by hand: every version since the first, with the encodings of its time, which no server at hand writes.

Written from the format's description and kept apart from respd's own writer, so that the two cannot share a mistake.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

import anycrc

_CRC = anycrc.Model("CRC64-REDIS")
Words = Iterable[bytes]


def length(number: int) -> bytes:
    """A length in the fewest bytes."""
    if number < 64:
        return bytes((number,))
    if number < 1 << 14:
        return struct.pack(">H", 0x4000 | number)
    if number < 1 << 32:
        return b"\x80" + struct.pack(">I", number)
    return b"\x81" + struct.pack(">Q", number)


def string(data: bytes) -> bytes:
    """A string as it is."""
    return length(len(data)) + data


def number(value: int) -> bytes:
    """A string that is a small number."""
    for kind, form, bits in ((0, "<b", 8), (1, "<h", 16), (2, "<i", 32)):
        if -(1 << bits - 1) <= value < 1 << bits - 1:
            return bytes((0xC0 | kind,)) + struct.pack(form, value)
    raise ValueError(value)


def compressed(data: bytes) -> bytes:
    """A string in LZF, of literals only."""
    packed = b"".join(bytes((len(data[at : at + 32]) - 1,)) + data[at : at + 32] for at in range(0, len(data), 32))
    return b"\xc3" + length(len(packed)) + length(len(data)) + packed


def strings(words: Words) -> bytes:
    """Strings one after the other."""
    return b"".join(string(word) for word in words)


def as_number(word: bytes) -> int | None:
    """The number of 64 bits that `word` spells in its canonical form, or None."""
    try:
        value = int(word)
    except ValueError:
        return None
    return value if b"%d" % value == word and -(1 << 63) <= value < 1 << 63 else None


def ziplist(words: Words) -> bytes:
    """A ziplist, numbers in the fewest bytes."""
    body = b""
    before = 0
    tail = 10
    count = 0
    for word in words:
        entry = bytes((before,)) if before < 254 else b"\xfe" + struct.pack("<I", before)
        value = as_number(word)
        if value is not None:
            entry += _ziplist_number(value)
        elif len(word) < 64:
            entry += bytes((len(word),)) + word
        elif len(word) < 1 << 14:
            entry += struct.pack(">H", 0x4000 | len(word)) + word
        else:
            entry += b"\x80" + struct.pack(">I", len(word)) + word
        tail = 10 + len(body)
        before = len(entry)
        body += entry
        count += 1
    return struct.pack("<IIH", len(body) + 11, tail, min(count, 65535)) + body + b"\xff"


def _ziplist_number(value: int) -> bytes:
    if 0 <= value <= 12:
        return bytes((0xF1 + value,))
    for head, size in ((0xFE, 1), (0xC0, 2), (0xF0, 3), (0xD0, 4), (0xE0, 8)):
        if -(1 << 8 * size - 1) <= value < 1 << 8 * size - 1:
            return bytes((head,)) + value.to_bytes(size, "little", signed=True)
    raise ValueError(value)


def zipmap(words: list[bytes], unused: int = 0) -> bytes:
    """A zipmap of fields and values, flat, with unused bytes behind each value."""
    body = b""
    for at in range(0, len(words), 2):
        body += _zipmap_length(words[at]) + words[at]
        body += _zipmap_length(words[at + 1]) + bytes((unused,)) + words[at + 1] + bytes(unused)
    return bytes((min(len(words) // 2, 254),)) + body + b"\xff"


def _zipmap_length(word: bytes) -> bytes:
    return bytes((len(word),)) if len(word) < 254 else b"\xfe" + struct.pack("<I", len(word))


def intset(numbers: Iterable[int]) -> bytes:
    """An intset of the numbers as they come, each in as many bytes as the widest needs."""
    found = list(numbers)
    widest = max([16, *(each.bit_length() + 1 for each in found)])
    size = 2 if widest <= 16 else 4 if widest <= 32 else 8
    return struct.pack("<II", size, len(found)) + b"".join(n.to_bytes(size, "little", signed=True) for n in found)


def listpack(words: Words, as_text: bool = False) -> bytes:
    """A listpack; numbers in the fewest bytes, or as text."""
    body = b""
    count = 0
    for word in words:
        value = None if as_text else as_number(word)
        entry = _listpack_text(word) if value is None else _listpack_number(value)
        body += entry + _length_behind(len(entry))
        count += 1
    return struct.pack("<IH", len(body) + 7, min(count, 65535)) + body + b"\xff"


def _listpack_text(word: bytes) -> bytes:
    if len(word) < 64:
        return bytes((0x80 | len(word),)) + word
    if len(word) < 4096:
        return struct.pack(">H", 0xE000 | len(word)) + word
    return b"\xf0" + struct.pack("<I", len(word)) + word


def _listpack_number(value: int) -> bytes:
    if 0 <= value < 128:
        return bytes((value,))
    if -4096 <= value < 4096:
        return struct.pack(">H", 0xC000 | value & 0x1FFF)
    for head, size in ((0xF1, 2), (0xF2, 3), (0xF3, 4), (0xF4, 8)):
        if -(1 << 8 * size - 1) <= value < 1 << 8 * size - 1:
            return bytes((head,)) + value.to_bytes(size, "little", signed=True)
    raise ValueError(value)


def _length_behind(size: int) -> bytes:
    limits = (127, 16382, 2097150, 268435454)
    width = 1 + sum(size > limit for limit in limits)
    groups = [size >> 7 * place & 127 for place in reversed(range(width))]
    return bytes((groups[0], *(128 | group for group in groups[1:])))


def text_score(score: float) -> bytes:
    """A score as versions up to 7 have it."""
    if score != score:
        return b"\xfd"
    if score in (float("inf"), float("-inf")):
        return b"\xfe" if score > 0 else b"\xff"
    text = b"%.17g" % score
    return bytes((len(text),)) + text


def key(name: bytes, kind: int, value: bytes, expire_s: int = 0, expire_ms: int = 0) -> bytes:
    """A key and its value, which is in the form of its type."""
    expiry = b"\xfd" + struct.pack("<i", expire_s) if expire_s else b""
    if expire_ms:
        expiry = b"\xfc" + struct.pack("<q", expire_ms)
    return expiry + bytes((kind,)) + string(name) + value


def aux(name: bytes, value: bytes) -> bytes:
    """What the writer says about itself."""
    return b"\xfa" + string(name) + string(value)


def select(database: int) -> bytes:
    """The database of the keys that follow."""
    return b"\xfe" + length(database)


def file(version: int, *records: bytes, checksum: bool = True, magic: bytes = b"REDIS") -> bytes:
    """A whole file of these records."""
    data = magic + (b"%04d" if magic == b"REDIS" else b"%03d") % version + b"".join(records) + b"\xff"
    if version < 5:
        return data
    return data + (int(_CRC.calc(data)) if checksum else 0).to_bytes(8, "little")
