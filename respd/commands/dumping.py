"""DUMP and RESTORE: a value as bytes, from one server to another. Source: redis.io/commands/dump and restore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i32

from respd.arguments import int_arg
from respd.command import ACCESS, DENYOOM, OW, READONLY, RO, UPDATE, WRITE, Group, one_key
from respd.commands.keys import place
from respd.datatypes.strings import INT64_MAX
from respd.errors import SYNTAX, CommandError
from respd.keyspace_events import GENERIC
from respd.persistence.rdb_format import CorruptPayload
from respd.protocol.replies import OK

if TYPE_CHECKING:
    from respd.context import Context

_BUSY_KEY: Final = b"BUSYKEY Target key name already exists."
_BAD_FOOTER: Final = b"ERR DUMP payload version or checksum are wrong"
_BAD_DATA: Final = b"ERR Bad data format"
_BAD_TTL: Final = b"ERR Invalid TTL value, must be >= 0"
_BAD_IDLE: Final = b"ERR Invalid IDLETIME value, must be >= 0"
_BAD_FREQUENCY: Final = b"ERR Invalid FREQ value, must be >= 0 and <= 255"
_FREQUENCY_MAX: Final = 255
_NOT_GIVEN: Final = -1

group = Group("generic")


@group.command(
    "DUMP",
    arity=2,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="2.6.0",
    syntax="key",
    complexity="O(N) where N is the size of the value",
    tips=("nondeterministic_output",),
)
def dump(ctx: Context, args: list[bytes]) -> object:
    """Return a value in a form that RESTORE takes, here or on another server.

    Reply: a payload as redis-server 7.0 reads it (7.4 for a hash whose fields expire), null when the key is absent. No
    expiry is in it. Source: redis.io/commands/dump.
    """
    from respd.persistence import dump_payloads

    entry = ctx.db.read(args[1])
    return None if entry is None else dump_payloads.write(entry.value, ctx.config.rdbcompression)


@group.command(
    "RESTORE",
    arity=-4,
    flags=WRITE | DENYOOM,
    keys=one_key(OW | UPDATE),
    since="2.6.0",
    syntax="key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]",
    complexity="O(N) where N is the size of the value, O(N*log(N)) for a sorted set whose members come in no order",
    categories=("dangerous",),
    history=(
        ("3.0.0", "Takes `REPLACE`."),
        ("5.0.0", "Takes `ABSTTL`."),
        ("5.0.0", "Takes `IDLETIME` and `FREQ`."),
    ),
)
def restore(ctx: Context, args: list[bytes]) -> object:
    """Create a key with a value that DUMP gave.

    Reply: OK; also for a moment gone by, when nothing is created. Errors: of the options, BUSYKEY, of the TTL, of the
    payload's footer, of its contents, in this order. Log: RESTORE with ABSTTL and the moment; DEL when the moment has
    gone by and REPLACE has removed the key. Source: redis.io/commands/restore.
    """
    replace, absolute, idle_s, frequency = _options(args)
    key = args[1]
    db = ctx.db
    taken = db.write(key) is not None
    if taken and not replace:
        raise CommandError(_BUSY_KEY)
    at_ms = int_arg(args[2])
    if at_ms < 0:
        raise CommandError(_BAD_TTL)
    value = _read(ctx, args[3])
    now_ms = int(ctx.clock.ms)  # no i64: the sum below must not wrap
    if taken:
        db.remove(key)
    if at_ms > 0 and not absolute:
        at_ms = min(at_ms + now_ms, INT64_MAX)
    if 0 < at_ms <= now_ms and not db.shared.expire_off:
        if taken:
            db.changed(key, GENERIC, b"del")
            ctx.record([b"DEL", key])
        return OK
    place(db, key, value, at_ms)
    if idle_s != _NOT_GIVEN:
        db.set_idle(key, idle_s)
    if frequency != _NOT_GIVEN:
        db.set_frequency(key, i32(frequency))
    db.changed(key, GENERIC, b"restore")
    if at_ms > 0 and not absolute:
        ctx.record([b"RESTORE", key, b"%d" % at_ms, *args[3:], b"ABSTTL"])
    return OK


def _options(args: list[bytes]) -> tuple[bool, bool, int, int]:
    """Return whether to replace, whether the TTL is a moment, idle seconds and frequency; raise Redis' errors."""
    replace = False
    absolute = False
    idle_s = _NOT_GIVEN
    frequency = _NOT_GIVEN
    position = 4
    while position < len(args):
        word = args[position].upper()
        has_more = position + 1 < len(args)
        if word == b"REPLACE":
            replace = True
        elif word == b"ABSTTL":
            absolute = True
        elif word == b"IDLETIME" and has_more and frequency == _NOT_GIVEN:
            position += 1
            idle_s = int_arg(args[position])
            if idle_s < 0:
                raise CommandError(_BAD_IDLE)
        elif word == b"FREQ" and has_more and idle_s == _NOT_GIVEN:
            position += 1
            frequency = int_arg(args[position])
            if not 0 <= frequency <= _FREQUENCY_MAX:
                raise CommandError(_BAD_FREQUENCY)
        else:
            raise CommandError(SYNTAX)
        position += 1
    return replace, absolute, idle_s, frequency


def _read(ctx: Context, payload: bytes) -> object:
    """Return the value of a payload; raise Redis' errors."""
    from respd.persistence import dump_payloads

    if not dump_payloads.is_intact(payload, not ctx.engine.shared.skips_checksums):
        raise CommandError(_BAD_FOOTER)
    try:
        return dump_payloads.read(payload, ctx.limits)
    except CorruptPayload as corrupt:
        ctx.engine.log.warning(f"RESTORE of a payload with bad data: {corrupt.reason}")
        raise CommandError(_BAD_DATA) from None
