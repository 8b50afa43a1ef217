"""The commands on whole databases. Source: redis.io/commands/?group=server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.command import FAST, READONLY, WRITE, Group
from respd.datatypes.strings import parse_int
from respd.errors import DB_OUT_OF_RANGE, SYNTAX, CommandError
from respd.protocol.replies import OK

if TYPE_CHECKING:
    from respd.context import Context

_INT_MIN: Final = -(1 << 31)
_INT_MAX: Final = (1 << 31) - 1
_FLUSH_HISTORY: Final = (("4.0.0", "Has the option `ASYNC`."), ("6.2.0", "Has the option `SYNC`."))

group = Group("server")


@group.command(
    "DBSIZE",
    arity=1,
    flags=READONLY | FAST,
    since="1.0.0",
    complexity="O(1)",
    categories=("keyspace",),
    tips=("request_policy:all_shards", "response_policy:agg_sum"),
)
def dbsize(ctx: Context, args: list[bytes]) -> object:
    """Return the number of keys in the database.

    Reply: an integer. Source: redis.io/commands/dbsize.
    """
    return ctx.db.size()


@group.command(
    "SWAPDB",
    arity=3,
    flags=WRITE | FAST,
    since="4.0.0",
    syntax="index1 index2",
    complexity="O(N) where N is the number of clients that watch keys of both databases or wait for them",
    categories=("keyspace", "dangerous"),
)
def swapdb(ctx: Context, args: list[bytes]) -> object:
    """Exchange the contents of two databases.

    Reply: OK. Errors: of either number, then out of range. Source: redis.io/commands/swapdb.
    """
    first = parse_int(args[1])
    if first is None or not _INT_MIN <= first <= _INT_MAX:
        raise CommandError(b"ERR invalid first DB index")
    second = parse_int(args[2])
    if second is None or not _INT_MIN <= second <= _INT_MAX:
        raise CommandError(b"ERR invalid second DB index")
    databases = ctx.engine.databases
    if not (0 <= first < len(databases) and 0 <= second < len(databases)):
        raise CommandError(DB_OUT_OF_RANGE)
    if first != second:
        databases[first].swap_with(databases[second])
    ctx.db.shared.dirty += 1
    return OK


@group.command(
    "FLUSHDB",
    arity=-1,
    flags=WRITE,
    since="1.0.0",
    syntax="[ASYNC | SYNC]",
    complexity="O(1); memory is given back later, in slices",
    categories=("keyspace", "dangerous"),
    tips=("request_policy:all_shards", "response_policy:all_succeeded"),
    history=_FLUSH_HISTORY,
)
def flushdb(ctx: Context, args: list[bytes]) -> object:
    """Delete all keys of the database.

    Reply: OK. Errors: syntax error. Source: redis.io/commands/flushdb.
    """
    _check_flush(args)
    ctx.db.shared.dirty += ctx.db.flush()
    ctx.record(args)  # even when there was nothing
    _tell_caches(ctx, args)
    return OK


@group.command(
    "FLUSHALL",
    arity=-1,
    flags=WRITE,
    since="1.0.0",
    syntax="[ASYNC | SYNC]",
    complexity="O(1); memory is given back later, in slices",
    categories=("keyspace", "dangerous"),
    tips=("request_policy:all_shards", "response_policy:all_succeeded"),
    history=_FLUSH_HISTORY,
)
def flushall(ctx: Context, args: list[bytes]) -> object:
    """Delete all keys of all databases. With save points, an empty snapshot is taken at once.

    Reply: OK. Errors: syntax error. Source: redis.io/commands/flushall.
    """
    _check_flush(args)
    deleted = 0
    for db in ctx.engine.databases:
        deleted += db.flush()
    ctx.db.shared.dirty += deleted
    ctx.record(args)  # even when there was nothing, and though a snapshot forgets the changes
    ctx.engine.snapshots.reset()
    _tell_caches(ctx, args)
    return OK


def _tell_caches(ctx: Context, args: list[bytes]) -> None:
    """Tell those who track keys; the client itself before the reply where Redis waits for a thread to free the keys."""
    tracking = ctx.engine.tracking
    tracking.all_changed()
    is_async = len(args) == 2 and args[1].upper() == b"ASYNC"
    if not is_async and not ctx.deny_blocking:
        tracking.tell_pending(ctx.client)
        ctx.client.release_pushes()


def _check_flush(args: list[bytes]) -> None:
    if len(args) > 2 or (len(args) == 2 and args[1].upper() not in (b"ASYNC", b"SYNC")):
        raise CommandError(SYNTAX)
