"""The hash commands, but for those about the expiry of fields (hash_expiry). Source: redis.io/commands/?group=hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.arguments import int_arg, int_arg_between
from respd.command import ACCESS, DELETE, DENYOOM, FAST, INSERT, READONLY, RO, RW, UPDATE, WRITE, Group, one_key
from respd.datatypes.hashes import HashValue
from respd.datatypes.long_doubles import add_long_doubles, long_double_from_int, parse_long_double
from respd.datatypes.strings import INT64_MAX, INT64_MIN, fits_int64, parse_int
from respd.errors import NAN_OR_INFINITY, NOT_FLOAT, OUT_OF_RANGE, OVERFLOW, SYNTAX, CommandError, wrong_arity
from respd.keyspace_events import HASH
from respd.protocol.replies import NO_REPLY, OK, SHORTEST_BULK, MapReply, Pairs
from respd.scan_arguments import cursor_arg, scan_options

if TYPE_CHECKING:
    from respd.context import Context

_HASH_VALUE_NOT_INTEGER: Final = b"ERR hash value is not an integer"
_HASH_VALUE_NOT_FLOAT: Final = b"ERR hash value is not a float"
_INFINITE: Final = b"ERR value is NaN or Infinity"
_COUNT_RANGE: Final = b"ERR value is out of range, value must between -%d and %d" % (INT64_MAX, INT64_MAX)
_SIZE_OF_HASH: Final = "O(N) where N is the number of fields of the hash."
_ANY_ORDER: Final = ("nondeterministic_output_order",)

group = Group("hash")


def wake(ctx: Context, key: bytes, value: HashValue, before_ms: int) -> None:
    """Have the database wake for the hash's next expiry, where a command has changed it from `before_ms`."""
    ctx.db.note_fields(key, before_ms, value.next_expire_ms)


@group.command(
    "HSET",
    arity=-4,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | UPDATE),
    since="2.0.0",
    syntax="key field value [field value ...]",
    complexity="O(1) for each pair.",
    history=(("4.0.0", "Takes several pairs of `field` and `value`."),),
)
def hset(ctx: Context, args: list[bytes]) -> object:
    """Set fields of a hash, which is created when there is none.

    Reply: how many fields are new. A field that is set loses its expiry. Errors: WRONGTYPE. Source:
    redis.io/commands/hset.
    """
    count = len(args)
    if count & 1:
        raise wrong_arity(args[0])
    key = args[1]
    db = ctx.db
    value = db.open_hash(key)
    before_ms = value.next_expire_ms
    added = 0
    if count == 4:
        if value.set(args[2], args[3], ctx.limits):
            added = 1
    else:
        added = _set_many(ctx, value, args)
    if value.next_expire_ms != before_ms:
        wake(ctx, key, value, before_ms)
    db.changed_by(key, HASH, b"hset", (count - 2) >> 1)
    return added


@group.command(
    "HMSET",
    arity=-4,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | UPDATE),
    since="2.0.0",
    syntax="key field value [field value ...]",
    complexity="O(1) for each pair.",
    deprecated=("4.0.0", "`HSET` with multiple field-value pairs"),
)
def hmset(ctx: Context, args: list[bytes]) -> object:
    """Set several fields of a hash, like HSET but with OK for an answer.

    Reply: OK. Errors: WRONGTYPE. Source: redis.io/commands/hmset.
    """
    hset(ctx, args)
    return OK


def _set_many(ctx: Context, value: HashValue, args: list[bytes]) -> int:
    limits = ctx.limits
    value.prepare(args, 2, limits)
    added = 0
    for index in range(2, len(args), 2):
        if value.set(args[index], args[index + 1], limits):
            added += 1
    return added


@group.command(
    "HSETNX",
    arity=4,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | INSERT),
    since="2.0.0",
    syntax="key field value",
    complexity="O(1)",
)
def hsetnx(ctx: Context, args: list[bytes]) -> object:
    """Set a field of a hash unless the field exists.

    Reply: 1 if it was set. Errors: WRONGTYPE. Source: redis.io/commands/hsetnx.
    """
    key = args[1]
    value = ctx.db.open_hash(key)
    if value.has(args[2]):
        return 0
    value.set(args[2], args[3], ctx.limits)
    ctx.db.changed(key, HASH, b"hset")
    return 1


@group.command(
    "HGET",
    arity=3,
    flags=READONLY | FAST,
    keys=one_key(RO | ACCESS),
    since="2.0.0",
    syntax="key field",
    complexity="O(1)",
)
def hget(ctx: Context, args: list[bytes]) -> object:
    """Return the value of a field.

    Reply: the value, or null. Errors: WRONGTYPE. Source: redis.io/commands/hget.
    """
    value = ctx.db.read_hash(args[1])
    return None if value is None else value.get(args[2])


