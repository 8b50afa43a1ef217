"""MULTI, EXEC, WATCH: commands that are queued and then run as one. Source: redis.io, "Transactions"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd import errors, gates
from respd.client import Client
from respd.command import SKIP_MONITOR, Command
from respd.context import Context
from respd.errors import CommandError
from respd.monitors import is_shown
from respd.permissions import DENIED_COMMAND, DENIED_KEY, Denial
from respd.protocol.replies import NULL_ARRAY, OK

if TYPE_CHECKING:
    from respd.engine import Engine

_NO_LONGER_ALLOWED: Final = (
    b"NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is "
    b"no longer allowed for the following reason: "
)
_NO_LONGER: Final = {
    DENIED_COMMAND: b"no permission to execute the command or subcommand",
    DENIED_KEY: b"no permission to touch the specified keys",
}
_WIRE_TO_WORDS: Final = 8  # a command's bytes on the wire are at most so many times those of its words, more or less
_NO_LONGER_CHANNEL: Final = b"no permission to access one of the channels used as argument to the command"


class Transactions:
    """What the clients have queued and watch is theirs; this begins, runs and forgets it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.ran: list[list[bytes]] = []  # what EXEC has run, until its reply is written

    def begin(self, ctx: Context) -> object:
        """MULTI: queue what follows."""
        client = ctx.client
        if client.gates & gates.MULTI:
            raise CommandError(b"ERR MULTI calls can not be nested")
        client.gates |= gates.MULTI
        return OK

    def discard(self, client: Client) -> None:
        """Forget the queue and the watched keys, and leave the transaction."""
        self._engine.departures.discard(client.queued)
        client.queued = []
        client.queued_size = 0
        client.queued_overhead = 0
        client.multi_failed = False
        client.gates &= ~gates.MULTI
        self.unwatch(client)

    def run(self, ctx: Context) -> object:
        """EXEC: run the queue, unless a command was refused or a watched key has changed."""
        engine = self._engine
        client = ctx.client
        if not client.gates & gates.MULTI:
            raise CommandError(b"ERR EXEC without MULTI")
        if client.multi_failed:
            self.discard(client)
            raise CommandError(b"EXECABORT Transaction discarded because of previous errors.")
        if client.watch_spoiled or self._watched_expired(client):
            self.discard(client)
            return NULL_ARRAY
        queue = client.queued
        client.queued = []
        size = client.queued_size
        self.discard(client)
        replies: list[object] = []
        denied = ctx.deny_blocking
        was_frozen = engine.clock.frozen
        ctx.deny_blocking = True
        engine.clock.frozen = True
        engine.in_exec = True
        engine.exec_size = len(queue)
        try:
            for words in queue:
                replies.append(self.call_queued(ctx, words))
        finally:
            engine.in_exec = False
            engine.clock.frozen = was_frozen
            ctx.deny_blocking = denied
            engine.departures.discard(queue)
        log = engine.command_log
        if size * _WIRE_TO_WORDS >= log.request_limit:
            log.note_transaction(client, queue)
        self.ran = queue
        return replies

    def call_queued(self, ctx: Context, words: list[bytes]) -> object:
        """Run a command of a transaction; errors are values."""
        engine = self._engine
        command = engine.commands.lookup(words)
        if command is None:
            return errors.unknown_command(words)
        if ctx.client.gates & gates.ACL:
            denial = engine.access.denial(ctx.client, command, words)
            if denial is not None:
                engine.access.note_denial(ctx, denial)
                return self._no_longer_allowed(command, denial)
        if engine.gates & gates.MONITORED and command.flags & SKIP_MONITOR:
            engine.show(ctx, words)
        value = engine.call_inner(ctx, command, words, False)
        if engine.gates & gates.MONITORED and is_shown(command):
            engine.show(ctx, words)
        return value

    def _no_longer_allowed(self, command: Command, denial: Denial) -> CommandError:
        reason = _NO_LONGER.get(denial.code, _NO_LONGER_CHANNEL)
        error = CommandError(_NO_LONGER_ALLOWED + reason)
        command.rejected += 1
        self._engine.stats.record_error(error.text)
        return error

    def watch(self, ctx: Context, keys: list[bytes]) -> None:
        """WATCH: have the next EXEC fail when one of `keys` changes."""
        engine = self._engine
        client = ctx.client
        db = ctx.db
        for key in keys:
            db.peek(key)  # what is due goes first, and spoils nothing
            watchers = db.watchers.get(key)
            if watchers is None:
                watchers = {}
                db.watchers[key] = watchers
            if client not in watchers:
                watchers[client] = True
                client.watched.append((db, key))
                engine.shared.watched_keys += 1
        engine.shared.update_hooks()

    def unwatch(self, client: Client) -> None:
        """Forget what a client watches, and that it was spoiled."""
        client.watch_spoiled = False
        self.unwatch_some(client, len(client.watched))

    def unwatch_some(self, client: Client, count: int) -> bool:
        """Forget up to `count` of the keys that a client watches; tell whether it watches others."""
        shared = self._engine.shared
        watched = client.watched
        if not watched:
            return False
        for db, key in watched[-count:]:
            watchers = db.watchers.get(key)
            if watchers is not None and watchers.pop(client, False):
                shared.watched_keys -= 1
                if not watchers:
                    del db.watchers[key]
        del watched[-count:]
        shared.update_hooks()
        return len(watched) > 0

    def _watched_expired(self, client: Client) -> bool:
        now_ms = self._engine.clock.ms
        for db, key in client.watched:
            entry = db.entries.get(key)
            if entry is not None and entry.expire_at_ms != 0 and entry.expire_at_ms <= now_ms:
                return True
        return False
