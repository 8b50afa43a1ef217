"""The commands about the expiry of hash fields, and those of Redis 8 that read or set fields along with it.

Source: redis.io/commands/?group=hash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.arguments import int_arg
from respd.command import ACCESS, DELETE, DENYOOM, FAST, READONLY, RO, RW, UPDATE, WRITE, Group, noted, one_key
from respd.commands.hashes import removed_fields, wake
from respd.datatypes.hashes import NO_FIELD, HashValue
from respd.datatypes.strings import parse_int
from respd.errors import CommandError, invalid_expire, shown, wrong_arity
from respd.keyspace_events import HASH

if TYPE_CHECKING:
    from respd.context import Context

_LAST_MOMENT_MS: Final = (1 << 46) - 1
_SECOND: Final = 1000
_MAX_PAIRS: Final = (1 << 31) - 1

# What the commands answer for a field.
_ABSENT: Final = -2
_NO_EXPIRY: Final = -1
_REFUSED: Final = 0
_SET: Final = 1
_DELETED: Final = 2

_NO_FIELDS_WORD: Final = b"ERR Mandatory argument FIELDS is missing or not at the right position"
_NUMBER_NOT_POSITIVE: Final = b"ERR Number of fields must be a positive integer"
_PARAMETER_NOT_POSITIVE: Final = b"ERR Parameter `numFields` should be greater than 0"
_NUMBER_MISMATCH: Final = b"ERR The `numfields` parameter must match the number of arguments"
_INVALID_NUMBER: Final = b"ERR invalid number of fields"
_NEGATIVE_EXPIRE: Final = b"ERR invalid expire time, must be >= 0"
_ONE_CONDITION: Final = b"ERR Only one of FXX or FNX arguments can be specified"
_ONE_EXPIRY: Final = b"ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"
_UNKNOWN_ARGUMENT: Final = b"ERR unknown argument: %b"

_PER_FIELD: Final = "O(N) where N is the number of fields given."
_FIELDS: Final = "FIELDS numfields field [field ...]"
_EXPIRE_SYNTAX: Final = "key %s [NX | XX | GT | LT] " + _FIELDS
_MOMENTS: Final = "EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds"

group = Group("hash")


def _moment(word: bytes, unit_ms: bool, absolute: bool, now_ms: int, name: bytes) -> int:
    """Return the moment in ms that a field shall expire at; raise NOT_INTEGER, or an error for what is out of range."""
    number = int_arg(word)
    if number < 0:
        raise CommandError(_NEGATIVE_EXPIRE)
    if not unit_ms:
        number *= _SECOND
    if not absolute:
        number += now_ms
    if number > _LAST_MOMENT_MS:
        raise invalid_expire(name)
    return number


def _option_moment(option: bytes, word: bytes, now_ms: int, name: bytes) -> int:
    """Return the moment that EX, PX, EXAT or PXAT and its number ask for."""
    return _moment(word, option[:1] == b"P", option[-2:] == b"AT", now_ms, name)


def _is_moment_option(option: bytes) -> bool:
    return option in (b"EX", b"PX", b"EXAT", b"PXAT")


def _field_words(args: list[bytes], at: int, error: bytes = _NUMBER_NOT_POSITIVE) -> list[bytes]:
    """Return the fields of `FIELDS numfields field...`, which must stand from `at` to the end."""
    if args[at].upper() != b"FIELDS":
        raise CommandError(_NO_FIELDS_WORD)
    number = parse_int(args[at + 1])
    if number is None or number < 1:
        raise CommandError(error)
    if number != len(args) - at - 2:
        raise CommandError(_NUMBER_MISMATCH)
    return args[at + 2 :]


def _delete_due(ctx: Context, key: bytes, value: HashValue, fields: list[bytes], before_ms: int) -> None:
    """Signal and log that `fields`, given a moment in the past, were removed."""
    for field in fields:
        ctx.record([b"HDEL", key, field])
    ctx.db.stats.expired_subkeys += len(fields)
    removed_fields(ctx, key, value, before_ms, len(fields))


@group.command(
    "HEXPIRE",
    arity=-6,
    flags=WRITE | FAST,
    keys=one_key(RW | UPDATE),
    since="7.4.0",
    syntax=_EXPIRE_SYNTAX % "seconds",
    complexity=_PER_FIELD,
)
def hexpire(ctx: Context, args: list[bytes]) -> object:
    """Let fields of a hash expire after a number of seconds.

    Reply: for each field 1 if its expiry was set, 2 if it was removed since the time is 0 or past, 0 if the condition
    did not hold, -2 if it is absent. Errors: WRONGTYPE, NOT_INTEGER, invalid expire time, FIELDS and its number. Log:
    HPEXPIREAT with the fields that were set, or HDEL. Source: redis.io/commands/hexpire.
    """
    return _expire(ctx, args, b"hexpire", False, False)


@group.command(
    "HPEXPIRE",
    arity=-6,
    flags=WRITE | FAST,
    keys=one_key(RW | UPDATE),
    since="7.4.0",
    syntax=_EXPIRE_SYNTAX % "milliseconds",
    complexity=_PER_FIELD,
)
def hpexpire(ctx: Context, args: list[bytes]) -> object:
    """Let fields of a hash expire after a number of milliseconds.

    Reply, errors and log as HEXPIRE. Source: redis.io/commands/hpexpire.
    """
    return _expire(ctx, args, b"hpexpire", True, False)


@group.command(
    "HEXPIREAT",
    arity=-6,
    flags=WRITE | FAST,
    keys=one_key(RW | UPDATE),
    since="7.4.0",
    syntax=_EXPIRE_SYNTAX % "unix-time-seconds",
    complexity=_PER_FIELD,
)
def hexpireat(ctx: Context, args: list[bytes]) -> object:
    """Let fields of a hash expire at a moment in seconds since the epoch.

    Reply, errors and log as HEXPIRE. Source: redis.io/commands/hexpireat.
    """
    return _expire(ctx, args, b"hexpireat", False, True)


@group.command(
    "HPEXPIREAT",
    arity=-6,
    flags=WRITE | FAST,
    keys=one_key(RW | UPDATE),
    since="7.4.0",
    syntax=_EXPIRE_SYNTAX % "unix-time-milliseconds",
    complexity=_PER_FIELD,
)
def hpexpireat(ctx: Context, args: list[bytes]) -> object:
    """Let fields of a hash expire at a moment in milliseconds since the epoch.

    Reply, errors and log as HEXPIRE. Source: redis.io/commands/hpexpireat.
    """
    return _expire(ctx, args, b"hpexpireat", True, True)


def _expire(ctx: Context, args: list[bytes], name: bytes, unit_ms: bool, absolute: bool) -> object:
    key = args[1]
    value = ctx.db.write_hash(key)
    now_ms = int(ctx.clock.ms)
    at_ms = _moment(args[2], unit_ms, absolute, now_ms, name)
    is_past = at_ms <= now_ms and not ctx.db.shared.expire_off
    condition = args[3].upper()
    if condition in (b"NX", b"XX", b"GT", b"LT"):
        fields = _field_words(args, 4, _PARAMETER_NOT_POSITIVE)
    else:
        condition = b""
        fields = _field_words(args, 3, _PARAMETER_NOT_POSITIVE)
    if value is None:
        return [_ABSENT] * len(fields)
    value.expect_expiries()
    before_ms = value.next_expire_ms
    replies: list[int] = []
    touched: list[bytes] = []
    for field in fields:
        old_ms = value.expire_at(field)
        if old_ms == NO_FIELD:
            replies.append(_ABSENT)
            continue
        if condition and not _holds(condition, old_ms, at_ms):
            replies.append(_REFUSED)
            continue
        touched.append(field)
        if is_past:
            value.delete(field)
            replies.append(_DELETED)
        else:
            value.set_expire(field, at_ms)
            replies.append(_SET)
    if not touched:
        return replies
    if is_past:
        _delete_due(ctx, key, value, touched, before_ms)
        return replies
    wake(ctx, key, value, before_ms)
    ctx.db.changed_by(key, HASH, b"hexpire", len(touched))
    words = [b"HPEXPIREAT", key, b"%d" % at_ms, *(args[3:5] if condition else args[3:4])]
    ctx.record([*words, b"%d" % len(touched), *touched])
    return replies


def _holds(condition: bytes, old_ms: int, at_ms: int) -> bool:
    """Tell whether a field's expiry, 0 for never, may change to `at_ms`."""
    if condition == b"NX":
        return old_ms == 0
    if condition == b"XX":
        return old_ms != 0
    if condition == b"GT":
        return old_ms != 0 and at_ms > old_ms
    return old_ms == 0 or at_ms < old_ms


