"""Writes RDB files and DUMP payloads: keys in, bytes out, touching neither file nor database.

The version is the one that redis-server 7.0 reads, unless some hash has fields that expire: that takes version 12. A
payload, which has no auxiliary fields, takes version 11 where a consumer of a stream has asked since it got something.
Small collections are saved in the encodings that they have in Redis, so that a server which loads them copies each in
one go; in version 10 there is none for small sets of words, which are saved member by member.
Source: rdb.fnordig.de, and what redis-server 7.0 and 8.0 write.
"""

from __future__ import annotations

from typing import Final, final

from librt.strings import (
    BytesWriter,
    write_f64_le,
    write_i16_le,
    write_i32_be,
    write_i32_le,
    write_i64_be,
    write_i64_le,
)
from mypy_extensions import i16, i32, i64, u8

from respd.datatypes import listpacks
from respd.datatypes.hashes import HashValue
from respd.datatypes.lists import ListValue
from respd.datatypes.sets import SetValue
from respd.datatypes.sorted_sets import SortedSet
from respd.datatypes.stream_groups import activity_differs
from respd.datatypes.streams import Stream
from respd.datatypes.strings import format_double
from respd.persistence import intsets
from respd.persistence.lzf import Compressor
from respd.persistence.rdb_activity import ACTIVITY, encode_activity
from respd.persistence.rdb_format import (
    AUX,
    CHECKSUM_BYTES,
    ENCODED_INT8,
    ENCODED_INT16,
    ENCODED_INT32,
    ENCODED_LZF,
    END,
    EXPIRE_MS,
    FIELD_EXPIRY_VERSION,
    FREQUENCY,
    FUNCTION,
    HASH,
    HASH_LISTPACK,
    HASH_LISTPACK_EX,
    HASH_METADATA,
    IDLE,
    LENGTH_32_BITS,
    LENGTH_64_BITS,
    LIST_QUICKLIST_2,
    MAGIC,
    NODE_PACKED,
    NODE_PLAIN,
    PORTABLE_VERSION,
    RESIZE,
    SELECT,
    SET,
    SET_INTSET,
    SET_LISTPACK,
    SET_LISTPACK_VERSION,
    STREAM_ACTIVE_VERSION,
    STRING,
    ZSET_2,
    ZSET_LISTPACK,
)
from respd.persistence.rdb_producers import PRODUCERS, encode_producers
from respd.persistence.rdb_streams import type_for, write_stream

_ENCODED: Final[i64] = 0xC0
_LONGEST_NUMBER: Final[i64] = 11  # "-2147483648"
_COMPRESSED_FROM: Final[i64] = 21
_EXACT_INT: Final = float(1 << 52)


