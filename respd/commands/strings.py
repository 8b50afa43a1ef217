"""The string commands. Source: redis.io/commands/?group=string.

GET, SET, INCR and their kin are what servers are measured by: plain SET takes its own branch, reads look at the entry
directly, and strings that grow are `bytearray`s edited in place (never handed out: replies get a copy).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from respd.arguments import expire_arg, int_arg, int_arg_between
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
from respd.database import Entry, string_of
from respd.datatypes.bits import grow
from respd.datatypes.lcs import lcs_length, lcs_matches, lcs_text
from respd.datatypes.long_doubles import add_long_doubles, parse_long_double
from respd.datatypes.strings import INT64_MIN, as_bytes, fits_int64, parse_int, try_int, view_of
from respd.errors import (
    NAN_OR_INFINITY,
    NOT_FLOAT,
    NOT_INTEGER,
    OVERFLOW,
    STRING_TOO_LONG,
    SYNTAX,
    CommandError,
    wrong_arity,
)
from respd.keyspace_events import GENERIC, STRING
from respd.protocol.replies import OK, MapReply

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

_NEGATIVE_OFFSET: Final = b"ERR offset is out of range"
_DECREMENT_OVERFLOW: Final = b"ERR decrement would overflow"
_BAD_NUMKEYS: Final = b"ERR invalid numkeys value"
_BAD_PAIRS: Final = b"ERR wrong number of key-value pairs"
_INT32_MAX: Final = (1 << 31) - 1
_LCS_NOT_STRINGS: Final = b"ERR The specified keys must contain string values"
_LCS_LEN_AND_IDX: Final = b"ERR If you want both the length and indexes, please just use IDX."
_LCS_TOO_LONG: Final = b"ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
_LCS_CELL: Final = 4  # bytes Redis takes for each pair of positions

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


@group.command(
    "INCR",
    arity=2,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | ACCESS | UPDATE),
    since="1.0.0",
    syntax="key",
    complexity="O(1)",
)
def incr(ctx: Context, args: list[bytes]) -> object:
    """Add one to the integer stored at a key; an absent key counts as 0.

    Reply: the sum. Errors: WRONGTYPE; not an integer; overflow of 64 bits. Source: redis.io/commands/incr.
    """
    return _increment(ctx, args[1], 1)


@group.command(
    "DECR",
    arity=2,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | ACCESS | UPDATE),
    since="1.0.0",
    syntax="key",
    complexity="O(1)",
)
def decr(ctx: Context, args: list[bytes]) -> object:
    """Subtract one from the integer stored at a key; an absent key counts as 0.

    Reply and errors: as INCR. Source: redis.io/commands/decr.
    """
    return _increment(ctx, args[1], -1)


@group.command(
    "INCRBY",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | ACCESS | UPDATE),
    since="1.0.0",
    syntax="key increment",
    complexity="O(1)",
)
def incrby(ctx: Context, args: list[bytes]) -> object:
    """Add a number to the integer stored at a key; an absent key counts as 0.

    Reply and errors: as INCR. Source: redis.io/commands/incrby.
    """
    return _increment(ctx, args[1], int_arg(args[2]))


@group.command(
    "DECRBY",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | ACCESS | UPDATE),
    since="1.0.0",
    syntax="key decrement",
    complexity="O(1)",
)
def decrby(ctx: Context, args: list[bytes]) -> object:
    """Subtract a number from the integer stored at a key; an absent key counts as 0.

    Reply and errors: as INCR; the lowest 64-bit integer, which has no negative, is refused.
    Source: redis.io/commands/decrby.
    """
    number = int_arg(args[2])
    if number == INT64_MIN:
        raise CommandError(_DECREMENT_OVERFLOW)
    return _increment(ctx, args[1], -number)


def _increment(ctx: Context, key: bytes, increment: int) -> int:
    db = ctx.db
    entry = db.write(key)
    if entry is None:
        total = increment
        db.add(key, total)
    else:
        value = entry.value
        if isinstance(value, int):
            total = value + increment
        else:
            total = _integer_of(entry) + increment
        if not fits_int64(total):
            raise CommandError(OVERFLOW)
        entry.value = total
    db.changed(key, STRING, b"incrby")
    return total


def _integer_of(entry: Entry) -> int:
    number = parse_int(as_bytes(string_of(entry)))
    if number is None:
        raise CommandError(NOT_INTEGER)
    return number


@group.command(
    "INCRBYFLOAT",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | ACCESS | UPDATE),
    since="2.6.0",
    syntax="key increment:double",
    complexity="O(1)",
)
def incrbyfloat(ctx: Context, args: list[bytes]) -> object:
    """Add a floating point number to the one stored at a key; an absent key counts as 0.

    Reply: the sum, to 17 decimals. Errors: WRONGTYPE; not a valid float; NaN or Infinity.
    Log: SET key sum KEEPTTL. Source: redis.io/commands/incrbyfloat.
    """
    key = args[1]
    db = ctx.db
    value = db.write_string(key)
    current = parse_long_double(b"0" if value is None else as_bytes(value))
    if current is None:
        raise CommandError(NOT_FLOAT)
    increment = parse_long_double(args[2])
    if increment is None:
        raise CommandError(NOT_FLOAT)
    total = add_long_doubles(current, increment)
    if total is None:
        raise CommandError(NAN_OR_INFINITY)
    db.set(key, total, keep_ttl=True)
    db.changed(key, STRING, b"incrbyfloat")
    ctx.record([b"SET", key, total, b"KEEPTTL"])
    return total


@group.command(
    "APPEND",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | INSERT),
    since="2.0.0",
    syntax="key value",
    complexity="O(1) amortized, for values that are small beside the string.",
)
def append(ctx: Context, args: list[bytes]) -> object:
    """Add to the end of the string stored at a key, or store it where there is none.

    Reply: the new length. Errors: WRONGTYPE; string too long. Source: redis.io/commands/append.
    """
    key = args[1]
    db = ctx.db
    entry = db.write(key)
    if entry is None:
        db.add(key, try_int(args[2]))
        size = len(args[2])
    else:
        value = entry.value
        if not isinstance(value, bytearray):
            value = bytearray(as_bytes(string_of(entry)))
        size = len(value) + len(args[2])
        check_size(ctx, size)
        value += args[2]
        entry.value = value
    db.changed(key, STRING, b"append")
    return size


def check_size(ctx: Context, size: int) -> None:
    """Refuse a string that would be longer than proto-max-bulk-len."""
    if size > ctx.config.proto_max_bulk_len:
        raise CommandError(STRING_TOO_LONG)


@group.command(
    "STRLEN",
    arity=2,
    flags=READONLY | FAST,
    keys=one_key(RO),
    since="2.2.0",
    syntax="key",
    complexity="O(1)",
)
def strlen(ctx: Context, args: list[bytes]) -> object:
    """Return the length of the string stored at a key.

    Reply: bytes, 0 when the key is absent. Errors: WRONGTYPE. Source: redis.io/commands/strlen.
    """
    value = ctx.db.read_string(args[1])
    if value is None:
        return 0
    return len(view_of(value))


@group.command(
    "GETRANGE",
    arity=4,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="2.4.0",
    syntax="key start end",
    complexity="O(N) where N is the length of the reply.",
)
def getrange(ctx: Context, args: list[bytes]) -> object:
    """Return a part of the string stored at a key, from one offset to another.

    Both offsets are included; negative ones count from the end. Reply: a string, maybe empty.
    Errors: not an integer; WRONGTYPE. Source: redis.io/commands/getrange.
    """
    return _part(ctx, args)


@group.command(
    "SUBSTR",
    arity=4,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="1.0.0",
    syntax="key start end",
    complexity="O(N) where N is the length of the reply.",
    deprecated=("2.0.0", "`GETRANGE`"),
)
def substr(ctx: Context, args: list[bytes]) -> object:
    """Return a part of the string stored at a key: the old name of GETRANGE.

    Source: redis.io/commands/substr.
    """
    return _part(ctx, args)


def _part(ctx: Context, args: list[bytes]) -> bytes:
    start = int_arg(args[2])
    end = int_arg(args[3])
    value = ctx.db.read_string(args[1])
    if value is None:
        return b""
    data = view_of(value)
    size = len(data)
    if start < 0 and end < 0 and start > end:
        return b""
    if start < 0:
        start = max(start + size, 0)
    if end < 0:
        end = max(end + size, 0)
    if start > end:  # compiled, a slice that ends before it begins is an error
        return b""
    return data[start : end + 1] if isinstance(data, bytes) else bytes(data[start : end + 1])


@group.command(
    "SETRANGE",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=one_key(RW | UPDATE),
    since="2.2.0",
    syntax="key offset value",
    complexity="O(N) where N is the length of the value, and of the gap filled with zero bytes.",
)
def setrange(ctx: Context, args: list[bytes]) -> object:
    """Overwrite a part of the string stored at a key, from an offset on; gaps are filled with zero bytes.

    Reply: the length. An empty value changes nothing. Errors: not an integer; offset out of range; WRONGTYPE;
    string too long. Source: redis.io/commands/setrange.
    """
    key = args[1]
    patch = args[3]
    offset = int_arg(args[2])
    if offset < 0:
        raise CommandError(_NEGATIVE_OFFSET)
    db = ctx.db
    entry = db.write(key)
    if entry is None:
        if not patch:
            return 0
        check_size(ctx, offset + len(patch))
        data = bytearray(offset)
        data += patch
        db.add(key, data)
    else:
        value = string_of(entry)
        if not patch:
            return len(view_of(value))
        check_size(ctx, offset + len(patch))
        data = make_raw(entry)
        grow(data, offset)
        data[offset : offset + len(patch)] = patch
    db.changed(key, STRING, b"setrange")
    return len(data)


def make_raw(entry: Entry) -> bytearray:
    """Return the entry's string as one that can be edited in place; from now on it is stored as such."""
    value = string_of(entry)
    if isinstance(value, bytearray):
        return value
    raw = bytearray(as_bytes(value))
    entry.value = raw
    return raw


