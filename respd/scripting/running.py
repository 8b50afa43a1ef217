"""Runs a script or function for a client: checks that it may run, and every command that it calls.

    run_script(ctx, state, function, name, keys, arguments, flags, read_only)

It runs as one command that nothing comes between: the clock stands, nothing blocks, and the protocol and database that
it chooses are its own. What is logged is what its commands log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from respd.command import DENYOOM, MAY_REPLICATE, NOSCRIPT, WRITE, Command
from respd.errors import OUT_OF_MEMORY, TOO_FEW_REPLICAS, CommandError
from respd.eviction import FAILED
from respd.gates import ACL, LOG_FAILS, MONITORED, SNAPSHOT_FAILS, WRITES_FAIL
from respd.monitors import is_shown
from respd.protocol.replies import Status
from respd.scripting import busy
from respd.scripting.flags import ALLOW_OOM, NO_SHEBANG, NO_WRITES

if TYPE_CHECKING:
    from respd.context import Context
    from respd.scripting.state import LuaState

NO_RUN: Final = Status(b"no script runs: a library is being loaded")
_NOT_ALLOWED: Final = b"ERR This Redis command is not allowed from script"
_DENIED: Final = b"ERR ACL failure in script: "
_READ_ONLY: Final = b"ERR Write commands are not allowed from read-only scripts."
_READ_ONLY_COMMAND: Final = b"ERR Can not execute a script with write flag using *_ro command."
_NO_MEMORY: Final = b"OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'"
_BLOCKED: Final = (
    b"MISCONF Redis is configured to %b, but it's currently unable to persist to disk. Writable scripts are blocked. "
    b"Use 'no-writes' flag for read only scripts.%b"
)


class Run:
    """The run of a script: for whom, and what it may do. A state has one, for its runs do not nest.

    `refused` are the flags of commands that it may not call, `replicates` is what it said by redis.set_repl, `wrote`
    tells whether it has called a command that writes.
    """

    def __init__(self) -> None:
        self.ctx: Context | None = None
        self.refused: i64 = 0
        self.read_only: bool = False
        self.is_limited: bool = False  # the user may not run every command
        self.replicates: bool = True
        self.wrote: bool = False
        self.name: bytes = b""
        self.is_eval: bool = True  # rather than a function's
        self.words: list[bytes] = []  # of the command that called the function
        self.started_s: float = 0.0
        self.is_late: bool = False
        self.is_killed: bool = False
        self.is_dropped: bool = False  # the server ends, and nothing of it is to be logged

    def begin(self, ctx: Context, name: bytes, read_only: bool, is_eval: bool, lacks_memory: bool) -> None:
        """Start a run for a client.

        With `lacks_memory` no command may need any, until one has changed something: what has begun may end.
        """
        self.ctx = ctx
        self.name = name
        self.is_eval = is_eval
        self.started_s = ctx.engine.moment
        self.is_killed = False
        self.is_dropped = False
        self.read_only = read_only
        self.is_limited = ctx.client.gates & ACL != 0
        self.replicates = True
        self.wrote = False
        refused: i64 = NOSCRIPT
        if read_only:
            refused |= WRITE | MAY_REPLICATE
        if ctx.engine.gates & WRITES_FAIL:
            refused |= WRITE
        if lacks_memory:
            refused |= DENYOOM
        self.refused = refused

    def call(self, command: Command, words: list[bytes]) -> object:
        """Run a command and return its reply, errors as values. How many words it takes has been checked.

        It is NO_RUN for a library that is being loaded.
        """
        ctx = self.ctx
        if ctx is None:
            return NO_RUN
        flags = command.flags
        if flags & self.refused or self.is_limited:
            refusal = self._refusal(ctx, command, words)
            if refusal is not None:
                command.rejected += 1
                ctx.engine.stats.record_error(refusal)
                return CommandError(refusal)
        if flags & WRITE:
            self.wrote = True
            self.refused &= ~DENYOOM
        value = ctx.engine.call_inner(ctx, command, words, not self.replicates)
        if ctx.engine.gates & MONITORED and is_shown(command):
            ctx.engine.show(ctx, words, from_script=True)
        return value

    def _refusal(self, ctx: Context, command: Command, words: list[bytes]) -> bytes | None:
        """Return why the command may not be run, or None if it may."""
        engine = ctx.engine
        flags = command.flags
        if flags & NOSCRIPT and not (engine.shared.scripts_debug and command.name == b"debug"):
            return _NOT_ALLOWED
        if self.is_limited:
            denial = engine.access.denial(ctx.client, command, words)
            if denial is not None:
                return _DENIED + engine.access.note_denial(ctx, denial, b"lua")
        if not flags & self.refused & ~NOSCRIPT:
            return None
        if self.read_only and flags & (WRITE | MAY_REPLICATE):
            return _READ_ONLY
        if engine.gates & WRITES_FAIL and flags & WRITE:
            return engine.write_error()
        return OUT_OF_MEMORY

    def permits(self, words: list[bytes]) -> bool | None:
        """Tell whether the client's user may run a command; None when `words` name none."""
        ctx = self.ctx
        command = None if ctx is None else ctx.engine.commands.lookup(words)
        if ctx is None or command is None:
            return None
        return ctx.engine.access.denial(ctx.client, command, words) is None


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
        if engine.gates & WRITES_FAIL:
            raise CommandError(_write_error(ctx))
    lacks_memory = engine.eviction.state == FAILED and not flags & ALLOW_OOM
    if lacks_memory and not flags & (NO_SHEBANG | NO_WRITES):
        raise CommandError(_NO_MEMORY)
    client = ctx.client
    clock = engine.clock
    was_frozen, denied = clock.frozen, ctx.deny_blocking
    resp, index, fieldsets = client.resp, client.db_index, client.fieldsets
    run = state.current
    run.begin(ctx, name, read_only or flags & NO_WRITES != 0, not as_parameters, lacks_memory)
    clock.frozen = True
    ctx.deny_blocking = True
    engine.in_script = True
    client.resp = 2
    engine.tracking.is_nobodys = True  # what a script changes, its client is told of even without a loop
    client.fieldsets = {}  # a script's HIMPORT PREPARE is its own, too
    try:
        return state.run(function, name, keys, arguments, as_parameters)
    finally:
        if run.is_late:
            busy.end(run)
        run.ctx = None
        engine.in_script = False
        client.resp = resp
        engine.tracking.is_nobodys = False
        client.fieldsets = fieldsets
        ctx.deny_blocking = denied
        clock.frozen = was_frozen
        if client.db_index != index:
            ctx.select(index)  # a script's SELECT is its own
        ctx.record_nothing()


def _write_error(ctx: Context) -> bytes:
    """Return the error of a script that says that it writes, while the disk fails or replicas are missing."""
    if ctx.engine.gates & SNAPSHOT_FAILS:
        return _BLOCKED % (b"save RDB snapshots", b"")
    if ctx.engine.gates & LOG_FAILS:
        return _BLOCKED % (b"persist data to AOF", b" AOF error: " + ctx.engine.append_log.error_reason())
    return TOO_FEW_REPLICAS