@group.command(
    "HTTL",
    arity=-5,
    flags=READONLY | FAST,
    keys=one_key(RO | ACCESS),
    since="7.4.0",
    syntax="key " + _FIELDS,
    complexity=_PER_FIELD,
    tips=("nondeterministic_output",),
)
def httl(ctx: Context, args: list[bytes]) -> object:
    """Return for how many seconds fields still live.

    Reply: for each field the seconds, rounded up, -1 without an expiry, -2 if it is absent. Errors: WRONGTYPE, FIELDS
    and its number. Source: redis.io/commands/httl.
    """
    return _read_expiries(ctx, args, int(ctx.clock.ms), _SECOND)


@group.command(
    "HPTTL",
    arity=-5,
    flags=READONLY | FAST,
    keys=one_key(RO | ACCESS),
    since="7.4.0",
    syntax="key " + _FIELDS,
    complexity=_PER_FIELD,
    tips=("nondeterministic_output",),
)
def hpttl(ctx: Context, args: list[bytes]) -> object:
    """Return for how many milliseconds fields still live.

    Reply and errors as HTTL. Source: redis.io/commands/hpttl.
    """
    return _read_expiries(ctx, args, int(ctx.clock.ms), 1)


@group.command(
    "HEXPIRETIME",
    arity=-5,
    flags=READONLY | FAST,
    keys=one_key(RO | ACCESS),
    since="7.4.0",
    syntax="key " + _FIELDS,
    complexity=_PER_FIELD,
)
def hexpiretime(ctx: Context, args: list[bytes]) -> object:
    """Return the moments, in seconds since the epoch, at which fields expire.

    Reply and errors as HTTL. Source: redis.io/commands/hexpiretime.
    """
    return _read_expiries(ctx, args, 0, _SECOND)


