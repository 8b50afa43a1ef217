"""Runs a script or function for a client: checks that it may run, and every command that it calls.

    run_script(ctx, state, function, name, keys, arguments, flags, read_only)

It runs as one command that nothing comes between: the clock stands, nothing blocks, and the protocol and database that
it chooses are its own. What is logged is what its commands log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.command import MAY_REPLICATE, NOSCRIPT, WRITE
from respd.errors import CommandError
from respd.gates import ACL, DISK_FAILS, SNAPSHOT_FAILS
from respd.scripting.flags import NO_SHEBANG, NO_WRITES

if TYPE_CHECKING:
    from respd.context import Context
    from respd.scripting.state import LuaState

_UNKNOWN: Final = b"ERR Unknown Redis command called from script"
_ARITY: Final = b"ERR Wrong number of args calling Redis command from script"
_NOT_ALLOWED: Final = b"ERR This Redis command is not allowed from script"
_DENIED: Final = b"ERR ACL failure in script: "
_READ_ONLY: Final = b"ERR Write commands are not allowed from read-only scripts."
_READ_ONLY_COMMAND: Final = b"ERR Can not execute a script with write flag using *_ro command."
_BLOCKED: Final = (
    b"MISCONF Redis is configured to %b, but it's currently unable to persist to disk. Writable scripts are blocked. "
    b"Use 'no-writes' flag for read only scripts.%b"
)


class Run:
    """One run of a script for one client: runs the commands that it calls."""

    def __init__(self, ctx: Context, state: LuaState, read_only: bool) -> None:
        self.ctx = ctx
        self.state = state
        self.read_only = read_only

    def call(self, words: list[bytes]) -> object:
        """Run a command and return its reply, errors as values."""
        engine = self.ctx.engine
        command = engine.commands.lookup(words)
        if command is None:
            return CommandError(_UNKNOWN)
        if command.subcommands is not None or not command.min_words <= len(words) <= command.max_words:
            return CommandError(_ARITY)
        if command.flags & NOSCRIPT:
            return CommandError(_NOT_ALLOWED)
        client = self.ctx.client
        if client.gates & ACL:
            denial = engine.denial(client, command, words)
            if denial is not None:
                return CommandError(_DENIED + engine.note_denial(self.ctx, denial, b"lua"))
        if self.read_only and command.flags & (WRITE | MAY_REPLICATE):
            return CommandError(_READ_ONLY)
        if engine.gates & DISK_FAILS and command.flags & WRITE:
            return CommandError(engine.disk_error())
        return engine.call_inner(self.ctx, command, words, not self.state.replicates)

    def permits(self, words: list[bytes]) -> bool | None:
        """Tell whether the client's user may run a command; None when `words` name none."""
        engine = self.ctx.engine
        command = engine.commands.lookup(words)
        if command is None:
            return None
        return engine.denial(self.ctx.client, command, words) is None


def run_script(
    ctx: Context,
    state: LuaState,
    function: int,
    name: bytes,
    keys: list[bytes],
    arguments: list[bytes],
    flags: int,
    read_only: bool,
    as_parameters: bool = False,
) -> object:
    """Run a function of `state` with its `flags`; `read_only` for the commands that end in _RO. Raises CommandError."""
    engine = ctx.engine
    if not flags & (NO_SHEBANG | NO_WRITES):
        if read_only:
            raise CommandError(_READ_ONLY_COMMAND)
        if engine.gates & DISK_FAILS:
            raise CommandError(_disk_error(ctx))
    client = ctx.client
    clock = engine.clock
    was_frozen, denied = clock.frozen, ctx.deny_blocking
    resp, index, fieldsets = client.resp, client.db_index, client.fieldsets
    run = Run(ctx, state, read_only or flags & NO_WRITES != 0)
    clock.frozen = True
    ctx.deny_blocking = True
    client.resp = 2
    client.fieldsets = {}  # a script's HIMPORT PREPARE is its own, too
    try:
        return state.run(function, name, keys, arguments, run, as_parameters)
    finally:
        client.resp = resp
        client.fieldsets = fieldsets
        ctx.deny_blocking = denied
        clock.frozen = was_frozen
        if client.db_index != index:
            ctx.select(index)  # a script's SELECT is its own
        ctx.record_nothing()


def _disk_error(ctx: Context) -> bytes:
    """Return the error of a script that says that it writes, while the disk fails."""
    if ctx.engine.gates & SNAPSHOT_FAILS:
        return _BLOCKED % (b"save RDB snapshots", b"")
    return _BLOCKED % (b"persist data to AOF", b" AOF error: " + ctx.engine.append_log.error_reason())
