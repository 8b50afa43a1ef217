"""Values in RDB's form, read: what stands behind a key in a file, and what DUMP gives.

Everything is checked while it is read: lengths against the bytes that are there, so that no claim of a damaged value
makes us take memory for more than it holds; listpacks and their kin entry by entry; members and fields that come twice;
scores that are no numbers. Redis itself checks so much only with `sanitize-dump-payload yes`.

The encodings of the values are what Redis gives them after loading: a listpack stays one if its number of entries is
within the limits, whatever their size, and collections saved member by member take the form that fits them.
Source: rdb.fnordig.de, and the files that redis-server and valkey-server write.
"""

from __future__ import annotations

import math
from typing import Final, final

from librt.strings import read_f64_le, read_i16_le, read_i32_be, read_i32_le, read_i64_be, read_i64_le
from mypy_extensions import i64

from respd.datatypes.hashes import HashValue
from respd.datatypes.limits import Limits
from respd.datatypes.list_nodes import Node, packed_node, plain_node
from respd.datatypes.lists import ListValue
from respd.datatypes.sets import SetValue
from respd.datatypes.sorted_sets import SortedSet
from respd.datatypes.strings import StringValue, parse_double, try_int
from respd.persistence import intsets, listpacks, ziplists
from respd.persistence.lzf import decompress
from respd.persistence.rdb_format import (
    ENCODED_INT8,
    ENCODED_INT16,
    ENCODED_INT32,
    ENCODED_LZF,
    FIELD_EXPIRE_MAX_MS,
    HASH,
    HASH_LISTPACK,
    HASH_LISTPACK_EX,
    HASH_LISTPACK_EX_PRE_GA,
    HASH_METADATA,
    HASH_METADATA_PRE_GA,
    HASH_ZIPLIST,
    HASH_ZIPMAP,
    LENGTH_32_BITS,
    LENGTH_64_BITS,
    LIST,
    LIST_QUICKLIST,
    LIST_QUICKLIST_2,
    LIST_ZIPLIST,
    MODULE_2,
    MODULE_PRE_GA,
    NODE_PACKED,
    NODE_PLAIN,
    SCORE_INFINITY,
    SCORE_MINUS_INFINITY,
    SCORE_NAN,
    SET,
    SET_INTSET,
    SET_LISTPACK,
    STREAM_LISTPACKS,
    STREAM_LISTPACKS_2,
    STREAM_LISTPACKS_3,
    STRING,
    ZSET,
    ZSET_2,
    ZSET_LISTPACK,
    ZSET_ZIPLIST,
    CorruptPayload,
    UnsupportedPayload,
)
from respd.persistence.rdb_streams import read_stream

_VALKEY_NEVER: Final = -1
_LENGTH_MAX: Final[i64] = 1 << 62  # beyond, the sum with a position could pass 64 bits
_MODULE_NAME_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_MODULE_NAME_SIZE: Final = 9

# What a module's data consists of.
_MODULE_END: Final = 0
_MODULE_SIGNED: Final = 1
_MODULE_UNSIGNED: Final = 2
_MODULE_FLOAT: Final = 3
_MODULE_DOUBLE: Final = 4
_MODULE_STRING: Final = 5


@final
class Skipped:
    """What stands for a value of a type that respd does not have, where such values are skipped."""

    def __init__(self, name: str) -> None:
        self.name = name


class MoreBytes(Exception):
    """The bytes end before what is being read; at least up to `wanted` of them are needed."""

    def __init__(self, wanted: int) -> None:
        super().__init__("the data ends early")
        self.wanted = wanted


