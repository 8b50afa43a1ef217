"""Digests of data: two servers with equal keys, values and expiries, in whatever order they hold them, give equal ones.

The digests are those of redis-server's DEBUG DIGEST and DEBUG DIGEST-VALUE, so that its data can be compared with ours.
Two operations on 20 bytes make them: `add` (exclusive or with a SHA-1, so that order does not matter) and `mix` (`add`,
then the SHA-1 of that, so that it does). Source: what redis-server answers.
"""

from __future__ import annotations

import hashlib
import math
from typing import Final

from respd.datatypes.doubles import shortest_digits
from respd.datatypes.hashes import HashValue
from respd.datatypes.lists import ListValue
from respd.datatypes.sets import SetValue
from respd.datatypes.sorted_sets import SortedSet
from respd.datatypes.stream_entries import EVERYTHING
from respd.datatypes.stream_nodes import LAST_ID
from respd.datatypes.streams import Stream
from respd.datatypes.strings import as_bytes, place_point

NOTHING: Final = bytes(20)

_STRING: Final = 0
_LIST: Final = 1
_SET: Final = 2
_ZSET: Final = 3
_HASH: Final = 4
_STREAM: Final = 6
_EXPIRES: Final = b"!!expire!!"
_FIELD_EXPIRES: Final = b"!!hexpire!!"


def add(digest: bytes, data: bytes) -> bytes:
    """Return a digest that also stands for `data`, wherever it comes in a row of others."""
    return combine(digest, hashlib.sha1(data).digest())


def mix(digest: bytes, data: bytes) -> bytes:
    """Return a digest that also stands for `data` at this place."""
    return hashlib.sha1(add(digest, data)).digest()


def combine(one: bytes, other: bytes) -> bytes:
    """Return the exclusive or of two digests."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(20, "big")


def number(value: int) -> bytes:
    """Return a small number as it enters digests."""
    return value.to_bytes(4, "big")


def value_digest(value: object, expires: bool, start: bytes = NOTHING) -> bytes:
    """Return the digest of a key's value and of whether the key expires, from `start`. O(members)."""
    if isinstance(value, ListValue):
        digest = mix(start, number(_LIST))
        for element in value.to_list():
            digest = mix(digest, element)
    elif isinstance(value, SetValue):
        digest = mix(start, number(_SET))
        for member in value.members():
            digest = add(digest, member)
    elif isinstance(value, SortedSet):
        digest = _of_sorted_set(value, mix(start, number(_ZSET)))
    elif isinstance(value, HashValue):
        digest = _of_hash(value, mix(start, number(_HASH)))
    elif isinstance(value, Stream):
        digest = mix(start, number(_STREAM))
        for id, fields in value.range(0, LAST_ID, EVERYTHING, False):
            digest = mix(digest, b"%d.%d" % (id >> 64, id & (1 << 64) - 1))
            for word in fields:
                digest = mix(digest, word)
    else:
        assert isinstance(value, (bytes, int, bytearray))
        digest = mix(mix(start, number(_STRING)), as_bytes(value))
    return add(digest, _EXPIRES) if expires else digest


def _of_sorted_set(value: SortedSet, digest: bytes) -> bytes:
    is_small = value.encoding() == b"listpack"
    for element in value.unordered():
        score = element.score
        if is_small and score == 0:
            score = 0.0  # a listpack holds no negative zero
        digest = add(digest, mix(mix(NOTHING, element.member), _score(score)))
    return digest


def _score(score: float) -> bytes:
    """Return a score in the fewest digits, with an exponent even where clients see the zeros."""
    if math.isinf(score):
        return b"inf" if score > 0 else b"-inf"
    sign = b"-" if math.copysign(1.0, score) < 0 else b""
    if score == 0:
        return sign + b"0"
    digits, power = shortest_digits(abs(score))
    return sign + place_point(digits, power)


def _of_hash(value: HashValue, digest: bytes) -> bytes:
    items = value.items()
    for index in range(0, len(items), 2):
        field = items[index]
        pair = mix(mix(NOTHING, field), items[index + 1])
        if value.next_expire_ms != 0 and value.expire_at(field) > 0:
            pair = add(pair, _FIELD_EXPIRES)
        digest = add(digest, pair)
    return digest
