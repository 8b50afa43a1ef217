"""Keys of every type whose owner knows what is in them: each step changes one and reads all of it in one transaction.

The server may evict a key between two steps. So a step has two right outcomes, the change applied to what was there or
to nothing; the second is counted as a key that vanished, and there may not be more of those than the server evicted.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Words = list[bytes]
Change = Callable[[Any], Any]

_MEMBERS = 12
_LONGEST = 20  # elements of a list, entries of a stream
_STRING_END = 2000


@dataclass
class Kind:
    """A type of keys: what an absent one counts as, how it is read, one random change as words and function."""

    name: str
    empty: Any
    reading: Callable[[bytes], Words]
    value: Callable[[Any], Any]
    change: Callable[[bytes, random.Random, int], tuple[Words, Change]]


def _string(key: bytes, rng: random.Random, number: int) -> tuple[Words, Change]:
    token = b"%d:" % number
    if rng.random() < 0.7:
        return [b"APPEND", key, token], lambda old: old + token
    value = token * rng.randint(1, 50)
    return [b"SET", key, value], lambda old: value


def _counter(key: bytes, rng: random.Random, number: int) -> tuple[Words, Change]:
    by = rng.randint(-1000, 1000)
    return [b"INCRBY", key, b"%d" % by], lambda old: b"%d" % (int(old or 0) + by)


def _bits(key: bytes, rng: random.Random, number: int) -> tuple[Words, Change]:
    offset, bit = rng.randrange(800), rng.randrange(2)

    def change(old: bytes) -> bytes:
        bits = bytearray(old.ljust(offset // 8 + 1, b"\0"))
        mask = 128 >> offset % 8
        bits[offset // 8] = bits[offset // 8] | mask if bit else bits[offset // 8] & ~mask
        return bytes(bits)

    return [b"SETBIT", key, b"%d" % offset, b"%d" % bit], change


def _list(key: bytes, rng: random.Random, number: int) -> tuple[Words, Change]:
    token = b"%d" % number
    choice = rng.randrange(4)
    if choice == 0:
        return [b"LPUSH", key, token], lambda old: [token, *old]
    if choice == 1:
        return [b"RPUSH", key, token, token], lambda old: [*old, token, token]
    if choice == 2:
        return [b"LPOP", key], lambda old: old[1:]
    return [b"LTRIM", key, b"0", b"%d" % (_LONGEST - 1)], lambda old: old[:_LONGEST]


def _hash(key: bytes, rng: random.Random, number: int) -> tuple[Words, Change]:
    name, token = b"f%d" % rng.randrange(_MEMBERS), b"%d" % number * rng.randint(1, 20)
    if rng.random() < 0.7:
        return [b"HSET", key, name, token], lambda old: {**old, name: token}
    return [b"HDEL", key, name], lambda old: {field: value for field, value in old.items() if field != name}


def _set(key: bytes, rng: random.Random, number: int) -> tuple[Words, Change]:
    member = b"m%d" % rng.randrange(_MEMBERS * 3) if rng.random() < 0.5 else b"%d" % rng.randrange(_MEMBERS * 3)
    if rng.random() < 0.6:
        return [b"SADD", key, member], lambda old: old | {member}
    return [b"SREM", key, member], lambda old: old - {member}


def _zset(key: bytes, rng: random.Random, number: int) -> tuple[Words, Change]:
    member, score = b"m%d" % rng.randrange(_MEMBERS), rng.randint(-50, 50)
    choice = rng.randrange(3)
    if choice == 0:
        return [b"ZADD", key, b"%d" % score, member], lambda old: {**old, member: float(score)}
    if choice == 1:
        words = [b"ZINCRBY", key, b"%d" % score, member]
        return words, lambda old: {**old, member: old.get(member, 0.0) + score}
    return [b"ZREM", key, member], lambda old: {each: at for each, at in old.items() if each != member}


def _stream(key: bytes, rng: random.Random, number: int) -> tuple[Words, Change]:
    name, token = b"%d-1" % number, b"%d" % number
    if rng.random() < 0.7:
        words = [b"XADD", key, b"MAXLEN", b"%d" % _LONGEST, name, b"n", token]
        return words, lambda old: [*old, (name, token)][-_LONGEST:]
    gone = b"%d-1" % max(1, number - rng.randrange(5) * 7)
    return [b"XDEL", key, gone], lambda old: [entry for entry in old if entry[0] != gone]


def _whole(*words: bytes) -> Callable[[bytes], Words]:
    return lambda key: [words[0], key, *words[1:]]


def _pairs(reply: list[bytes]) -> dict[bytes, bytes]:
    return dict(zip(reply[::2], reply[1::2]))


KINDS = (
    Kind("string", b"", _whole(b"GET"), lambda reply: reply or b"", _string),
    Kind("counter", b"", _whole(b"GET"), lambda reply: reply or b"", _counter),
    Kind("bits", b"", _whole(b"GET"), lambda reply: reply or b"", _bits),
    Kind("list", [], _whole(b"LRANGE", b"0", b"-1"), list, _list),
    Kind("hash", {}, _whole(b"HGETALL"), _pairs, _hash),
    Kind("set", frozenset(), _whole(b"SMEMBERS"), frozenset, _set),
    Kind("zset", {}, _whole(b"ZRANGE", b"0", b"-1", b"WITHSCORES"),
         lambda reply: {name: float(at) for name, at in _pairs(reply).items()}, _zset),
    Kind("stream", [], _whole(b"XRANGE", b"-", b"+"),
         lambda reply: [(entry, fields[1]) for entry, fields in reply], _stream),
)  # fmt: skip


@dataclass
class Checked:
    """The checked keys of one owner."""

    prefix: bytes
    rng: random.Random
    keys_of_each: int = 6
    number: int = 0
    vanished: int = 0
    steps: int = 0
    wrong: list[str] = field(default_factory=list)
    states: dict[bytes, Any] = field(default_factory=dict)

    def step(self, transact: Callable[[list[Words]], list[Any]]) -> None:
        """Change a key and compare what is in it then; `transact` runs commands in MULTI, their replies raw (RESP2)."""
        kind = self.rng.choice(KINDS)
        key = b"%b:%b:%d" % (self.prefix, kind.name.encode(), self.rng.randrange(self.keys_of_each))
        self.number += 1
        words, change = kind.change(key, self.rng, self.number)
        commands = [words, kind.reading(key)]
        old = self.states.get(key, kind.empty)
        if isinstance(old, bytes) and len(old) > _STRING_END:
            commands.append([b"DEL", key])
        replies = transact(commands)
        found, expected = kind.value(replies[1]), change(old)
        self.steps += 1
        if found != expected:
            if found == change(kind.empty):
                self.vanished += 1
            else:
                self.wrong.append(f"{key!r} after {words!r}: {found!r}, not {expected!r}"[:500])
        self.states[key] = kind.empty if len(commands) > 2 else found