@final
class RdbWriter:
    """Gathers the bytes of one RDB file; `take` hands over those so far, to be written, and keeps the checksum.

    `version` is that of the format; `compress` strings of more than 20 bytes; `checksum` at the end, or 0.
    """

    def __init__(self, version: int, compress: bool, checksum: bool) -> None:
        self.version: i64 = version
        self.out: BytesWriter = BytesWriter()
        self.has_checksum = checksum
        self.written: int = 0  # bytes that were taken
        self._checksum: int = 0
        self._compressor: Compressor | None = Compressor() if compress else None
        self.scratch: BytesWriter = BytesWriter()

    def take(self) -> bytes:
        """Return the bytes since the last call."""
        data = self.out.getvalue()
        self.out.truncate(0)
        self.written += len(data)
        if self.has_checksum:
            from respd.persistence.crc64 import crc64

            self._checksum = crc64(data, self._checksum)
        return data

    # -- records

    def header(self, about: list[tuple[bytes, bytes]]) -> None:
        """Begin the file, with what the server says about itself, as names and values."""
        self.out.write(MAGIC + b"%04d" % self.version)
        for name, value in about:
            self.out.append(AUX)
            self.string(name)
            self.string(value)

    def function(self, code: bytes) -> None:
        """Add a library of functions, before all databases."""
        self.out.append(FUNCTION)
        self.string(code)

    def select(self, index: int, keys: int, expires: int) -> None:
        """Begin a database that has so many keys, and so many of them that expire."""
        self.out.append(SELECT)
        self.length(index)
        self.out.append(RESIZE)
        self.length(keys)
        self.length(expires)

    def key(self, key: bytes, value: object, expire_at_ms: i64, idle_s: i64, frequency: i64) -> None:
        """Add a key; an expiry of 0 is never, an idle time or frequency of NOT_TOLD is not in the file."""
        out = self.out
        if isinstance(value, Stream) and value.producers is not None:
            out.append(AUX)
            self.string(PRODUCERS)
            self.string(encode_producers(value.producers, self.scratch))
        if isinstance(value, Stream) and self.version < STREAM_ACTIVE_VERSION and activity_differs(value.groups):
            out.append(AUX)
            self.string(ACTIVITY)
            self.string(encode_activity(value.groups, self.scratch))
        if expire_at_ms != 0:
            out.append(EXPIRE_MS)
            write_i64_le(out, expire_at_ms)
        if idle_s >= 0:
            out.append(IDLE)
            self.length(idle_s)
        if frequency >= 0:
            out.append(FREQUENCY)
            out.append(u8(frequency))
        if isinstance(value, bytes):
            out.append(STRING)
            self.string(key)
            self.string(value)
        else:
            self.value(value, key)

    def end(self) -> bytes:
        """End the file; return the last bytes of it."""
        self.out.append(END)
        data = self.take()
        self.written += CHECKSUM_BYTES
        return data + self._checksum.to_bytes(CHECKSUM_BYTES, "little")

    # -- values

    def value(self, value: object, key: bytes | None) -> None:
        """Add the type of a value, the key if there is one, and the value."""
        out = self.out
        if isinstance(value, int):
            self._begin(STRING, key)
            self.number(value)
        elif isinstance(value, HashValue):
            self._hash(value, key)
        elif isinstance(value, SetValue):
            self._set(value, key)
        elif isinstance(value, SortedSet):
            self._zset(value, key)
        elif isinstance(value, Stream):
            self._begin(type_for(self.version), key)
            write_stream(self, value)
        elif isinstance(value, ListValue):
            self._begin(LIST_QUICKLIST_2, key)
            nodes = value.nodes()
            self.length(len(nodes))
            for node in nodes:
                if node.plain:
                    out.append(NODE_PLAIN)
                    self.string(node.items[0])
                else:
                    out.append(NODE_PACKED)
                    self.string(listpacks.encode(node.ordered() if node.backwards else node.items, self.scratch))
        else:
            assert isinstance(value, (bytes, bytearray))
            self._begin(STRING, key)
            self.string(bytes(value))

    def _begin(self, kind: int, key: bytes | None) -> None:
        self.out.append(kind)
        if key is not None:
            self.string(key)

    def _hash(self, value: HashValue, key: bytes | None) -> None:
        is_small = value.encoding() != b"hashtable"
        if value.next_expire_ms != 0:
            self._expiring_hash(value, key, is_small)
        elif is_small:
            self._begin(HASH_LISTPACK, key)
            self.string(listpacks.encode(value.items(), self.scratch))
        else:
            self._begin(HASH, key)
            flat = value.items()
            self.length(len(flat) // 2)
            for word in flat:
                self.string(word)

    def _expiring_hash(self, value: HashValue, key: bytes | None, is_small: bool) -> None:
        """Add a hash with fields that expire: moments in a listpack, or as what they are beyond the first."""
        flat = value.items()
        first: i64 = value.next_expire_ms
        count: i64 = len(flat)
        if is_small:
            self._begin(HASH_LISTPACK_EX, key)
            write_i64_le(self.out, first)
            scratch = self.scratch
            listpacks.begin(scratch)
            for index in range(0, count, 2):
                listpacks.add(scratch, flat[index])
                listpacks.add(scratch, flat[index + 1])
                listpacks.add_number(scratch, value.expire_at(flat[index]))
            self.string(listpacks.finish(scratch, count // 2 * 3))
            return
        self._begin(HASH_METADATA, key)
        write_i64_le(self.out, first)
        self.length(count // 2)
        for index in range(0, count, 2):
            at_ms: i64 = value.expire_at(flat[index])
            self.length(at_ms - first + 1 if at_ms != 0 else 0)
            self.string(flat[index])
            self.string(flat[index + 1])

    def _set(self, value: SetValue, key: bytes | None) -> None:
        numbers = value.integers()
        if numbers is not None:
            self._begin(SET_INTSET, key)
            self.string(intsets.encode(numbers))
            return
        members = value.members()
        if self.version >= SET_LISTPACK_VERSION and value.encoding() == b"listpack":
            self._begin(SET_LISTPACK, key)
            self.string(listpacks.encode(members, self.scratch))
            return
        self._begin(SET, key)
        self.length(len(members))
        for member in members:
            self.string(member)

    def _zset(self, value: SortedSet, key: bytes | None) -> None:
        count: i64 = len(value)
        elements = value.between(0, count)
        if value.encoding() == b"listpack":
            self._begin(ZSET_LISTPACK, key)
            scratch = self.scratch
            listpacks.begin(scratch)
            for element in elements:
                listpacks.add(scratch, element.member)
                score = element.score
                if -_EXACT_INT < score < _EXACT_INT and score == float(i64(score)):
                    listpacks.add_number(scratch, i64(score))
                else:
                    listpacks.add(scratch, format_double(score))
            self.string(listpacks.finish(scratch, count * 2))
            return
        self._begin(ZSET_2, key)
        self.length(count)
        out = self.out
        at = count - 1
        while at >= 0:  # the highest first: whoever inserts each at the front has the least to do
            self.string(elements[at].member)
            write_f64_le(out, elements[at].score)
            at -= 1

    # -- numbers and strings

    def length(self, length: i64) -> None:
        """Add a length, in as few bytes as it takes."""
        out = self.out
        if length < 64:
            out.append(u8(length))
        elif length < 16384:
            out.append(u8(0x40 | length >> 8))
            out.append(u8(length & 0xFF))
        elif length < 1 << 32:
            out.append(LENGTH_32_BITS)
            write_i32_be(out, i32(length if length < 1 << 31 else length - (1 << 32)))
        else:
            out.append(LENGTH_64_BITS)
            write_i64_be(out, length)

    def number(self, number: int) -> None:
        """Add a number as a string: as a small integer, or as its text."""
        if -(1 << 31) <= number < 1 << 31:
            self._small_number(number)
        else:
            self.string(b"%d" % number)

    def _small_number(self, number: i64) -> None:
        out = self.out
        if -128 <= number < 128:
            out.append(u8(_ENCODED | ENCODED_INT8))
            out.append(u8(number & 0xFF))
        elif -(1 << 15) <= number < 1 << 15:
            out.append(u8(_ENCODED | ENCODED_INT16))
            write_i16_le(out, i16(number))
        else:
            out.append(u8(_ENCODED | ENCODED_INT32))
            write_i32_le(out, i32(number))

    def string(self, data: bytes) -> None:
        """Add a string: as a small integer if it spells one, compressed if that saves something, or as it is."""
        size: i64 = len(data)
        if size >= _COMPRESSED_FROM:
            compressor = self._compressor
            packed = compressor.compress(data) if compressor is not None else None
            if packed is not None:
                self.out.append(u8(_ENCODED | ENCODED_LZF))
                self.length(len(packed))
                self.length(size)
                self.out.write(packed)
                return
        elif 0 < size <= _LONGEST_NUMBER and i64(data[0]) <= 57:
            number = listpacks.canonical_number(data)
            if -(1 << 31) <= number < 1 << 31:
                self._small_number(number)
                return
        self.length(size)
        self.out.write(data)


def dump(value: object, compress: bool) -> tuple[bytes, int]:
    """Return the type and bytes of one value, and the version of the format that knows them."""
    version = PORTABLE_VERSION
    if isinstance(value, HashValue) and value.next_expire_ms != 0:
        version = FIELD_EXPIRY_VERSION
    elif isinstance(value, Stream) and activity_differs(value.groups):
        version = STREAM_ACTIVE_VERSION
    writer = RdbWriter(version, compress, False)
    writer.value(value, None)
    return writer.out.getvalue(), version
