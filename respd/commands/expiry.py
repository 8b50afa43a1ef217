"""The commands that set, take and tell the expiry of keys. Source: redis.io/commands/expire and its relatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.arguments import expire_arg
from respd.command import ACCESS, FAST, READONLY, RO, RW, UPDATE, WRITE, Group, one_key
from respd.commands.keys import look
from respd.errors import CommandError, shown
from respd.keyspace_events import GENERIC

if TYPE_CHECKING:
    from respd.context import Context

_EXPIRE_HISTORY: Final = (("7.0.0", "Has the options `NX`, `XX`, `GT` and `LT`."),)
_TTL_HISTORY: Final = (("2.8.0", "Replies -2 for an absent key."),)

# Conditions of EXPIRE.
_NX: Final = 1
_XX: Final = 2
_GT: Final = 4
_LT: Final = 8

group = Group("generic")


@group.command(
    "EXPIRE",
    arity=-3,
    flags=WRITE | FAST,
    keys=one_key(RW | UPDATE),
    since="1.0.0",
    syntax="key seconds [NX | XX | GT | LT]",
    complexity="O(1)",
    history=_EXPIRE_HISTORY,
)
def expire(ctx: Context, args: list[bytes]) -> object:
    """Have a key expire after some seconds.

    Reply: 1, or 0 when the key is absent or the option forbids it. A time that is past deletes the key.
    Errors: of the options, of the number, "invalid expire time", in this order, for absent keys too.
    Log: PEXPIREAT key moment, or DEL key. Source: redis.io/commands/expire.
    """
    return _expire(ctx, args, False, False)


@group.command(
    "PEXPIRE",
    arity=-3,
    flags=WRITE | FAST,
    keys=one_key(RW | UPDATE),
    since="2.6.0",
    syntax="key milliseconds [NX | XX | GT | LT]",
    complexity="O(1)",
    history=_EXPIRE_HISTORY,
)
def pexpire(ctx: Context, args: list[bytes]) -> object:
    """Have a key expire after some milliseconds.

    Reply, errors, log: as EXPIRE. Source: redis.io/commands/pexpire.
    """
    return _expire(ctx, args, True, False)


@group.command(
    "EXPIREAT",
    arity=-3,
    flags=WRITE | FAST,
    keys=one_key(RW | UPDATE),
    since="1.2.0",
    syntax="key unix-time-seconds [NX | XX | GT | LT]",
    complexity="O(1)",
    history=_EXPIRE_HISTORY,
)
def expireat(ctx: Context, args: list[bytes]) -> object:
    """Have a key expire at a moment given in seconds since the epoch.

    Reply, errors, log: as EXPIRE. Source: redis.io/commands/expireat.
    """
    return _expire(ctx, args, False, True)


@group.command(
    "PEXPIREAT",
    arity=-3,
    flags=WRITE | FAST,
    keys=one_key(RW | UPDATE),
    since="2.6.0",
    syntax="key unix-time-milliseconds [NX | XX | GT | LT]",
    complexity="O(1)",
    history=_EXPIRE_HISTORY,
)
def pexpireat(ctx: Context, args: list[bytes]) -> object:
    """Have a key expire at a moment given in milliseconds since the epoch.

    Reply, errors, log: as EXPIRE. Source: redis.io/commands/pexpireat.
    """
    return _expire(ctx, args, True, True)


def _expire(ctx: Context, args: list[bytes], unit_ms: bool, absolute: bool) -> int:
    conditions = _expire_conditions(args) if len(args) > 3 else 0
    now_ms = ctx.clock.ms
    at_ms = expire_arg(args[2], unit_ms, absolute, now_ms, args[0], allow_past=True)
    db = ctx.db
    key = args[1]
    entry = db.write(key)
    if entry is None:
        return 0
    if conditions != 0 and not _may_expire(conditions, entry.expire_at_ms, at_ms):
        return 0
    if at_ms <= now_ms and not db.shared.expire_off:
        db.remove(key)
        db.changed(key, GENERIC, b"del")
        ctx.record([db.shared.expire_word, key])
    else:
        db.set_expire(key, at_ms)
        db.changed(key, GENERIC, b"expire")
        ctx.record([b"PEXPIREAT", key, b"%d" % at_ms, *args[3:]])
    return 1


def _expire_conditions(args: list[bytes]) -> int:
    """Return the options of EXPIRE as bits; raise Redis' errors for what is unknown, then for what excludes itself."""
    conditions = 0
    for index in range(3, len(args)):
        word = args[index].upper()
        if word == b"NX":
            conditions |= _NX
        elif word == b"XX":
            conditions |= _XX
        elif word == b"GT":
            conditions |= _GT
        elif word == b"LT":
            conditions |= _LT
        else:
            raise CommandError(b"ERR Unsupported option %b" % shown(args[index]))
    if conditions & _NX and conditions != _NX:
        raise CommandError(b"ERR NX and XX, GT or LT options at the same time are not compatible")
    if conditions & _GT and conditions & _LT:
        raise CommandError(b"ERR GT and LT options at the same time are not compatible")
    return conditions


