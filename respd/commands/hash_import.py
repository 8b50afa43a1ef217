"""HIMPORT: many hashes with the same fields, whose names a connection sends once.

A fieldset, a name for some fields, belongs to the connection that prepared it, in a script to that run of the script.
The hashes are like any others. Source: redis.io/commands/himport.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.command import DENYOOM, OW, UPDATE, WRITE, Group, one_key
from respd.datatypes.hashes import HashValue
from respd.errors import CommandError
from respd.keyspace_events import HASH
from respd.protocol.replies import OK

if TYPE_CHECKING:
    from respd.context import Context

_DUPLICATE: Final = b"ERR duplicate field name in fieldset"
_NO_FIELDSET: Final = b"ERR no such fieldset"
_OTHER_COUNT: Final = b"ERR value count does not match fieldset field count"
_ALL_SHARDS: Final = ("request_policy:all_shards",)
_PER_FIELDSET: Final = "O(N) where N is the number of the connection's fieldsets."

group = Group("hash")
group.container(
    "HIMPORT",
    since="8.10.0",
    summary="Set many hashes that have the same fields.",
    categories=("hash",),
)


@group.command(
    "HIMPORT|PREPARE",
    arity=-4,
    flags=DENYOOM,
    since="8.10.0",
    syntax="fieldset-name field [field ...]",
    complexity="O(N*log(N)) where N is the number of fields.",
    tips=_ALL_SHARDS,
)
def himport_prepare(ctx: Context, args: list[bytes]) -> object:
    """Name the fields of the hashes to come, in the order in which their values will be sent.

    Reply: OK. A fieldset of that name is replaced. Errors: a field given twice, which leaves all as it was.
    Source: redis.io/commands/himport-prepare.
    """
    fields = args[3:]
    if len(set(fields)) != len(fields):
        raise CommandError(_DUPLICATE)
    ctx.client.fieldsets[args[2]] = sorted(
        [(field, place) for place, field in enumerate(fields)], key=_by_length_then_bytes
    )
    return OK


def _by_length_then_bytes(item: tuple[bytes, int]) -> tuple[int, bytes]:
    """The order in which the hashes have their fields; Redis' own."""
    return len(item[0]), item[0]


@group.command(
    "HIMPORT|SET",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=one_key(OW | UPDATE, at=2),
    since="8.10.0",
    syntax="key fieldset-name value [value ...]",
    complexity="O(N) where N is the number of fields.",
)
def himport_set(ctx: Context, args: list[bytes]) -> object:
    """Store a hash of a fieldset's fields and as many values, in place of the hash that is there.

    Reply: OK. Errors: WRONGTYPE; no such fieldset; another number of values. Log: HSET, after DEL where a hash was.
    Source: redis.io/commands/himport-set.
    """
    key = args[2]
    db = ctx.db
    is_there = db.write_hash(key) is not None
    fields = ctx.client.fieldsets.get(args[3])
    if fields is None:
        raise CommandError(_NO_FIELDSET)
    if len(fields) != len(args) - 4:
        raise CommandError(_OTHER_COUNT)
    flat: list[bytes] = []
    for field, place in fields:
        flat.append(field)
        flat.append(args[4 + place])
    value = HashValue()
    value.fill(flat, ctx.limits, False)
    db.set(key, value)
    db.changed_by(key, HASH, b"hset", len(fields))
    if is_there:
        ctx.record([b"DEL", key])
    ctx.record([b"HSET", key, *flat])
    return OK


@group.command(
    "HIMPORT|DISCARD",
    arity=3,
    since="8.10.0",
    syntax="fieldset-name",
    complexity=_PER_FIELDSET,
    tips=_ALL_SHARDS,
)
def himport_discard(ctx: Context, args: list[bytes]) -> object:
    """Forget a fieldset; the hashes made with it stay.

    Reply: 1, or 0 when there is none of that name. Source: redis.io/commands/himport-discard.
    """
    return 0 if ctx.client.fieldsets.pop(args[2], None) is None else 1


@group.command("HIMPORT|DISCARDALL", arity=2, since="8.10.0", complexity=_PER_FIELDSET, tips=_ALL_SHARDS)
def himport_discardall(ctx: Context, args: list[bytes]) -> object:
    """Forget all fieldsets of the connection; the hashes made with them stay.

    Reply: how many there were. Source: redis.io/commands/himport-discardall.
    """
    count = len(ctx.client.fieldsets)
    ctx.client.fieldsets = {}
    return count
