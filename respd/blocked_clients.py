"""The clients that wait in a blocking command: parked, served when a key is ready, timed out, unblocked.

What they wait for is a `Block`, and the lines before each key are the database's (see respd/blocking.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from respd import gates
from respd.blocking import BLOCK_LIST, BLOCK_STREAM, BLOCK_ZSET, Block, Parked
from respd.client import Client
from respd.command import Command
from respd.context import Context
from respd.database import Database, type_name
from respd.datatypes.deadlines import Deadlines
from respd.errors import CommandError

if TYPE_CHECKING:
    from respd.engine import Engine

_UNBLOCKED: Final = CommandError(b"UNBLOCKED client unblocked via CLIENT UNBLOCK")
_KIND_NAMES: Final = {BLOCK_LIST: b"list", BLOCK_ZSET: b"zset", BLOCK_STREAM: b"stream"}


class BlockedClients:
    """Who waits, by client id, and until when."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.parked: dict[int, Parked] = {}
        self.awaiting_sync: dict[int, Parked] = {}  # those of them that wait for the append-only file
        self._synced_offset: i64 = -1
        self._deadlines = Deadlines()

    def next_ms(self, now_ms: i64) -> i64:
        """Return the moment at which `time_out` has something to do; O(1)."""
        return self._deadlines.next_ms(now_ms)

    def park(self, ctx: Context, command: Command, args: list[bytes], block: Block) -> None:
        """Have a client wait; in a transaction or script it gets the reply of a timeout at once."""
        engine = self._engine
        client = ctx.client
        if ctx.deny_blocking:
            engine.reply(client, block.timeout_reply)
            return
        self._count(ctx, command, -1)
        parked = Parked(ctx, command, args if block.args is None else block.args, block, ctx.db)
        client.parked = parked
        client.gates |= gates.BLOCKED
        ctx.db.waiting.add(parked)
        self.parked[client.id] = parked
        engine.shared.waiting_clients = len(self.parked)
        engine.shared.update_hooks()
        if block.awaits_sync:
            self.awaiting_sync[client.id] = parked
        if block.deadline_ms > 0:
            self._deadlines.add(b"%d" % client.id, block.deadline_ms)
        if block.again_ms > 0:
            self._deadlines.add(b"-%d" % client.id, block.again_ms)

    def _count(self, ctx: Context, command: Command, by: i64) -> None:
        """Count a command that has ended (1), or leave out one that was counted and waits (-1): it counts once."""
        command.calls += by
        ctx.client.commands_total += by
        self._engine.stats.total_commands_processed += by

    def unpark(self, parked: Parked) -> None:
        """Take a client out of its lines; what it has sent meanwhile may run."""
        engine = self._engine
        client = parked.ctx.client
        parked.db.waiting.remove(parked)
        client.parked = None
        client.gates &= ~gates.BLOCKED
        self.parked.pop(client.id, None)
        self.awaiting_sync.pop(client.id, None)
        if parked.block.deadline_ms > 0:
            self._deadlines.remove(b"%d" % client.id, parked.block.deadline_ms)
        if parked.block.again_ms > 0:
            self._deadlines.remove(b"-%d" % client.id, parked.block.again_ms)
        engine.shared.waiting_clients = len(self.parked)
        engine.shared.update_hooks()
        engine.resumed.append(client)

    def unblock(self, client: Client, error: bool) -> bool:
        """CLIENT UNBLOCK: end a wait with the reply of a timeout, or with an error; False if there was none."""
        engine = self._engine
        parked = client.parked
        if parked is None:
            return False
        self.unpark(parked)
        self._count(parked.ctx, parked.command, 1)
        if error:
            parked.command.failed += 1
            engine.stats.record_error(_UNBLOCKED.text)
            engine.reply(client, _UNBLOCKED)
        else:
            engine.reply(client, parked.block.timeout_reply)
        return True

    def serve_ready(self) -> None:
        """Run the commands of clients whose keys have become ready, until no key is; first come, first served."""
        engine = self._engine
        if engine.shared.waiting_clients == 0 or engine.gates & gates.BUSY:
            return
        again = True
        while again:
            again = False
            for db in engine.databases:
                if db.waiting.ready:
                    again = True
                    for key in db.waiting.take_ready():
                        self._serve_key(db, key)

    def serve_synced(self) -> None:
        """Run the commands of clients that wait for the append-only file again, if it has been synced or was closed."""
        synced_offset = self._engine.append_log.synced_offset()
        if synced_offset != self._synced_offset:
            self._synced_offset = synced_offset
            for parked in list(self.awaiting_sync.values()):
                self._retry(parked)

    def _serve_key(self, db: Database, key: bytes) -> None:
        for parked in db.waiting.parked_for(key):
            entry = db.peek(key)
            is_there = entry is not None and type_name(entry.value) == _KIND_NAMES[int(parked.block.kind)]
            if parked.active and (is_there or parked.block.awaits_loss):
                self._retry(parked)

    def _retry(self, parked: Parked) -> None:
        engine = self._engine
        ctx = parked.ctx
        if (ctx.client.gates | engine.gates) & gates.CHECKED_AGAIN and self._is_stopped(parked):
            return
        current = engine.current
        engine.current = ctx.client
        ctx.client.hold_pushes()
        tracking = engine.tracking
        tracking.current = ctx.client
        if engine.gates & gates.LOGGED:
            value = engine.call_logged(ctx, parked.command, parked.args)
        else:
            value = engine.call(ctx, parked.command, parked.args)
        if ctx.client.gates & gates.TRACKING or tracking.pending:
            engine.end_tracked(ctx.client, parked.command, parked.args, not isinstance(value, Block))
        tracking.current = None
        engine.current = current
        if not isinstance(value, Block):
            self.unpark(parked)
            engine.reply(ctx.client, value, parked.command, parked.args)
            ctx.client.release_pushes()
            return
        self._count(ctx, parked.command, -1)
        if value.again_ms > 0:
            name = b"-%d" % ctx.client.id
            self._deadlines.remove(name, parked.block.again_ms)
            self._deadlines.add(name, value.again_ms)
            parked.block.again_ms = value.again_ms
        elif value.awaits_sync:
            parked.block.timeout_reply = value.timeout_reply
        ctx.client.release_pushes()

    def _is_stopped(self, parked: Parked) -> bool:
        """Tell whether a command may not run, though its key is ready: it ends with an error, or waits for a pause."""
        engine = self._engine
        client = parked.ctx.client
        if parked.block.awaits_sync:
            return False
        error = engine.obstacle(parked.ctx, parked.command, parked.args)
        if error is not None:
            self.unpark(parked)
            engine.reject(parked.ctx, parked.command, error)
        elif (
            parked.active
            and engine.gates & gates.PAUSED
            and engine.pause.holds(parked.ctx, parked.command, parked.args)
        ):
            self.unpark(parked)
            engine.pause.hold(client, parked.args)
        return not parked.active

    def time_out(self) -> None:
        """Reply to the blocked clients whose time is over."""
        engine = self._engine
        now_ms = engine.clock.ms
        self._deadlines.advance(now_ms)
        for name in self._deadlines.take_due(now_ms, len(self.parked)):
            parked = self.parked.get(abs(int(name)))
            if parked is None:
                continue
            if 0 < parked.block.again_ms <= now_ms:
                self._retry(parked)
            if parked.active and 0 < parked.block.deadline_ms <= now_ms:
                self.unpark(parked)
                self._count(parked.ctx, parked.command, 1)
                engine.reply(parked.ctx.client, parked.block.timeout_reply)
