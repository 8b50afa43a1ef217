"""Data of every type and encoding, at the thresholds where encodings change, and a way to read all of a server's."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

import hiredis

from crashes.target import ask

Words = list[bytes]
Contents = dict[tuple[int, bytes], tuple[object, ...]]

DATABASES = 16
FAR_MS = 4_000_000_000_000
ALL_BYTES = bytes(range(256))
INTEGERS = [
    sign * (1 << bits) + off
    for bits in (0, 6, 7, 8, 12, 13, 15, 16, 23, 24, 31, 32, 48, 62)
    for sign in (1, -1)
    for off in (-1, 0, 1)
]
EDGES = [0, (1 << 63) - 1, -(1 << 63), *INTEGERS]
LIKE_INTEGERS = [b"", b"0123", b"-0", b"+1", b"1.0", b" 1", b"9223372036854775808", b"-9223372036854775809", b"1e3"]
SIZES = [0, 1, 20, 21, 43, 44, 45, 63, 64, 65, 127, 128, 254, 255, 256, 4095, 4096, 8191, 8192, 16383, 16384, 70_000]


def _bytes(number: int | str | bytes | float) -> bytes:
    return number if isinstance(number, bytes) else str(number).encode()


def _command(*words: int | str | bytes | float) -> Words:
    return [_bytes(word) for word in words]


def _noise(size: int, seed: int) -> bytes:
    return Random(seed).randbytes(size)


def strings() -> Iterable[Words]:
    """Integers, what only looks like one, short and long, compressible or not."""
    for number in EDGES:
        yield _command("SET", f"string:{number}", number)
    for number, text in enumerate(LIKE_INTEGERS):
        yield _command("SET", f"string:like:{number}", text)
    for size in SIZES:
        yield _command("SET", f"string:plain:{size}", b"x" * size)
        yield _command("SET", f"string:noise:{size}", _noise(size, size))
        yield _command("SET", f"string:text:{size}", (b"to be or not to be, %d " % size * size)[:size])
    yield _command("SET", "string:bytes", ALL_BYTES)
    yield _command("SETBIT", "string:bits", 12345, 1)
    yield _command("APPEND", "string:appended", "12")
    yield _command("APPEND", "string:appended", "34")


def lists() -> Iterable[Words]:
    """One node and many, elements of all sizes and integers, elements too big for a shared node."""
    yield _command("RPUSH", "list:one", "a")
    yield _command("RPUSH", "list:integers", *EDGES)
    yield _command("RPUSH", "list:like", *LIKE_INTEGERS)
    yield _command("RPUSH", "list:sizes", *(_noise(size, size) for size in SIZES))
    for count in (127, 128, 129, 3000):
        yield _command("RPUSH", f"list:{count}", *(f"element:{number}" for number in range(count)))
    yield _command("RPUSH", "list:big", *(bytes([number]) * 9000 for number in range(20)))
    yield _command("LPUSH", "list:mixed", b"x" * 20_000, "1", b"y" * 9000, "2", ALL_BYTES)


def hashes() -> Iterable[Words]:
    """Small and large, by the number of fields and by the length of one."""
    for count in (1, 127, 128, 129, 511, 512, 513, 2000):
        words = [word for number in range(count) for word in (f"field:{number}", number)]
        yield _command("HSET", f"hash:{count}", *words)
    for size in (0, 63, 64, 65, 5000):
        yield _command("HSET", f"hash:value:{size}", "f", b"v" * size, "other", 1)
        yield _command("HSET", f"hash:field:{size}", b"f" * size, "v")
    yield _command("HSET", "hash:integers", *(word for number in EDGES for word in (number, number)))
    yield _command("HSET", "hash:bytes", ALL_BYTES, ALL_BYTES, "", "")


def hash_expiries() -> Iterable[Words]:
    """Fields that expire, long after: some, all, in small hashes and large ones."""
    for count in (1, 3, 128, 513, 1000):
        key = f"expiring-hash:{count}"
        yield _command("HSET", key, *(word for number in range(count) for word in (f"field:{number}", number)))
        for number in range(0, count, 2):
            yield _command("HPEXPIREAT", key, FAR_MS + number * 7, "FIELDS", 1, f"field:{number}")
    yield _command("HSET", "expiring-hash:all", "a", 1, "b", b"x" * 100)
    yield _command("HPEXPIREAT", "expiring-hash:all", FAR_MS, "FIELDS", 2, "a", "b")
    yield _command("PEXPIREAT", "expiring-hash:all", FAR_MS + 1)
    yield _command("HSET", "expiring-hash:undone", "a", 1)
    yield _command("HPEXPIREAT", "expiring-hash:undone", FAR_MS, "FIELDS", 1, "a")
    yield _command("HPERSIST", "expiring-hash:undone", "FIELDS", 1, "a")


def sets() -> Iterable[Words]:
    """Integers of 2, 4 and 8 bytes up to the threshold and over it; words likewise."""
    for bits in (15, 31, 63):
        yield _command("SADD", f"set:int{bits + 1}", *range((1 << bits) - 5, (1 << bits)), *range(-5, 5))
        yield _command("SADD", f"set:-int{bits + 1}", -(1 << bits), 1 << (bits - 1))
    for count in (1, 511, 512, 513, 2000):
        yield _command("SADD", f"set:integers:{count}", *range(count))
    for count in (1, 127, 128, 129, 2000):
        yield _command("SADD", f"set:words:{count}", *(f"member:{number}" for number in range(count)))
        yield _command("SADD", f"set:mixed:{count}", "word", *range(count))
    for size in (0, 63, 64, 65, 5000):
        yield _command("SADD", f"set:size:{size}", b"m" * size, 7)
    yield _command("SADD", "set:bytes", ALL_BYTES, *LIKE_INTEGERS)


def sorted_sets() -> Iterable[Words]:
    """Scores of all kinds; up to the threshold of members, over it, and with a long member."""
    scores = ["0", "-0", "1", "-1", "0.1", "1e300", "-1e-300", "5e-324", "1.7976931348623157e308", "inf", "-inf"]
    scores += ["3.141592653589793", "100000000000000000000", "9007199254740993", *map(str, INTEGERS)]
    yield _command(
        "ZADD", "zset:scores", *(word for number, score in enumerate(scores) for word in (score, f"m{number}"))
    )
    for count in (1, 127, 128, 129, 2000):
        words = [word for number in range(count) for word in (number * 37 % 101 / 4, f"member:{number}")]
        yield _command("ZADD", f"zset:{count}", *words)
    for size in (0, 63, 64, 65, 5000):
        yield _command("ZADD", f"zset:size:{size}", 1, b"m" * size, 2, "other")
    yield _command("ZADD", "zset:same", *(word for number in EDGES for word in (1, number)))
    yield _command("ZADD", "zset:bytes", 1.5, ALL_BYTES)


def streams() -> Iterable[Words]:
    """One node and many, entries of all shapes, the utmost ids; trimmed, with entries deleted, empty; groups."""
    for count in (1, 99, 100, 101, 350):
        for number in range(count):
            yield _command("XADD", f"stream:{count}", f"{number}-1", "field", number, "other", f"value:{number % 3}")
    for number, edge in enumerate(EDGES):
        yield _command("XADD", "stream:integers", f"1-{number + 1}", "field", edge)
        yield _command("XADD", "stream:shapes", f"{number + 1}", *[b"f", b"%d" % edge] * (number % 4 + 1))
    for number, size in enumerate(SIZES):
        yield _command("XADD", "stream:sizes", f"{number + 1}-{number}", _noise(size, size), _noise(size, size + 1))
    for id in ("0-1", "1-18446744073709551615", f"{1 << 63}-{1 << 63}", "18446744073709551615-18446744073709551615"):
        yield _command("XADD", "stream:ids", id, ALL_BYTES, "")
    for name, gone in (("first", [0, 1]), ("middle", [120, 121, 7]), ("last", [249]), ("node", range(100, 200))):
        for number in range(250):
            yield _command("XADD", f"stream:deleted:{name}", f"{number}-1", "f", number)
        yield _command("XDEL", f"stream:deleted:{name}", *(f"{number}-1" for number in gone))
    trimmings: list[tuple[str, list[int | str]]]
    trimmings = [("exact", ["MAXLEN", 150]), ("nearly", ["MAXLEN", "~", 120]), ("id", ["MINID", "205-0"])]
    for name, how in trimmings:
        for number in range(250):
            yield _command("XADD", f"stream:trimmed:{name}", f"{number}-1", "f", number)
        yield _command("XTRIM", f"stream:trimmed:{name}", *how)
    yield _command("XADD", "stream:empty", "5-5", "f", "v")
    yield _command("XDEL", "stream:empty", "5-5")
    yield _command("XGROUP", "CREATE", "stream:never", "group", "$", "MKSTREAM")
    yield _command("XADD", "stream:set", "5-5", "f", "v")
    yield _command("XSETID", "stream:set", "7-7", "ENTRIESADDED", 1000, "MAXDELETEDID", "6-6")
    yield from _groups()


def _groups() -> Iterable[Words]:
    for number in range(230):
        yield _command("XADD", "stream:groups", f"{number}-1", "f", number)
    for name, id in (("all", "0"), ("some", "100-1"), ("none", "$"), (ALL_BYTES, "7"), ("", "5-5")):
        yield _command("XGROUP", "CREATE", "stream:groups", name, id)
    yield _command("XGROUP", "CREATE", "stream:groups", "counted", "3-1", "ENTRIESREAD", 3)
    for consumer, count in (("a", 3), ("b", 150), (ALL_BYTES, 1), ("", 2), ("a", 5), ("done", 1)):
        yield _command("XREADGROUP", "GROUP", "all", consumer, "COUNT", count, "STREAMS", "stream:groups", ">")
    yield _command("XACK", "stream:groups", "all", "161-1")
    yield _command("XACK", "stream:groups", "all", *(f"{number}-1" for number in range(20, 40)))
    options = ("TIME", 1_600_000_000_000, "RETRYCOUNT", 1_000_000)
    yield _command("XCLAIM", "stream:groups", "all", "a", 0, "50-1", "60-1", *options)
    yield _command("XREADGROUP", "GROUP", "counted", "c", "COUNT", 2, "STREAMS", "stream:groups", ">")


def idle_consumers() -> Iterable[Words]:
    """Consumers that asked and got nothing, or never asked: what only redis-server 7.2 keeps apart."""
    for number in range(5):
        yield _command("XADD", "stream:idle", f"{number + 1}", "f", number)
    yield _command("XGROUP", "CREATE", "stream:idle", "group", "0")
    yield _command("XGROUP", "CREATECONSUMER", "stream:idle", "group", "new")
    for _ in range(2):
        yield _command("XREADGROUP", "GROUP", "group", "late", "STREAMS", "stream:idle", ">")
    yield _command("XREADGROUP", "GROUP", "group", "careless", "NOACK", "STREAMS", "stream:idle", ">")


def names() -> Iterable[Words]:
    """Names of keys: any bytes, none, many; expiries; other databases."""
    for number, name in enumerate([b"", ALL_BYTES, b"\r\n", b"\x00", b"n" * 300, b"n" * 70_000, b"123", b"*3\r\n"]):
        yield _command("SET", name, number)
        yield _command("SET", b"expiring:" + name, number, "PXAT", FAR_MS + number)
    for database in (1, 9, 15):
        yield _command("SELECT", database)
        yield _command("SET", "string", database)
        yield _command("RPUSH", "list", database, "x")
        yield _command("PEXPIREAT", "list", FAR_MS)
        yield _command("SADD", "set", database)
        yield _command("HSET", "hash", "f", database)
        yield _command("ZADD", "zset", database, "m")
    yield _command("SELECT", 0)
    for key in ("string:bytes", "list:128", "hash:513", "set:integers:512", "zset:129", "hash:1", "zset:1"):
        yield _command("PEXPIREAT", key, FAR_MS + 5)


def library(name: str, functions: str, body: str = "return 1") -> bytes:
    """The source of a library."""
    lines = [f"redis.register_function('{each}', function(keys, args) {body} end)" for each in functions.split()]
    return "\n".join([f"#!lua name={name}", *lines]).encode()


def functions() -> Iterable[Words]:
    """Libraries, short and long, with flags and descriptions."""
    yield _command("FUNCTION", "LOAD", library("one", "one"))
    yield _command("FUNCTION", "LOAD", library("many", " ".join(f"many{number}" for number in range(300))))
    yield _command("FUNCTION", "LOAD", library("bytes", "bytes", "return '\\0\\255'") + b"\n-- \xff\r\n")
    yield _command("FUNCTION", "LOAD", library("writing", "writing", "return redis.call('SET', keys[1], args[1])"))
    yield _command(
        "FUNCTION",
        "LOAD",
        "#!lua name=flags\nredis.register_function{function_name='flags', callback=function() return 1 end, "
        "description='with flags', flags={'no-writes', 'allow-stale'}}",
    )


def everything(hash_expiry: bool) -> list[Words]:
    """The whole data set; what redis-server 7.0 does not have, fields of hashes that expire, only if asked for."""
    found = [*functions(), *strings(), *lists(), *hashes(), *sets(), *sorted_sets(), *streams(), *names()]
    return [*found, *hash_expiries(), *idle_consumers()] if hash_expiry else found


def changes(hash_expiry: bool) -> list[Words]:
    """Some changes to that data, through commands whose effect is logged in other words."""
    found = [
        _command("SPOP", "set:words:129"),
        _command("SPOP", "set:integers:513", 3),
        _command("INCRBYFLOAT", "string:float", "0.1"),
        _command("HINCRBYFLOAT", "hash:1", "sum", "0.3"),
        _command("ZPOPMIN", "zset:127"),
        _command("SET", "effects:ex", "v", "EX", 1_000_000),
        _command("GETEX", "string:1", "PXAT", FAR_MS),
        _command("EXPIRE", "zset:2000", 1_000_000),
        _command("LMOVE", "list:127", "list:129", "LEFT", "RIGHT"),
        _command("LMPOP", 1, "list:128", "LEFT", "COUNT", 2),
        _command("GETDEL", "string:appended"),
        _command("SORT", "set:integers:511", "STORE", "effects:sorted"),
        _command("ZUNIONSTORE", "effects:union", 2, "zset:1", "zset:128"),
        _command("SINTERSTORE", "effects:inter", "set:integers:512", "set:mixed:127"),
        _command("RENAME", "list:one", "effects:renamed"),
        _command("COPY", "hash:513", "effects:copied", "DB", 3),
        _command("MOVE", "string:2", 5),
        _command("SWAPDB", 9, 10),
        _command("DEL", "zset:1", "nothing"),
        _command("XADD", "stream:100", "*", "field", 100),
        _command("XADD", "stream:101", "MAXLEN", "~", 50, "1000-*", "field", 100),
        _command("XADD", "stream:99", "NOMKSTREAM", "MINID", "50", "1000-*", "field", 100),
        _command("XDEL", "stream:integers", "1-3", "1-5"),
        _command("XTRIM", "stream:deleted:middle", "MAXLEN", "~", 200),
        _command("XREADGROUP", "GROUP", "all", "a", "COUNT", 2, "STREAMS", "stream:groups", ">"),
        _command("XREADGROUP", "GROUP", "some", "new", "COUNT", 3, "STREAMS", "stream:groups", ">"),
        _command("XGROUP", "SETID", "stream:groups", "all", "163-1", "ENTRIESREAD", 164),  # 7.0 does not log it
        _command("XGROUP", "SETID", "stream:groups", "some", "103-1", "ENTRIESREAD", 104),
        _command("XACK", "stream:groups", "all", "1-1", "90-1", "1000"),
        _command("XCLAIM", "stream:groups", "all", "b", 0, "2-1", "51-1", "RETRYCOUNT", 7),
        _command("XAUTOCLAIM", "stream:groups", "all", "a", 0, "100-1", "COUNT", 3),
        _command("XGROUP", "SETID", "stream:groups", "none", "10-1", "ENTRIESREAD", 11),
        _command("XGROUP", "DELCONSUMER", "stream:groups", "all", ALL_BYTES),
        _command("XGROUP", "DESTROY", "stream:groups", ""),
        _command("MULTI"),
        _command("INCR", "effects:count"),
        _command("SELECT", 7),
        _command("LPUSH", "list", "in another database"),
        _command("EXEC"),
        _command("SELECT", 0),
        _command("EVAL", "redis.call('SET', KEYS[1], 1) redis.call('INCR', KEYS[1])", 1, "effects:script"),
        _command("FCALL", "writing", 1, "effects:function", "value"),
        _command("FUNCTION", "LOAD", library("late", "late")),
        _command("FUNCTION", "LOAD", "REPLACE", library("many", "fewer")),
        _command("FUNCTION", "DELETE", "one"),
    ]
    if hash_expiry:
        found += [
            _command("HPEXPIRE", "expiring-hash:513", 1_000_000_000, "FIELDS", 1, "field:1"),
            _command("HDEL", "expiring-hash:3", "field:0"),
            _command("HPERSIST", "expiring-hash:128", "FIELDS", 1, "field:2"),
        ]
    return found


def random_commands(seed: int, count: int, hash_expiry: bool) -> list[Words]:
    """Some commands that put values of random kinds and sizes under random names."""
    random = Random(seed)

    def value() -> bytes:
        kind = random.randrange(5)
        if kind == 0:
            return b"%d" % random.choice(EDGES)
        if kind == 1:
            return random.randbytes(random.choice(SIZES[:14]))
        if kind == 2:
            return random.choice(LIKE_INTEGERS)
        if kind == 3:
            return b"%d" % random.getrandbits(random.randrange(1, 63))
        return bytes([random.randrange(97, 100)]) * random.randrange(random.choice([10, 100, 10_000]))

    def many() -> range:
        return range(random.choice([1, 2, 5, 30, 130, 600]))

    found = []
    for _ in range(count):
        kind = random.choice(["string", "list", "hash", "set", "intset", "zset"])
        key = kind.encode() + b":" + (random.randbytes(3) if random.random() < 0.3 else b"%d" % random.randrange(count))
        if kind == "string":
            found.append(_command("SET", key, value()))
        elif kind == "list":
            found.append(_command(random.choice(["LPUSH", "RPUSH"]), key, *(value() for _ in many())))
        elif kind == "hash":
            fields = [value() for _ in many()]
            found.append(_command("HSET", key, *(word for field in fields for word in (field, value()))))
            if hash_expiry and random.random() < 0.5:
                for field in fields[: random.randrange(5)]:
                    found.append(_command("HPEXPIREAT", key, FAR_MS + random.randrange(1000), "FIELDS", 1, field))
        elif kind == "set":
            found.append(_command("SADD", key, *(value() for _ in many())))
        elif kind == "intset":
            bits = random.choice([10, 20, 40])
            found.append(_command("SADD", key, *(random.getrandbits(bits) for _ in many())))
        else:
            members = [word for _ in many() for word in (random.choice([1, 0.5, random.random() * 1e9]), value())]
            found.append(_command("ZADD", key, *members))
        if random.random() < 0.2:
            found.append(_command("PEXPIREAT", key, FAR_MS + random.randrange(1000)))
        if random.random() < 0.02:
            found.append(_command("SELECT", random.randrange(DATABASES)))
    found.append(_command("SELECT", 0))
    return found


def fill(port: int, commands: list[Words]) -> None:
    """Run commands; all must succeed."""
    for at in range(0, len(commands), 200):
        # every piece goes over a connection of its own: it begins in the database in which the last one ended
        before = [words for words in commands[:at] if words[0] == b"SELECT"][-1:]
        for words, reply in zip(before + commands[at : at + 200], ask(port, before + commands[at : at + 200])):
            if isinstance(reply, hiredis.ReplyError):
                raise AssertionError(f"{words[:3]}: {reply}")


_VALUE = {
    b"string": (b"GET",),
    b"list": (b"LRANGE", b"0", b"-1"),
    b"hash": (b"HGETALL",),
    b"set": (b"SMEMBERS",),
    b"zset": (b"ZRANGE", b"0", b"-1", b"WITHSCORES"),
    b"stream": (b"XRANGE", b"-", b"+"),
}


def _keys(port: int, select: Words) -> list[bytes]:
    """The keys of a database."""
    keys = ask(port, [select, [b"KEYS", b"*"]])[1]
    assert isinstance(keys, list)
    return keys


def contents(port: int) -> Contents:
    """Every key of every database with its type, its expiry, its value, and its fields' expiries if there are any."""
    found: Contents = {}
    for database in range(DATABASES):
        select = [b"SELECT", b"%d" % database]
        keys = _keys(port, select)
        told = ask(port, [select, *(words for key in keys for words in ([b"TYPE", key], [b"PEXPIRETIME", key]))])[1:]
        types = [kind if isinstance(kind, bytes) else str(kind).encode() for kind in told[::2]]
        reads = [[_VALUE[kind][0], key, *_VALUE[kind][1:]] for key, kind in zip(keys, types)]
        values = ask(port, [select, *reads])[1:]
        for key, kind, expiry, value in zip(keys, types, told[1::2], values):
            found[database, key] = (kind, expiry, *_comparable(port, select, key, kind, value))
    return found


