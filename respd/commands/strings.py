"""The commands that store and fetch whole strings. Source: redis.io/commands/?group=string.

GET and SET are what servers are measured by: plain SET takes its own branch, and reads look at the entry directly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from respd.arguments import expire_arg, int_arg_between
from respd.command import (
    ACCESS,
    DELETE,
    DENYOOM,
    FAST,
    INSERT,
    MOVABLE_KEYS,
    OW,
    READONLY,
    RO,
    RW,
    UPDATE,
    VARIABLE_FLAGS,
    WRITE,
    Group,
    key_range,
    noted,
    num_keys,
    one_key,
)
from respd.commands.comparisons import CONDITIONS, IFDNE, IFNE, is_met
from respd.database import string_of
from respd.datatypes.strings import as_bytes, try_int
from respd.errors import SYNTAX, CommandError, wrong_arity
from respd.keyspace_events import GENERIC, STRING
from respd.protocol.replies import OK

if TYPE_CHECKING:
    from respd.context import Context

# Options of SET, GETEX and MSETEX; the four of expiry are followed by a number, the last four by a value or a digest.
_NX: Final = 1 << 0
_XX: Final = 1 << 1
_GET: Final = 1 << 2
_KEEPTTL: Final = 1 << 3
_PERSIST: Final = 1 << 4
_EX: Final = 1 << 5
_PX: Final = 1 << 6
_EXAT: Final = 1 << 7
_PXAT: Final = 1 << 8
_IFEQ: Final = 1 << 9
_IFNE: Final = 1 << 10
_IFDEQ: Final = 1 << 11
_IFDNE: Final = 1 << 12
_COMPARISON: Final = _IFEQ | _IFNE | _IFDEQ | _IFDNE
_EXPIRY: Final = _EX | _PX | _EXAT | _PXAT
_TTL: Final = _EXPIRY | _KEEPTTL | _PERSIST
_IN_MS: Final = _PX | _PXAT
_ABSOLUTE: Final = _EXAT | _PXAT
_HAS_OPERAND: Final = _EXPIRY | _COMPARISON
_CONDITION: Final = _NX | _XX | _COMPARISON
_OF_SET: Final = _CONDITION | _GET | _KEEPTTL | _EXPIRY
_OF_GETEX: Final = _PERSIST | _EXPIRY
_OF_MSETEX: Final = _NX | _XX | _KEEPTTL | _EXPIRY

_OPTIONS: Final[dict[bytes, int]] = {
    b"NX": _NX,
    b"XX": _XX,
    b"GET": _GET,
    b"KEEPTTL": _KEEPTTL,
    b"PERSIST": _PERSIST,
    b"EX": _EX,
    b"PX": _PX,
    b"EXAT": _EXAT,
    b"PXAT": _PXAT,
    b"IFEQ": _IFEQ,
    b"IFNE": _IFNE,
    b"IFDEQ": _IFDEQ,
    b"IFDNE": _IFDNE,
}
# What each option excludes, itself aside.
_EXCLUDED: Final[dict[int, int]] = {
    _NX: _CONDITION & ~_NX,
    _XX: _CONDITION & ~_XX,
    _IFEQ: _CONDITION & ~_IFEQ,
    _IFNE: _CONDITION & ~_IFNE,
    _IFDEQ: _CONDITION & ~_IFDEQ,
    _IFDNE: _CONDITION & ~_IFDNE,
    _GET: 0,
    _KEEPTTL: _TTL & ~_KEEPTTL,
    _PERSIST: _TTL & ~_PERSIST,
    _EX: _TTL & ~_EX,
    _PX: _TTL & ~_PX,
    _EXAT: _TTL & ~_EXAT,
    _PXAT: _TTL & ~_PXAT,
}

_BAD_NUMKEYS: Final = b"ERR invalid numkeys value"
_BAD_PAIRS: Final = b"ERR wrong number of key-value pairs"
_INT32_MAX: Final = (1 << 31) - 1

group = Group("string")


@group.command(
    "GET",
    arity=2,
    flags=READONLY | FAST,
    keys=one_key(RO | ACCESS),
    since="1.0.0",
    syntax="key",
    complexity="O(1)",
)
def get(ctx: Context, args: list[bytes]) -> object:
    """Return the string stored at a key.

    Reply: the string, null when the key is absent. Errors: WRONGTYPE. Source: redis.io/commands/get.
    """
    entry = ctx.db.read(args[1])
    if entry is None:
        return None
    value = entry.value
    if isinstance(value, bytes):
        return value
    return as_bytes(string_of(entry))


@group.command(
    "SET",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=noted(one_key(RW | ACCESS | UPDATE | VARIABLE_FLAGS), "RW and ACCESS due to the optional `GET` argument"),
    since="1.0.0",
    syntax="key value condition=[NX | XX | IFEQ ifeq-value | IFNE ifne-value | IFDEQ ifdeq-digest | "
    "IFDNE ifdne-digest] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | "
    "PXAT unix-time-milliseconds | KEEPTTL]",
    complexity="O(1)",
    history=(
        ("2.6.12", "Takes `EX`, `PX`, `NX` and `XX`."),
        ("6.0.0", "Takes `KEEPTTL`."),
        ("6.2.0", "Takes `GET`, `EXAT` and `PXAT`."),
        ("7.0.0", "`NX` and `GET` go together."),
        ("8.4.0", "Takes `IFEQ`, `IFNE`, `IFDEQ` and `IFDNE`."),
    ),
)
def set_(ctx: Context, args: list[bytes]) -> object:
    """Store a string at a key, whatever was there before.

    Reply: OK; null when a condition prevents it; with GET the old string or null either way.
    Errors: syntax; not an integer; invalid expire time; WRONGTYPE with GET or a comparison; "must be exactly 16
    hexadecimal characters", only where the key exists.
    Log: as sent; with an expiry SET key value PXAT moment; without GET and comparisons. Source: redis.io/commands/set.
    """
    if len(args) == 3:
        key = args[1]
        db = ctx.db
        db.set(key, try_int(args[2]))
        db.changed(key, STRING, b"set")
        return OK
    return _set_with_options(ctx, args)


def _set_with_options(ctx: Context, args: list[bytes]) -> object:
    options, number_at = _read_options(args, 3, _OF_SET)
    expire_at_ms = 0
    if number_at:
        expire_at_ms = _expire_option(ctx, args[number_at], options, b"set")
    key = args[1]
    db = ctx.db
    old: object = None
    if options & _GET:
        value = db.read_string(key)
        if value is not None:
            old = as_bytes(value)
    if options & (_NX | _XX):
        is_there = db.write(key) is not None
        if is_there == (options & _NX != 0):
            return old
    elif options & _COMPARISON and not _compares(ctx, args):
        return old
    _store(ctx, key, args[2], options & _KEEPTTL != 0, expire_at_ms)
    if options & _COMPARISON:
        _record_set(ctx, key, args[2], options & _KEEPTTL != 0, expire_at_ms)
    elif expire_at_ms:
        if not options & _PXAT:
            ctx.record([b"SET", key, args[2], b"PXAT", b"%d" % expire_at_ms])
    elif options & _GET:
        ctx.record(_without_get(args))
    return old if options & _GET else OK


def _read_options(args: list[bytes], start: i64, allowed: int) -> tuple[int, i64]:
    """Return the options from `start` on, as bits, and where the number of the expiry stands (0: nowhere)."""
    options = 0
    number_at: i64 = 0
    index = start
    count: i64 = len(args)
    while index < count:
        option = _OPTIONS.get(args[index].upper(), 0)
        if not option & allowed or _EXCLUDED[option] & options:
            raise CommandError(SYNTAX)
        if option & _HAS_OPERAND:
            index += 1
            if index == count:
                raise CommandError(SYNTAX)
            if option & _EXPIRY:
                number_at = index
        options |= option
        index += 1
    return options, number_at


def _expire_option(ctx: Context, word: bytes, options: int, name: bytes) -> int:
    return expire_arg(word, options & _IN_MS != 0, options & _ABSOLUTE != 0, ctx.clock.ms, name)


def _store(ctx: Context, key: bytes, value: bytes, keep_ttl: bool, expire_at_ms: int) -> None:
    """Store a string and its expiry (0: none), with their events."""
    db = ctx.db
    db.set(key, try_int(value), keep_ttl)
    db.changed(key, STRING, b"set")
    if expire_at_ms:
        db.set_expire(key, expire_at_ms)
        db.notify(key, GENERIC, b"expire")


def _compares(ctx: Context, args: list[bytes]) -> bool:
    """Tell whether the string that is there meets the comparison among SET's words, of which the last one counts."""
    condition = 0
    operand = b""
    index: i64 = 3
    count: i64 = len(args)
    while index < count:
        word = args[index].upper()
        if word in CONDITIONS:
            condition = CONDITIONS[word]
            operand = args[index + 1]
        index += 2 if _OPTIONS[word] & _HAS_OPERAND else 1
    value = ctx.db.write_string(args[1])
    if value is None:
        return condition in (IFNE, IFDNE)
    return is_met(value, condition, operand)