@group.command(
    "HMGET",
    arity=-3,
    flags=READONLY | FAST,
    keys=one_key(RO | ACCESS),
    since="2.0.0",
    syntax="key field [field ...]",
    complexity="O(N) where N is the number of fields asked for.",
)
def hmget(ctx: Context, args: list[bytes]) -> object:
    """Return the values of several fields.

    Reply: an array with the value, or null, of each. Errors: WRONGTYPE. Source: redis.io/commands/hmget.
    """
    value = ctx.db.read_hash(args[1])
    found: list[object] = []
    for index in range(2, len(args)):
        found.append(None if value is None else value.get(args[index]))
    return found


@group.command(
    "HDEL",
    arity=-3,
    flags=WRITE | FAST,
    keys=one_key(RW | DELETE),
    since="2.0.0",
    syntax="key field [field ...]",
    complexity="O(N) where N is the number of fields to remove.",
    history=(("2.4.0", "Takes several `field` arguments."),),
)
def hdel(ctx: Context, args: list[bytes]) -> object:
    """Remove fields from a hash, and the key with the last of them.

    Reply: how many fields were there. Errors: WRONGTYPE. Source: redis.io/commands/hdel.
    """
    key = args[1]
    value = ctx.db.write_hash(key)
    if value is None:
        return 0
    before_ms = value.next_expire_ms
    removed = 0
    for index in range(2, len(args)):
        if value.delete(args[index]):
            removed += 1
    if removed > 0:
        removed_fields(ctx, key, value, before_ms, removed)
    return removed


def removed_fields(ctx: Context, key: bytes, value: HashValue, before_ms: int, removed: int) -> None:
    """Signal that so many fields were removed, and remove the key if they were the last."""
    wake(ctx, key, value, before_ms)
    ctx.db.changed_by(key, HASH, b"hdel", removed)
    if len(value) == 0:
        ctx.db.drop_if_empty(key)


@group.command(
    "HEXISTS",
    arity=3,
    flags=READONLY | FAST,
    keys=one_key(RO),
    since="2.0.0",
    syntax="key field",
    complexity="O(1)",
)
def hexists(ctx: Context, args: list[bytes]) -> object:
    """Tell whether a field exists.

    Reply: 1 or 0. Errors: WRONGTYPE. Source: redis.io/commands/hexists.
    """
    value = ctx.db.read_hash(args[1])
    return 1 if value is not None and value.has(args[2]) else 0


@group.command(
    "HLEN",
    arity=2,
    flags=READONLY | FAST,
    keys=one_key(RO),
    since="2.0.0",
    syntax="key",
    complexity="O(1)",
)
def hlen(ctx: Context, args: list[bytes]) -> object:
    """Return the number of fields of a hash.

    Reply: the number, 0 for an absent key. Errors: WRONGTYPE. Source: redis.io/commands/hlen.
    """
    value = ctx.db.read_hash(args[1])
    return 0 if value is None else len(value)


@group.command(
    "HSTRLEN",
    arity=3,
    flags=READONLY | FAST,
    keys=one_key(RO),
    since="3.2.0",
    syntax="key field",
    complexity="O(1)",
)
def hstrlen(ctx: Context, args: list[bytes]) -> object:
    """Return the length of a field's value.

    Reply: the length in bytes, 0 if absent. Errors: WRONGTYPE. Source: redis.io/commands/hstrlen.
    """
    value = ctx.db.read_hash(args[1])
    found = None if value is None else value.get(args[2])
    return 0 if found is None else len(found)


@group.command(
    "HGETALL",
    arity=2,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="2.0.0",
    syntax="key",
    complexity=_SIZE_OF_HASH,
    tips=_ANY_ORDER,
)
def hgetall(ctx: Context, args: list[bytes]) -> object:
    """Return all fields and values of a hash.

    Reply: a map, empty for an absent key. Errors: WRONGTYPE. Source: redis.io/commands/hgetall.
    """
    value = ctx.db.read_hash(args[1])
    flat: list[object] = []
    if value is not None:
        flat.extend(value.items())
    return MapReply(flat)


@group.command(
    "HKEYS",
    arity=2,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="2.0.0",
    syntax="key",
    complexity=_SIZE_OF_HASH,
    tips=_ANY_ORDER,
)
def hkeys(ctx: Context, args: list[bytes]) -> object:
    """Return all fields of a hash.

    Reply: an array, empty for an absent key. Errors: WRONGTYPE. Source: redis.io/commands/hkeys.
    """
    value = ctx.db.read_hash(args[1])
    return [] if value is None else value.fields()


@group.command(
    "HVALS",
    arity=2,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="2.0.0",
    syntax="key",
    complexity=_SIZE_OF_HASH,
    tips=_ANY_ORDER,
)
def hvals(ctx: Context, args: list[bytes]) -> object:
    """Return all values of a hash.

    Reply: an array, empty for an absent key. Errors: WRONGTYPE. Source: redis.io/commands/hvals.
    """
    value = ctx.db.read_hash(args[1])
    return [] if value is None else value.values()