def libraries(port: int) -> dict[object, object]:
    """The libraries of functions by name, each with its functions and its source."""
    told = ask(port, [[b"FUNCTION", b"LIST", b"WITHCODE"]])[0]
    assert isinstance(told, list)
    found: dict[object, object] = {}
    for about in told:
        functions = sorted((each[1], each[3], sorted(map(str, each[5]))) for each in about[5])
        found[about[1]] = (functions, about[7])
    return found


def _comparable(port: int, select: Words, key: bytes, kind: bytes, value: object) -> tuple[object, ...]:
    """A value in a form that does not depend on the order in which it was told."""
    if not isinstance(value, list) or kind == b"list":
        return (value,)
    if kind == b"stream":
        return (repr(value), *_about_stream(port, select, key))
    if kind == b"set":
        return (frozenset(value),)
    if kind == b"zset":
        return (tuple(sorted((member, float(score)) for member, score in zip(value[::2], value[1::2]))),)
    pairs = tuple(sorted(zip(value[::2], value[1::2])))
    if kind == b"hash":
        fields = value[::2]
        expiries = ask(port, [select, [b"HPEXPIRETIME", key, b"FIELDS", b"%d" % len(fields), *fields]])[1]
        if isinstance(expiries, list) and expiries and max(expiries) > 0:
            return (pairs, tuple(sorted(zip(fields, expiries))))
    return (pairs,)