@group.command(
    "LCS",
    arity=-3,
    flags=READONLY,
    keys=key_range(1, 2, 1, RO | ACCESS),
    since="7.0.0",
    syntax="key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
    complexity="O(N*M) where N and M are the lengths of the strings.",
)
def lcs(ctx: Context, args: list[bytes]) -> object:
    """Find the longest common subsequence of two strings.

    Reply: the subsequence; its length with LEN; with IDX a map of `matches` (ranges in both strings, last first, none
    shorter than MINMATCHLEN, each with its length after WITHMATCHLEN) and `len`. Errors: not strings; syntax; too long.
    Source: redis.io/commands/lcs.
    """
    left = _lcs_operand(ctx, args[1])
    right = _lcs_operand(ctx, args[2])
    if left is None or right is None:
        raise CommandError(_LCS_NOT_STRINGS)
    wants_length = wants_ranges = with_length = False
    shortest = 0
    index = 3
    while index < len(args):
        option = args[index].upper()
        if option == b"IDX":
            wants_ranges = True
        elif option == b"LEN":
            wants_length = True
        elif option == b"WITHMATCHLEN":
            with_length = True
        elif option == b"MINMATCHLEN" and index + 1 < len(args):
            index += 1
            shortest = int_arg(args[index])
        else:
            raise CommandError(SYNTAX)
        index += 1
    if wants_length and wants_ranges:
        raise CommandError(_LCS_LEN_AND_IDX)
    if (len(left) + 1) * (len(right) + 1) * _LCS_CELL > ctx.config.proto_max_bulk_len:
        raise CommandError(_LCS_TOO_LONG)
    if wants_length:
        return lcs_length(left, right)
    matches = lcs_matches(left, right)
    if not wants_ranges:
        return lcs_text(left, matches)
    ranges: list[object] = []
    total = 0
    for match in matches:
        total += match.size
        if match.size >= shortest:
            found: list[object] = [
                [match.left, match.left + match.size - 1],
                [match.right, match.right + match.size - 1],
            ]
            if with_length:
                found.append(match.size)
            ranges.append(found)
    return MapReply([b"matches", ranges, b"len", total])


def _lcs_operand(ctx: Context, key: bytes) -> bytes | None:
    """The string at `key`, empty when absent; None for another type."""
    entry = ctx.db.read(key)
    if entry is None:
        return b""
    value = entry.value
    if isinstance(value, (bytes, int, bytearray)):
        return as_bytes(value)
    return None
