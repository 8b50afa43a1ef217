"""The commands that wait until what a client has written is safe. Source: redis.io/commands/wait and waitaof.

There are no replicas, so none will ever acknowledge anything: whoever wants one waits until the timeout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.arguments import int_arg, positive_int_arg, timeout_arg
from respd.blocking import BLOCK_SYNC, Block
from respd.command import BLOCKING, Group
from respd.errors import CommandError

if TYPE_CHECKING:
    from respd.context import Context

_NO_SUCH_COUNT: Final = b"ERR value is out of range, value must between 0 and 1"
_NO_LOG: Final = b"ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."

group = Group("generic")


@group.command(
    "WAIT",
    arity=3,
    flags=BLOCKING,
    since="3.0.0",
    syntax="numreplicas timeout:integer",
    complexity="O(1)",
    categories=("connection", "-keyspace"),
    tips=("request_policy:all_shards", "response_policy:agg_min"),
)
def wait(ctx: Context, args: list[bytes]) -> object:
    """Wait until so many replicas have what this client has written.

    Reply: how many have it: 0, at once or when the timeout (in ms, 0 for none) is over; at once in MULTI and scripts.
    Errors: of the number, then of the timeout. Source: redis.io/commands/wait.
    """
    replicas = int_arg(args[1])
    deadline_ms = timeout_arg(args[2], ctx.clock.ms, unit_ms=True)
    if replicas <= 0 or ctx.deny_blocking:
        return 0
    return Block([], deadline_ms, 0, BLOCK_SYNC)


@group.command(
    "WAITAOF",
    arity=4,
    flags=BLOCKING,
    since="7.2.0",
    syntax="numlocal numreplicas timeout:integer",
    complexity="O(1)",
    categories=("connection", "-keyspace"),
    tips=("request_policy:all_shards", "response_policy:agg_min"),
)
def waitaof(ctx: Context, args: list[bytes]) -> object:
    """Wait until what this client has written is synced to the append-only file, here and on so many replicas.

    Reply: 1 if it is synced here, else 0, and how many replicas have synced it: 0; once that is enough or the timeout
    (in ms, 0 for none) is over; at once in MULTI and scripts. How soon it is synced is up to `appendfsync`.
    Errors: of the numbers, of the timeout; `appendonly` is no, also while it waits. Source: redis.io/commands/waitaof.
    """
    local = int_arg(args[1])
    if not 0 <= local <= 1:
        raise CommandError(_NO_SUCH_COUNT)
    replicas = positive_int_arg(args[2])
    deadline_ms = timeout_arg(args[3], ctx.clock.ms, unit_ms=True)
    engine = ctx.engine
    if local and not engine.config.appendonly:
        raise CommandError(_NO_LOG)
    synced = int(engine.append_log.synced_offset() >= ctx.client.write_offset)
    reply: list[object] = [synced, 0]
    if (synced >= local and replicas == 0) or ctx.deny_blocking:
        return reply
    block = Block([], deadline_ms, reply, BLOCK_SYNC)
    block.awaits_sync = True
    return block