@group.command(
    "HINCRBY",
    arity=4,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | ACCESS | UPDATE),
    since="2.0.0",
    syntax="key field increment",
    complexity="O(1)",
)
def hincrby(ctx: Context, args: list[bytes]) -> object:
    """Add to the integer in a field, which counts as 0 when absent.

    Reply: the new value. The field keeps its expiry. Errors: NOT_INTEGER for the increment, WRONGTYPE, "hash value is
    not an integer", overflow. Source: redis.io/commands/hincrby.
    """
    increment = int_arg(args[3])
    key = args[1]
    field = args[2]
    value = ctx.db.open_hash(key)
    old = value.get(field)
    number = 0 if old is None else parse_int(old)
    if number is None:
        raise CommandError(_HASH_VALUE_NOT_INTEGER)
    number += increment
    if not fits_int64(number):
        raise CommandError(OVERFLOW)
    value.set_keeping_expiry(field, b"%d" % number, ctx.limits)
    ctx.db.changed(key, HASH, b"hincrby")
    return number


@group.command(
    "HINCRBYFLOAT",
    arity=4,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | ACCESS | UPDATE),
    since="2.6.0",
    syntax="key field increment:double",
    complexity="O(1)",
)
def hincrbyfloat(ctx: Context, args: list[bytes]) -> object:
    """Add to the number in a field, which counts as 0 when absent, with a fraction.

    Reply: the new value as text. The field keeps its expiry. Errors: NOT_FLOAT or "value is NaN or Infinity" for the
    increment, WRONGTYPE, "hash value is not a float", NAN_OR_INFINITY. Log: HSET key field value, which servers before
    8.0 know too; HSETEX key KEEPTTL FIELDS 1 field value when the field expires.
    Source: redis.io/commands/hincrbyfloat.
    """
    increment = parse_long_double(args[3])
    if increment is None:
        raise CommandError(NOT_FLOAT)
    if increment.is_infinite:
        raise CommandError(_INFINITE)
    key = args[1]
    field = args[2]
    value = ctx.db.open_hash(key)
    old = value.get(field)
    number = long_double_from_int(0) if old is None else parse_long_double(old)
    if number is None:
        raise CommandError(_HASH_VALUE_NOT_FLOAT)
    total = add_long_doubles(number, increment)
    if total is None:
        raise CommandError(NAN_OR_INFINITY)
    value.set_keeping_expiry(field, total, ctx.limits)
    ctx.db.changed(key, HASH, b"hincrbyfloat")
    if value.expire_at(field):
        ctx.record([b"HSETEX", key, b"KEEPTTL", b"FIELDS", b"1", field, total])
    else:
        ctx.record([b"HSET", key, field, total])
    return total


@group.command(
    "HRANDFIELD",
    arity=-2,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="6.2.0",
    syntax="key options=[count [WITHVALUES]]",
    complexity="O(N) where N is the number of fields returned.",
    tips=("nondeterministic_output",),
)
def hrandfield(ctx: Context, args: list[bytes]) -> object:
    """Return random fields of a hash, and their values if asked for.

    Reply: a field, or null; with a count an array of different fields, of any when the count is negative; with values
    an array of pairs. Errors: WRONGTYPE, count out of range, syntax error. Source: redis.io/commands/hrandfield.
    """
    if len(args) == 2:
        value = ctx.db.read_hash(args[1])
        return None if value is None else value.pick(ctx.random)
    count = int_arg(args[2])
    if count == INT64_MIN:
        raise CommandError(_COUNT_RANGE)
    with_values = False
    if len(args) > 3:
        if len(args) > 4 or args[3].upper() != b"WITHVALUES":
            raise CommandError(SYNTAX)
        with_values = True
        int_arg_between(args[2], -(INT64_MAX // 2), INT64_MAX // 2, OUT_OF_RANGE)
    value = ctx.db.read_hash(args[1])
    if value is None or count == 0:
        return []
    if not ctx.has_room_for(-count * SHORTEST_BULK):
        return NO_REPLY
    flat = value.sample(count, ctx.random) if count > 0 else value.choose(-count, ctx.random)
    if not with_values:
        return flat[::2]
    pairs: list[object] = []
    pairs.extend(flat)
    return Pairs(pairs)


@group.command(
    "HSCAN",
    arity=-3,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="2.8.0",
    syntax="key cursor [MATCH pattern] [COUNT count] [NOVALUES]",
    complexity="O(1) a call, O(N) for the whole hash.",
    tips=("nondeterministic_output",),
)
def hscan(ctx: Context, args: list[bytes]) -> object:
    """Go through the fields and values of a hash, some at a time.

    Reply: the next cursor, 0 at the end, and a flat array of fields and values, or of fields. Whatever stays from the
    first call to the last is returned. Errors: invalid cursor, WRONGTYPE, then those of the options. Source:
    redis.io/commands/hscan.
    """
    cursor = cursor_arg(args[2])
    value = ctx.db.read_hash(args[1])
    if value is None:
        return [b"0", []]
    options = scan_options(args, 3, fields=True)
    cursor, flat = value.scan(cursor, options.count)
    pattern = options.pattern
    if pattern is None:
        return [b"%d" % cursor, flat[::2] if options.no_values else flat]
    found: list[object] = []
    for index in range(0, len(flat), 2):
        if pattern.matches(flat[index]):
            found.append(flat[index])
            if not options.no_values:
                found.append(flat[index + 1])
    return [b"%d" % cursor, found]