def _record_set(ctx: Context, key: bytes, value: bytes, keep_ttl: bool, expire_at_ms: int) -> None:
    """Log a SET that any version of redis-server knows."""
    words = [b"SET", key, value]
    if expire_at_ms:
        words += [b"PXAT", b"%d" % expire_at_ms]
    elif keep_ttl:
        words.append(b"KEEPTTL")
    ctx.record(words)


def _without_get(args: list[bytes]) -> list[bytes]:
    words = args[:3]
    for word in args[3:]:
        if word.upper() != b"GET":
            words.append(word)
    return words


@group.command(
    "SETNX",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(OW | INSERT),
    since="1.0.0",
    syntax="key value",
    complexity="O(1)",
    deprecated=("2.6.12", "`SET` with the `NX` argument"),
)
def setnx(ctx: Context, args: list[bytes]) -> object:
    """Store a string only where no key is.

    Reply: 1 when stored, else 0. Source: redis.io/commands/setnx.
    """
    key = args[1]
    db = ctx.db
    if db.write(key) is not None:
        return 0
    db.add(key, try_int(args[2]))
    db.changed(key, STRING, b"set")
    return 1


@group.command(
    "SETEX",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=one_key(OW | UPDATE),
    since="2.0.0",
    syntax="key seconds value",
    complexity="O(1)",
    deprecated=("2.6.12", "`SET` with the `EX` argument"),
)
def setex(ctx: Context, args: list[bytes]) -> object:
    """Store a string that expires after so many seconds.

    Reply: OK. Errors: not an integer; invalid expire time. Log: SET key value PXAT moment.
    Source: redis.io/commands/setex.
    """
    return _set_expiring(ctx, args, _EX, b"setex")