@final
class ValueReader:
    """Reads from `data` at `at`, which it moves on. Raises MoreBytes at the end of the data, and CorruptPayload."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.data: bytes = b""
        self.size: i64 = 0  # of `data`
        self.at: i64 = 0
        self.is_valkey: bool = False  # type 22 means something else in Valkey's files
        self.skips_unknown: bool = False  # values of types that respd does not have, rather than refuse them

    def open(self, data: bytes, at: i64) -> None:
        """Read from `data`, from `at` on."""
        self.data = data
        self.size = len(data)
        self.at = at

    # -- numbers and strings

    def byte(self) -> i64:
        """Read one byte."""
        at = self.at
        if at >= self.size:
            raise MoreBytes(at + 1)
        self.at = at + 1
        return self.data[at]

    def take(self, count: i64) -> i64:
        """Skip `count` bytes and return where they begin."""
        at = self.at
        if count > self.size - at:
            raise MoreBytes(int(at) + int(count))
        self.at = at + count
        return at

    def length(self) -> i64:
        """Read a length, which may be any number of up to 62 bits."""
        at = self.at
        if at >= self.size:
            raise MoreBytes(at + 1)
        head: i64 = self.data[at]
        if head < 64:
            self.at = at + 1
            return head
        if head < 128:
            start = self.take(2)
            return (head & 0x3F) << 8 | self.data[start + 1]
        if head == LENGTH_32_BITS:
            start = self.take(5)
            return i64(read_i32_be(self.data, start + 1)) & 0xFFFFFFFF
        if head == LENGTH_64_BITS:
            start = self.take(9)
            found = read_i64_be(self.data, start + 1)
            if 0 <= found < _LENGTH_MAX:
                return found
        raise CorruptPayload("a length that is none")

    def count(self) -> i64:
        """Read how many things follow, each of which takes a byte at least."""
        found = self.length()
        if found > self.size - self.at:
            raise MoreBytes(int(self.at) + int(found))
        return found

    def milliseconds(self) -> i64:
        """Read a moment of eight bytes."""
        start = self.take(8)
        return read_i64_le(self.data, start)

    def string(self) -> bytes:
        """Read a string, a number as its text."""
        data = self.data
        at = self.at
        if at < self.size:
            head: i64 = data[at]
            if head < 64:
                start: i64 = at + 1
                end = start + head
                if end <= self.size:
                    self.at = end
                    return data[start:end]
            elif head >= 192:
                return self._encoded(head & 63)
        size = self.length()
        start = self.take(size)
        return data[start : start + size]

    def _encoded(self, kind: i64) -> bytes:
        """Read a string that is a number or compressed, from its first byte on."""
        if kind == ENCODED_LZF:
            self.at += 1
            packed_size = self.length()
            size = self.length()
            start = self.take(packed_size)
            return decompress(self.data[start : start + packed_size], size)
        return b"%d" % self._number(kind)

    def _number(self, kind: i64) -> i64:
        if kind == ENCODED_INT8:
            start = self.take(2)
            number: i64 = self.data[start + 1]
            return number if number < 128 else number - 256
        if kind == ENCODED_INT16:
            start = self.take(3)
            return i64(read_i16_le(self.data, start + 1))
        if kind == ENCODED_INT32:
            start = self.take(5)
            return i64(read_i32_le(self.data, start + 1))
        raise CorruptPayload("a string of an unknown encoding")

    def string_value(self) -> StringValue:
        """Read a string as the value of a key: a number where its text is the canonical one of a number."""
        at = self.at
        if at < self.size and self.data[at] >= 192 and self.data[at] != 192 + ENCODED_LZF:
            return int(self._number(self.data[at] & 63))
        return try_int(self.string())

    # -- values

    def value(self, kind: i64) -> object:
        """Read the value of a key of this type; None for a collection without members.

        Raises UnsupportedPayload for a type that respd does not have.
        """
        if kind == STRING:
            return self.string_value()
        if kind == HASH_LISTPACK:
            return self._hash(listpacks.decode(self.string()), True)
        if kind == ZSET_LISTPACK:
            return self._zset_listpack(listpacks.decode(self.string()))
        if kind == SET_LISTPACK:
            return self._set(listpacks.decode(self.string()), True)
        if kind == LIST_QUICKLIST_2:
            return self._quicklist_2()
        if kind == SET_INTSET:
            return self._intset()
        if kind == HASH:
            return self._hash(self._strings(2), False)
        if kind in (ZSET_2, ZSET):
            return self._zset(kind == ZSET_2)
        if kind == SET:
            return self._set(self._strings(1), False)
        if kind in (HASH_METADATA, HASH_LISTPACK_EX):
            return self._expiring_hash(kind)
        if kind in (HASH_METADATA_PRE_GA, HASH_LISTPACK_EX_PRE_GA):
            return self._valkey_hash() if self.is_valkey else self._expiring_hash(kind)
        return self._old_value(kind)

    def _old_value(self, kind: i64) -> object:
        """Read a value of a type that only older servers write, or of one that respd does not have."""
        if kind == LIST:
            elements = self._strings(1)
            if not elements:
                return None
            made = ListValue()
            made.fill(elements, self.limits)
            return made
        if kind == LIST_ZIPLIST:
            return self._list([packed_node(ziplists.decode(self.string()))])
        if kind == LIST_QUICKLIST:
            return self._quicklist()
        if kind == HASH_ZIPLIST:
            return self._hash(ziplists.decode(self.string()), True)
        if kind == HASH_ZIPMAP:
            return self._hash(ziplists.decode_zipmap(self.string()), False)
        if kind == ZSET_ZIPLIST:
            return self._zset_listpack(ziplists.decode(self.string()))
        if kind in (STREAM_LISTPACKS, STREAM_LISTPACKS_2, STREAM_LISTPACKS_3):
            return read_stream(self, kind)
        if kind in (MODULE_2, MODULE_PRE_GA):
            name = module_name(self.any_number())
            if not self.skips_unknown or kind == MODULE_PRE_GA:
                raise UnsupportedPayload(f"data of the module type '{name}'")
            self.skip_module_data()
            return Skipped(f"module type '{name}'")
        raise CorruptPayload(f"unknown type {kind}")

    def _strings(self, each: i64) -> list[bytes]:
        """Read a length and `each` strings for each of it."""
        count = self.count()
        found: list[bytes] = []
        count *= each
        while count > 0:
            found.append(self.string())
            count -= 1
        return found

    def _list(self, nodes: list[Node]) -> ListValue | None:
        kept: list[Node] = []
        for node in nodes:
            if node.items:
                kept.append(node)
        if not kept:
            return None
        made = ListValue()
        made.fill_nodes(kept, self.limits)
        return made

    def _quicklist(self) -> ListValue | None:
        nodes: list[Node] = []
        count = self.count()
        while count > 0:
            nodes.append(packed_node(ziplists.decode(self.string())))
            count -= 1
        return self._list(nodes)

    def _quicklist_2(self) -> ListValue | None:
        nodes: list[Node] = []
        count = self.count()
        while count > 0:
            container = self.length()
            if container == NODE_PACKED:
                nodes.append(packed_node(listpacks.decode(self.string())))
            elif container == NODE_PLAIN:
                large = self.string()
                if not large:
                    raise CorruptPayload("a list node of nothing")
                nodes.append(plain_node(large))
            else:
                raise CorruptPayload("a list node of an unknown kind")
            count -= 1
        return self._list(nodes)

    def _intset(self) -> SetValue | None:
        numbers = intsets.decode(self.string())
        if not numbers:
            return None
        made = SetValue()
        made.fill_ints(numbers, self.limits)
        return made

    def _set(self, members: list[bytes], any_size: bool) -> SetValue | None:
        if not members:
            return None
        made = SetValue()
        if not made.fill(members, self.limits, any_size):
            raise CorruptPayload("a set with the same member twice")
        return made

    def _hash(self, flat: list[bytes], any_size: bool) -> HashValue | None:
        if not flat:
            return None
        if len(flat) % 2:
            raise CorruptPayload("a hash with a field without a value")
        made = HashValue()
        if not made.fill(flat, self.limits, any_size):
            raise CorruptPayload("a hash with the same field twice")
        return made

    def _zset(self, binary: bool) -> SortedSet | None:
        members: list[bytes] = []
        scores: list[float] = []
        count = self.count()
        while count > 0:
            members.append(self.string())
            if binary:
                start = self.take(8)
                scores.append(_checked(read_f64_le(self.data, start)))
            else:
                scores.append(self._text_score())
            count -= 1
        return self._sorted_set(members, scores, False)

    def _text_score(self) -> float:
        size = self.byte()
        if size == SCORE_INFINITY:
            return math.inf
        if size == SCORE_MINUS_INFINITY:
            return -math.inf
        if size == SCORE_NAN:
            raise CorruptPayload("a score that is no number")
        start = self.take(size)
        score = parse_double(self.data[start : start + size])
        if score is None:
            raise CorruptPayload("a score that is no number")
        return score

    def _zset_listpack(self, flat: list[bytes]) -> SortedSet | None:
        if len(flat) % 2:
            raise CorruptPayload("a sorted set with a member without a score")
        scores: list[float] = []
        for word in flat[1::2]:
            score = parse_double(word)
            if score is None:
                raise CorruptPayload("a score that is no number")
            scores.append(score)
        return self._sorted_set(flat[::2], scores, True)

    def _sorted_set(self, members: list[bytes], scores: list[float], any_size: bool) -> SortedSet | None:
        if not members:
            return None
        made = SortedSet()
        if not made.fill(members, scores, self.limits, any_size):
            raise CorruptPayload("a sorted set with the same member twice")
        return made

    # -- hashes whose fields expire

    def _expiring_hash(self, kind: i64) -> HashValue | None:
        earliest: i64 = 0
        if kind in (HASH_METADATA, HASH_LISTPACK_EX):
            earliest = self.milliseconds()
            if earliest < 0 or earliest > FIELD_EXPIRE_MAX_MS + 1:
                raise CorruptPayload("a field that expires at no moment")
        if kind in (HASH_LISTPACK_EX, HASH_LISTPACK_EX_PRE_GA):
            return self._expiring_listpack(listpacks.decode(self.string()))
        flat: list[bytes] = []
        moments: list[int] = []
        count = self.count()
        while count > 0:
            at_ms = self.length()
            if at_ms != 0 and kind == HASH_METADATA:  # counted from the earliest, which is 1
                if at_ms > FIELD_EXPIRE_MAX_MS + 1:
                    raise CorruptPayload("a field that expires at no moment")
                at_ms += earliest - 1
            moments.append(_moment(at_ms))
            flat.append(self.string())
            flat.append(self.string())
            count -= 1
        return self._dying_hash(flat, moments, False)

    def _expiring_listpack(self, triples: list[bytes]) -> HashValue | None:
        if len(triples) % 3:
            raise CorruptPayload("a hash with a field without a value or an expiry")
        flat: list[bytes] = []
        moments: list[int] = []
        latest = 0
        for index in range(0, len(triples), 3):
            flat.append(triples[index])
            flat.append(triples[index + 1])
            at_ms = try_int(triples[index + 2])
            if not isinstance(at_ms, int):
                raise CorruptPayload("a field that expires at no moment")
            moments.append(_moment(at_ms))
            if moments[-1] != latest and (not latest or 0 < moments[-1] < latest) and index:
                raise CorruptPayload("fields that do not stand in the order in which they expire")
            latest = moments[-1]
        return self._dying_hash(flat, moments, True)

    def _valkey_hash(self) -> HashValue | None:
        """Read Valkey's hash: every field with its moment, -1 for never."""
        flat: list[bytes] = []
        moments: list[int] = []
        expires = False
        count = self.count()
        while count > 0:
            flat.append(self.string())
            flat.append(self.string())
            at_ms = self.milliseconds()
            if at_ms == _VALKEY_NEVER:
                moments.append(0)
            else:
                moments.append(_moment(max(at_ms, 1)))
                expires = True
            count -= 1
        return self._dying_hash(flat, moments, False) if expires else self._hash(flat, False)

    def _dying_hash(self, flat: list[bytes], moments: list[int], any_size: bool) -> HashValue | None:
        if not flat:
            return None
        made = HashValue()
        if not made.fill_expiring(flat, moments, self.limits, any_size):
            raise CorruptPayload("a hash with the same field twice")
        return made

    # -- what is skipped

    def skip_module_data(self) -> None:
        """Skip what a module has saved, up to its end."""
        while True:
            kind = self.length()
            if kind == _MODULE_END:
                return
            if kind in (_MODULE_SIGNED, _MODULE_UNSIGNED):
                self.any_number()
            elif kind == _MODULE_FLOAT:
                self.take(4)
            elif kind == _MODULE_DOUBLE:
                self.take(8)
            elif kind == _MODULE_STRING:
                self.string()
            else:
                raise CorruptPayload("module data of an unknown kind")

    def any_number(self) -> int:
        """Read a number in the form of a length that may have all of 64 bits."""
        if self.at < self.size and self.data[self.at] == LENGTH_64_BITS:
            start = self.take(9)
            return int.from_bytes(self.data[start + 1 : start + 9], "big")
        return int(self.length())


def module_name(number: int) -> str:
    """Return the name of the module type that `number` stands for: nine letters of six bits, then a version."""
    letters = ""
    for place in range(_MODULE_NAME_SIZE):
        letters = _MODULE_NAME_LETTERS[number >> (10 + 6 * place) & 63] + letters
    return letters


def _checked(score: float) -> float:
    if math.isnan(score):
        raise CorruptPayload("a score that is no number")
    return score


def _moment(at_ms: int) -> int:
    """Return when a field expires, 0 for never, if that is a moment at all."""
    if not 0 <= at_ms <= FIELD_EXPIRE_MAX_MS:
        raise CorruptPayload("a field that expires at no moment")
    return at_ms