@group.command(
    "HPEXPIRETIME",
    arity=-5,
    flags=READONLY | FAST,
    keys=one_key(RO | ACCESS),
    since="7.4.0",
    syntax="key " + _FIELDS,
    complexity=_PER_FIELD,
)
def hpexpiretime(ctx: Context, args: list[bytes]) -> object:
    """Return the moments, in milliseconds since the epoch, at which fields expire.

    Reply and errors as HTTL. Source: redis.io/commands/hpexpiretime.
    """
    return _read_expiries(ctx, args, 0, 1)


def _read_expiries(ctx: Context, args: list[bytes], since_ms: int, unit_ms: int) -> object:
    value = ctx.db.read_hash(args[1])
    fields = _field_words(args, 2)
    replies: list[int] = []
    for field in fields:
        at_ms = NO_FIELD if value is None else value.expire_at(field)
        if at_ms > 0:
            replies.append((at_ms - since_ms + unit_ms - 1) // unit_ms)
        else:
            replies.append(_ABSENT if at_ms == NO_FIELD else _NO_EXPIRY)
    return replies


@group.command(
    "HPERSIST",
    arity=-5,
    flags=WRITE | FAST,
    keys=one_key(RW | UPDATE),
    since="7.4.0",
    syntax="key " + _FIELDS,
    complexity=_PER_FIELD,
)
def hpersist(ctx: Context, args: list[bytes]) -> object:
    """Take the expiry from fields of a hash.

    Reply: for each field 1 if it had an expiry, -1 if not, -2 if it is absent. Errors: WRONGTYPE, FIELDS and its
    number. Source: redis.io/commands/hpersist.
    """
    key = args[1]
    value = ctx.db.write_hash(key)
    fields = _field_words(args, 2)
    if value is None:
        return [_ABSENT] * len(fields)
    before_ms = value.next_expire_ms
    replies: list[int] = []
    changed = False
    for field in fields:
        if value.persist(field):
            changed = True
            replies.append(_SET)
        else:
            replies.append(_NO_EXPIRY if value.has(field) else _ABSENT)
    if changed:
        wake(ctx, key, value, before_ms)
        ctx.db.changed(key, HASH, b"hpersist")
    return replies


@group.command(
    "HGETDEL",
    arity=-5,
    flags=WRITE | FAST,
    keys=one_key(RW | ACCESS | DELETE),
    since="8.0.0",
    syntax="key " + _FIELDS,
    complexity=_PER_FIELD,
)
def hgetdel(ctx: Context, args: list[bytes]) -> object:
    """Return the values of fields and remove the fields, and the key with the last of them.

    Reply: an array with the value, or null, of each. Errors: WRONGTYPE, FIELDS and its number. Log: HDEL. Source:
    redis.io/commands/hgetdel.
    """
    key = args[1]
    value = ctx.db.write_hash(key)
    fields = _field_words(args, 2)
    found: list[object] = []
    if value is None:
        for _ in fields:
            found.append(None)
        return found
    before_ms = value.next_expire_ms
    removed = 0
    for field in fields:
        found.append(value.get(field))
        if value.delete(field):
            removed += 1
    if removed:
        removed_fields(ctx, key, value, before_ms, removed)
        ctx.record([b"HDEL", key, *fields])
    return found


@group.command(
    "HGETEX",
    arity=-5,
    flags=WRITE | FAST,
    keys=noted(one_key(RW | ACCESS | UPDATE), "RW and UPDATE because it changes the TTL"),
    since="8.0.0",
    syntax=f"key [{_MOMENTS} | PERSIST] {_FIELDS}",
    complexity=_PER_FIELD,
)
def hgetex(ctx: Context, args: list[bytes]) -> object:
    """Return the values of fields, and set or take their expiry.

    Reply: an array with the value, or null, of each. Errors: WRONGTYPE, NOT_INTEGER, invalid expire time, FIELDS and
    its number. Log: HPEXPIREAT, HPERSIST or HDEL, if anything changed. Source: redis.io/commands/hgetex.
    """
    key = args[1]
    value = ctx.db.write_hash(key)
    now_ms = int(ctx.clock.ms)
    option = args[2].upper()
    at_ms = 0
    position = 2
    if _is_moment_option(option):
        at_ms = _option_moment(option, args[3], now_ms, b"hgetex")
        position = 4
    elif option == b"PERSIST":
        position = 3
    if position + 1 >= len(args):
        raise wrong_arity(b"hgetex")
    fields = _field_words(args, position)
    found: list[object] = []
    if value is None or position == 2:
        for field in fields:
            found.append(None if value is None else value.get(field))
        return found
    value.expect_expiries()
    before_ms = value.next_expire_ms
    touched: list[bytes] = []
    for field in fields:
        content = value.get(field)
        found.append(content)
        if content is None:
            continue
        if position == 3:
            if value.persist(field):
                touched.append(field)
            continue
        touched.append(field)
        if at_ms <= now_ms:
            value.delete(field)
        else:
            value.set_expire(field, at_ms)
    if not touched:
        return found
    if position == 4 and at_ms <= now_ms:
        _delete_due(ctx, key, value, touched, before_ms)
        return found
    wake(ctx, key, value, before_ms)
    if position == 3:
        ctx.db.changed_by(key, HASH, b"hpersist", len(touched))
        ctx.record([b"HPERSIST", key, *args[position:]])
    else:
        ctx.db.changed_by(key, HASH, b"hexpire", len(touched))
        ctx.record([b"HPEXPIREAT", key, b"%d" % at_ms, *args[position:]])
    return found


class _SetOptions:
    """The options of HSETEX. `at_ms` is 0 without an expiry; the pairs stand from `first` on."""

    def __init__(self) -> None:
        self.must_exist: bool = False
        self.must_be_new: bool = False
        self.keep_ttl: bool = False
        self.at_ms: int = -1
        self.moment_at: int = 0
        self.first: int = 0


@group.command(
    "HSETEX",
    arity=-6,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | UPDATE),
    since="8.0.0",
    syntax=f"key [FNX | FXX] [{_MOMENTS} | KEEPTTL] FIELDS numfields field value [field value ...]",
    complexity="O(N) where N is the number of fields set.",
)
def hsetex(ctx: Context, args: list[bytes]) -> object:
    """Set fields of a hash along with their expiry, under a condition on all of them.

    Reply: 1 if they were set, 0 if not. Errors: those of the options, WRONGTYPE. Log: the words with PXAT, or HDEL when
    the moment is past. Source: redis.io/commands/hsetex.
    """
    now_ms = int(ctx.clock.ms)
    options = _set_options(args, now_ms)
    if ctx.db.shared.expire_off:
        now_ms = 0
    first = options.first
    key = args[1]
    db = ctx.db
    value = db.write_hash(key)
    if options.must_exist or options.must_be_new:
        for index in range(first, len(args), 2):
            if (value is not None and value.has(args[index])) != options.must_exist:
                return 0
    if value is None:
        value = db.open_hash(key)
    before_ms = value.next_expire_ms
    limits = ctx.limits
    value.prepare(args, first, limits)
    at_ms = options.at_ms
    if at_ms >= 0:
        value.expect_expiries()
    removed: list[bytes] = []
    for index in range(first, len(args), 2):
        field = args[index]
        if options.keep_ttl:
            value.set_keeping_expiry(field, args[index + 1], limits)
        else:
            value.set(field, args[index + 1], limits)
        if at_ms > now_ms:
            value.set_expire(field, at_ms)
        elif at_ms >= 0:
            value.delete(field)
            removed.append(field)
    if removed:
        db.notify(key, HASH, b"hset")
        _delete_due(ctx, key, value, removed, before_ms)
        return 1
    wake(ctx, key, value, before_ms)
    db.changed_by(key, HASH, b"hset", (len(args) - first) >> 1)
    if at_ms >= 0:
        db.notify(key, HASH, b"hexpire")
        at = options.moment_at
        ctx.record([b"HSETEX", *args[1:at], b"PXAT", b"%d" % at_ms, *args[at + 2 :]])
    return 1