@group.command(
    "PSETEX",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=one_key(OW | UPDATE),
    since="2.6.0",
    syntax="key milliseconds value",
    complexity="O(1)",
    deprecated=("2.6.12", "`SET` with the `PX` argument"),
)
def psetex(ctx: Context, args: list[bytes]) -> object:
    """Store a string that expires after so many milliseconds.

    Reply: OK. Errors and log: as SETEX. Source: redis.io/commands/psetex.
    """
    return _set_expiring(ctx, args, _PX, b"psetex")


def _set_expiring(ctx: Context, args: list[bytes], unit: int, name: bytes) -> object:
    expire_at_ms = _expire_option(ctx, args[2], unit, name)
    _store(ctx, args[1], args[3], False, expire_at_ms)
    ctx.record([b"SET", args[1], args[3], b"PXAT", b"%d" % expire_at_ms])
    return OK


@group.command(
    "GETSET",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | ACCESS | UPDATE),
    since="1.0.0",
    syntax="key value",
    complexity="O(1)",
    deprecated=("6.2.0", "`SET` with the `!GET` argument"),
)
def getset(ctx: Context, args: list[bytes]) -> object:
    """Store a string and return the one it replaces.

    Reply: the old string or null. Errors: WRONGTYPE. Log: SET key value. Source: redis.io/commands/getset.
    """
    key = args[1]
    value = ctx.db.read_string(key)
    old = None if value is None else as_bytes(value)
    _store(ctx, key, args[2], False, 0)
    ctx.record([b"SET", key, args[2]])
    return old


@group.command(
    "GETDEL",
    arity=2,
    flags=WRITE | FAST,
    keys=one_key(RW | ACCESS | DELETE),
    since="6.2.0",
    syntax="key",
    complexity="O(1)",
)
def getdel(ctx: Context, args: list[bytes]) -> object:
    """Return the string stored at a key and delete the key.

    Reply: the string or null. Errors: WRONGTYPE. Log: DEL key. Source: redis.io/commands/getdel.
    """
    key = args[1]
    db = ctx.db
    value = db.read_string(key)
    if value is None:
        return None
    db.delete(key)
    ctx.record([b"DEL", key])
    return as_bytes(value)


@group.command(
    "GETEX",
    arity=-2,
    flags=WRITE | FAST,
    keys=noted(one_key(RW | ACCESS | UPDATE), "RW and UPDATE because it changes the TTL"),
    since="6.2.0",
    syntax="key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]",
    complexity="O(1)",
)
def getex(ctx: Context, args: list[bytes]) -> object:
    """Return the string stored at a key and set or remove its expiry.

    Reply: the string or null. Errors: syntax; WRONGTYPE; not an integer; invalid expire time.
    Log: PEXPIREAT key moment, PERSIST key, or DEL key when the moment has passed. Source: redis.io/commands/getex.
    """
    options, number_at = _read_options(args, 2, _OF_GETEX)
    key = args[1]
    db = ctx.db
    value = db.read_string(key)
    if value is None:
        return None
    reply = as_bytes(value)
    if number_at:
        expire_at_ms = _expire_option(ctx, args[number_at], options, b"getex")
        if expire_at_ms <= ctx.clock.ms and not db.shared.expire_off:
            db.delete(key)
            ctx.record([db.shared.expire_word, key])
        else:
            db.set_expire(key, expire_at_ms)
            db.changed(key, GENERIC, b"expire")
            ctx.record([b"PEXPIREAT", key, b"%d" % expire_at_ms])
    elif options & _PERSIST and db.persist(key):
        db.changed(key, GENERIC, b"persist")
        ctx.record([b"PERSIST", key])
    return reply


