"""The commands that put data on the disk: snapshots and the append-only file. Source: redis.io, "Redis persistence"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from respd.command import ADMIN, FAST, LOADING, NO_ASYNC_LOADING, NO_MULTI, NOSCRIPT, STALE, Group
from respd.errors import SYNTAX, CommandError
from respd.protocol.replies import OK, Status

if TYPE_CHECKING:
    from respd.context import Context

group = Group("server")


_ALREADY_SAVING = b"ERR Background save already in progress"


@group.command(
    "SAVE",
    arity=1,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI,
    since="1.0.0",
    complexity="O(N) where N is the number of keys in all databases",
)
def save(ctx: Context, args: list[bytes]) -> object:
    """Take a snapshot of all databases while nobody is served.

    Reply: OK. Errors: a child is taking one; "ERR" when it fails, the log tells why. Source: redis.io/commands/save.
    """
    snapshots = ctx.engine.snapshots
    if snapshots.runs():
        raise CommandError(_ALREADY_SAVING)
    if not snapshots.save():
        raise CommandError(b"ERR")
    return OK


@group.command(
    "BGSAVE",
    arity=-1,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING,
    since="1.0.0",
    syntax="[SCHEDULE]",
    complexity="O(1)",
    history=(("3.2.2", "Takes `SCHEDULE`."),),
)
def bgsave(ctx: Context, args: list[bytes]) -> object:
    """Take a snapshot of all databases in a child process.

    Reply: that it has begun; with SCHEDULE while the append-only file is rewritten, and in a transaction, that it will.
    Errors: syntax error; a child is taking one; another child runs; "ERR" when it cannot begin.
    Source: redis.io/commands/bgsave.
    """
    engine = ctx.engine
    snapshots = engine.snapshots
    scheduled = len(args) == 2 and args[1].lower() == b"schedule"
    if len(args) > 1 and not scheduled:
        raise CommandError(SYNTAX)
    if snapshots.runs():
        raise CommandError(_ALREADY_SAVING)
    if engine.children.runs() or engine.in_exec:
        if not scheduled and not engine.in_exec:
            raise CommandError(
                b"ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to "
                b"schedule a BGSAVE whenever possible."
            )
        snapshots.is_scheduled = True
        return Status(b"Background saving scheduled")
    if not snapshots.save_in_background():
        raise CommandError(b"ERR")
    return Status(b"Background saving started")


@group.command(
    "LASTSAVE",
    arity=1,
    flags=LOADING | STALE | FAST,
    since="1.0.0",
    complexity="O(1)",
    categories=("admin", "dangerous"),
    tips=("nondeterministic_output",),
)
def lastsave(ctx: Context, args: list[bytes]) -> object:
    """Return when the last snapshot was taken.

    Reply: seconds since the epoch; of the start, if there was none yet. Source: redis.io/commands/lastsave.
    """
    return ctx.engine.snapshots.last_save_s


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
