"""The commands of transactions. Source: redis.io, "Transactions".

What they mean, queueing, running and watching keys, is the engine's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.command import ALLOW_BUSY, FAST, LOADING, NOSCRIPT, RO, SKIP_SLOWLOG, STALE, Group, key_range
from respd.errors import CommandError
from respd.gates import MULTI
from respd.protocol.replies import OK

if TYPE_CHECKING:
    from respd.context import Context

_ALWAYS: Final = NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY

group = Group("transactions")


@group.command("MULTI", arity=1, flags=_ALWAYS, since="1.2.0", complexity="O(1)")
def multi(ctx: Context, args: list[bytes]) -> object:
    """Begin a transaction: the commands that follow are queued until EXEC.

    Reply: OK. Errors: nested calls. Source: redis.io/commands/multi.
    """
    return ctx.engine.transactions.begin(ctx)


@group.command("EXEC", arity=1, flags=NOSCRIPT | LOADING | STALE | SKIP_SLOWLOG, since="1.2.0",
               complexity="That of the commands in the transaction.")  # fmt: skip
def exec_(ctx: Context, args: list[bytes]) -> object:
    """Run the queued commands, with nothing of other clients in between.

    Reply: an array with a reply for each, errors included; null when a watched key has changed.
    Errors: without MULTI; EXECABORT when a command could not be queued. Source: redis.io/commands/exec.
    """
    return ctx.engine.transactions.run(ctx)


@group.command("DISCARD", arity=1, flags=_ALWAYS, since="2.0.0", complexity="O(N) with N the queued commands.")
def discard(ctx: Context, args: list[bytes]) -> object:
    """Forget the queued commands and the watched keys.

    Reply: OK. Errors: without MULTI. Source: redis.io/commands/discard.
    """
    client = ctx.client
    if not client.gates & MULTI:
        raise CommandError(b"ERR DISCARD without MULTI")
    ctx.engine.transactions.discard(client)
    return OK


@group.command("WATCH", arity=-2, flags=_ALWAYS, keys=key_range(1, -1, 1, RO), since="2.2.0",
               syntax="key [key ...]", complexity="O(1) for each key.")  # fmt: skip
def watch(ctx: Context, args: list[bytes]) -> object:
    """Have the next EXEC do nothing if one of the keys changes until then.

    Reply: OK. Errors: inside MULTI. Source: redis.io/commands/watch.
    """
    if ctx.client.gates & MULTI:
        raise CommandError(b"ERR WATCH inside MULTI is not allowed")
    ctx.engine.transactions.watch(ctx, args[1:])
    return OK


@group.command("UNWATCH", arity=1, flags=_ALWAYS, since="2.2.0", complexity="O(1)")
def unwatch(ctx: Context, args: list[bytes]) -> object:
    """Forget all watched keys.

    Reply: OK. Source: redis.io/commands/unwatch.
    """
    ctx.engine.transactions.unwatch(ctx.client)
    return OK