def _may_expire(conditions: int, current_ms: int, at_ms: int) -> bool:
    """Tell whether the options let a key that expires at `current_ms` (0: never) expire at `at_ms` instead."""
    if current_ms == 0:
        return not conditions & (_XX | _GT)
    if conditions & _NX:
        return False
    if conditions & _GT and at_ms <= current_ms:
        return False
    return not (conditions & _LT and at_ms >= current_ms)


@group.command(
    "PERSIST",
    arity=2,
    flags=WRITE | FAST,
    keys=one_key(RW | UPDATE),
    since="2.2.0",
    syntax="key",
    complexity="O(1)",
)
def persist(ctx: Context, args: list[bytes]) -> object:
    """Have a key never expire.

    Reply: 1, or 0 when the key is absent or does not expire anyway. Source: redis.io/commands/persist.
    """
    db = ctx.db
    key = args[1]
    if db.write(key) is None or not db.persist(key):
        return 0
    db.changed(key, GENERIC, b"persist")
    return 1


@group.command(
    "TTL",
    arity=2,
    flags=READONLY | FAST,
    keys=one_key(RO | ACCESS),
    since="1.0.0",
    syntax="key",
    complexity="O(1)",
    tips=("nondeterministic_output",),
    history=_TTL_HISTORY,
)
def ttl(ctx: Context, args: list[bytes]) -> object:
    """Return for how many seconds a key will live, rounded.

    Reply: an integer; -1 for ever, -2 for an absent key. Source: redis.io/commands/ttl.
    """
    entry = look(ctx.db, args[1])
    if entry is None:
        return -2
    at_ms = entry.expire_at_ms
    return -1 if at_ms == 0 else (max(0, int(at_ms - ctx.clock.ms)) + 500) // 1000


@group.command(
    "PTTL",
    arity=2,
    flags=READONLY | FAST,
    keys=one_key(RO | ACCESS),
    since="2.6.0",
    syntax="key",
    complexity="O(1)",
    tips=("nondeterministic_output",),
    history=_TTL_HISTORY,
)
def pttl(ctx: Context, args: list[bytes]) -> object:
    """Return for how many milliseconds a key will live.

    Reply: an integer; -1 for ever, -2 for an absent key. Source: redis.io/commands/pttl.
    """
    entry = look(ctx.db, args[1])
    if entry is None:
        return -2
    at_ms = entry.expire_at_ms
    return -1 if at_ms == 0 else max(0, int(at_ms - ctx.clock.ms))


@group.command(
    "EXPIRETIME",
    arity=2,
    flags=READONLY | FAST,
    keys=one_key(RO | ACCESS),
    since="7.0.0",
    syntax="key",
    complexity="O(1)",
)
def expiretime(ctx: Context, args: list[bytes]) -> object:
    """Return the moment at which a key expires, in seconds since the epoch.

    Reply: an integer; -1 for never, -2 for an absent key. Source: redis.io/commands/expiretime.
    """
    entry = look(ctx.db, args[1])
    if entry is None:
        return -2
    at_ms = entry.expire_at_ms
    return -1 if at_ms == 0 else (int(at_ms) + 500) // 1000


@group.command(
    "PEXPIRETIME",
    arity=2,
    flags=READONLY | FAST,
    keys=one_key(RO | ACCESS),
    since="7.0.0",
    syntax="key",
    complexity="O(1)",
)
def pexpiretime(ctx: Context, args: list[bytes]) -> object:
    """Return the moment at which a key expires, in milliseconds since the epoch.

    Reply: an integer; -1 for never, -2 for an absent key. Source: redis.io/commands/pexpiretime.
    """
    entry = look(ctx.db, args[1])
    if entry is None:
        return -2
    at_ms = entry.expire_at_ms
    return -1 if at_ms == 0 else int(at_ms)