def _about_stream(port: int, select: Words, key: bytes) -> tuple[object, ...]:
    """What a stream remembers, and its groups, but for what some version of redis-server tells otherwise."""
    told = ask(port, [select, [b"XINFO", b"STREAM", key, b"FULL", b"COUNT", b"0"]])[1]
    about = _by_name(told)
    found: list[object] = [about[name] for name in (b"last-generated-id", b"max-deleted-entry-id", b"entries-added")]
    for each in about[b"groups"]:
        group = _by_name(each)
        consumers = [_by_name(consumer)[b"name"] for consumer in group[b"consumers"]]
        pending = group.get(b"pending", group.get(b"pel"))
        found.append((group[b"name"], group[b"last-delivered-id"], group[b"entries-read"], consumers, repr(pending)))
    return tuple(found)


def _by_name(flat: object) -> dict[object, Any]:
    assert isinstance(flat, list)
    return dict(zip(flat[::2], flat[1::2]))


def difference(found: Contents, expected: Contents) -> str:
    """The keys in which contents differ, for a person; empty when they do not."""
    lines = []
    for where in sorted({*found, *expected}):
        if found.get(where) != expected.get(where):
            lines.append(f"{where}: {str(found.get(where))[:300]} instead of {str(expected.get(where))[:300]}")
    return "\n".join(lines[:10])


def digest(port: int) -> bytes | None:
    """What DEBUG DIGEST says, or None where it is unknown."""
    reply = ask(port, [[b"DEBUG", b"DIGEST"]])[0]
    return bytes(reply) if isinstance(reply, bytes) else reply.encode() if isinstance(reply, str) else None


def encodings(port: int) -> dict[tuple[int, bytes], object]:
    """OBJECT ENCODING of every key."""
    found: dict[tuple[int, bytes], object] = {}
    for database in range(DATABASES):
        select = [b"SELECT", b"%d" % database]
        keys = _keys(port, select)
        told = ask(port, [select, *([b"OBJECT", b"ENCODING", key] for key in keys)])[1:]
        found.update({(database, key): name for key, name in zip(keys, told)})
    return found
