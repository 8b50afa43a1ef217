"""The commands that put data on the disk: snapshots and the append-only file. Source: redis.io, "Redis persistence"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from respd.command import ADMIN, NO_ASYNC_LOADING, NOSCRIPT, Group
from respd.errors import CommandError
from respd.protocol.replies import Status

if TYPE_CHECKING:
    from respd.context import Context

group = Group("server")


@group.command("BGREWRITEAOF", arity=1, flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING, since="1.0.0", complexity="O(1)")
def bgrewriteaof(ctx: Context, args: list[bytes]) -> object:
    """Rewrite the append-only file in a child process.

    Reply: that it has begun, or that it will once the child that runs now has ended. Errors: a rewrite is under way; it
    cannot begin. Source: redis.io/commands/bgrewriteaof.
    """
    rewriter = ctx.engine.rewriter
    if rewriter.runs():
        raise CommandError(b"ERR Background append only file rewriting already in progress")
    if rewriter.other_child_runs() or ctx.engine.in_exec:
        rewriter.is_scheduled = True
        rewriter.failures = 0  # asked for by hand: no waiting after failures
        return Status(b"Background append only file rewriting scheduled")
    if not rewriter.start():
        raise CommandError(
            b"ERR Can't execute an AOF background rewriting. Please check the server logs for more information."
        )
    return Status(b"Background append only file rewriting started")
