"""Strings that are numbers: INCR and its kin. Source: redis.io/commands/?group=string."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.arguments import int_arg
from respd.command import ACCESS, DENYOOM, FAST, RW, UPDATE, WRITE, Group, one_key
from respd.database import Entry, string_of
from respd.datatypes.long_doubles import add_long_doubles, parse_long_double
from respd.datatypes.strings import INT64_MIN, as_bytes, fits_int64, parse_int
from respd.errors import NAN_OR_INFINITY, NOT_FLOAT, NOT_INTEGER, OVERFLOW, CommandError
from respd.keyspace_events import STRING

if TYPE_CHECKING:
    from respd.context import Context

_DECREMENT_OVERFLOW: Final = b"ERR decrement would overflow"

group = Group("string")


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