@group.command(
    "MGET",
    arity=-2,
    flags=READONLY | FAST,
    keys=key_range(1, -1, 1, RO | ACCESS),
    since="1.0.0",
    syntax="key [key ...]",
    complexity="O(N) where N is the number of keys.",
    tips=("request_policy:multi_shard",),
)
def mget(ctx: Context, args: list[bytes]) -> object:
    """Return the strings stored at several keys.

    Reply: one string a key, null where there is none or the value is no string. Source: redis.io/commands/mget.
    """
    db = ctx.db
    found: list[object] = []
    index: i64 = 1
    count: i64 = len(args)
    while index < count:
        entry = db.read(args[index])
        if entry is None:
            found.append(None)
        else:
            value = entry.value
            if isinstance(value, bytes):
                found.append(value)
            elif isinstance(value, (int, bytearray)):
                found.append(as_bytes(value))
            else:
                found.append(None)
        index += 1
    return found


@group.command(
    "MSET",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=key_range(1, -1, 2, OW | UPDATE),
    since="1.0.1",
    syntax="key value [key value ...]",
    complexity="O(N) where N is the number of keys.",
    tips=("request_policy:multi_shard", "response_policy:all_succeeded"),
)
def mset(ctx: Context, args: list[bytes]) -> object:
    """Store strings at several keys at once.

    Reply: OK. Errors: wrong number of arguments when a value is missing. Source: redis.io/commands/mset.
    """
    if not len(args) & 1:
        raise wrong_arity(b"mset")
    _set_pairs(ctx, args)
    return OK


@group.command(
    "MSETNX",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=key_range(1, -1, 2, OW | INSERT),
    since="1.0.1",
    syntax="key value [key value ...]",
    complexity="O(N) where N is the number of keys.",
)
def msetnx(ctx: Context, args: list[bytes]) -> object:
    """Store strings at several keys, or none of them when any of the keys exists.

    Reply: 1 when stored, else 0. Errors: as MSET. Source: redis.io/commands/msetnx.
    """
    count = len(args)
    if not count & 1:
        raise wrong_arity(b"msetnx")
    for index in range(1, count, 2):
        if ctx.db.write(args[index]) is not None:
            return 0
    _set_pairs(ctx, args)
    return 1


@group.command(
    "MSETEX",
    arity=-4,
    flags=WRITE | DENYOOM | MOVABLE_KEYS,
    keys=num_keys(1, OW | UPDATE, step=2),
    since="8.4.0",
    syntax="numkeys key value [key value ...] [NX | XX] [EX seconds | PX milliseconds | "
    "EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
    complexity="O(N) where N is the number of keys.",
    tips=("request_policy:multi_shard", "response_policy:all_succeeded"),
)
def msetex(ctx: Context, args: list[bytes]) -> object:
    """Store strings at several keys at once, with one expiry for all, if none of the keys exists or all of them do.

    Reply: 1 when stored, else 0. Errors: "invalid numkeys value"; "wrong number of key-value pairs"; those of SET.
    Log: MSET; with an expiry or KEEPTTL a SET for each key. Source: redis.io/commands/msetex.
    """
    number = int_arg_between(args[1], 1, _INT32_MAX, _BAD_NUMKEYS)
    end = 2 + 2 * number
    if end > len(args):
        raise CommandError(_BAD_PAIRS)
    options, number_at = _read_options(args, end, _OF_MSETEX)
    expire_at_ms = 0
    if number_at:
        expire_at_ms = _expire_option(ctx, args[number_at], options, b"msetex")
    if options & (_NX | _XX):
        for index in range(2, end, 2):
            if (ctx.db.write(args[index]) is not None) == (options & _NX != 0):
                return 0
    keep_ttl = options & _KEEPTTL != 0
    for index in range(2, end, 2):
        _store(ctx, args[index], args[index + 1], keep_ttl, expire_at_ms)
        if keep_ttl or expire_at_ms:
            _record_set(ctx, args[index], args[index + 1], keep_ttl, expire_at_ms)
    if not keep_ttl and not expire_at_ms:
        ctx.record([b"MSET", *args[2:end]])
    return 1


def _set_pairs(ctx: Context, args: list[bytes]) -> None:
    db = ctx.db
    index: i64 = 1
    count: i64 = len(args)
    while index < count:
        key = args[index]
        db.set(key, try_int(args[index + 1]))
        db.changed(key, STRING, b"set")
        index += 2