def _set_options(args: list[bytes], now_ms: int) -> _SetOptions:
    options = _SetOptions()
    position = 2
    while position < len(args):
        word = args[position].upper()
        has_more = position + 1 < len(args)
        if word == b"FIELDS":
            if position + 3 >= len(args):  # the number and one pair at least
                raise wrong_arity(b"hsetex")
            number = parse_int(args[position + 1])
            if number is None or number < 1 or number > _MAX_PAIRS:
                raise CommandError(_INVALID_NUMBER)
            if number * 2 != len(args) - position - 2:
                raise wrong_arity(b"hsetex")
            options.first = position + 2
            return options
        if word in (b"FNX", b"FXX"):
            if options.must_exist or options.must_be_new:
                raise CommandError(_ONE_CONDITION)
            options.must_exist = word == b"FXX"
            options.must_be_new = word == b"FNX"
            position += 1
        elif word == b"KEEPTTL":
            _refuse_second_expiry(options)
            options.keep_ttl = True
            position += 1
        elif _is_moment_option(word):
            _refuse_second_expiry(options)
            if not has_more:
                raise wrong_arity(b"hsetex")
            options.at_ms = _option_moment(word, args[position + 1], now_ms, b"hsetex")
            options.moment_at = position
            position += 2
        else:
            raise CommandError(_UNKNOWN_ARGUMENT % shown(args[position]))
    raise wrong_arity(b"hsetex")


def _refuse_second_expiry(options: _SetOptions) -> None:
    if options.keep_ttl or options.at_ms >= 0:
        raise CommandError(_ONE_EXPIRY)
