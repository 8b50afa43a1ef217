"""Client-side caching: who has read which key, and who must hear that it changed.

In the default mode the table remembers, for each key that a client with CLIENT TRACKING read, its id; the first
change of the key tells those clients and forgets the key. In broadcasting mode nothing is remembered: a client names
prefixes and hears, once per turn of the loop, of every changed key that begins with one. A client of RESP3 hears by a
push of its own; one of RESP2 has its messages sent to a subscribed connection that it names. Ids that are left behind
in the table by clients that have gone or changed mode do no harm.

What a client's own command makes invalid it hears after the reply, of a transaction or script after the whole. A table
that is too large is made smaller before the next command, whoever sends it. Source: redis.io, "Client-side caching in
Redis".
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, final

from respd import gates
from respd.command import NOT_KEY, READONLY, Command

if TYPE_CHECKING:
    from respd.client import Client


def _nobody() -> Client | None:
    """Nobody's command runs: there is no engine."""
    return None


CHANNEL: Final = b"__redis__:invalidate"
_SCRIPTS: Final = frozenset([b"eval_ro", b"evalsha_ro", b"fcall_ro"])  # what they read, their commands read
_EFFORT: Final = 100  # keys that are forgotten before a command, times the commands that this did not suffice for
_PUSH: Final = b">2\r\n$10\r\ninvalidate\r\n"
_MESSAGE: Final = b"*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n"


@final
class Tracked:
    """One client's tracking. `caching` is CLIENT CACHING's wish for the next command."""

    def __init__(self) -> None:
        self.redirect: int = 0  # the id of the client that gets the messages, 0 for this one
        self.is_redirect_broken: bool = False
        self.broadcasts: bool = False
        self.opt_in: bool = False
        self.opt_out: bool = False
        self.no_loop: bool = False
        self.caching: bool = False
        self.prefixes: list[bytes] = []


@final
class Prefix:
    """Who broadcasts are for, and which keys have changed in this turn, each with the client that changed it last."""

    def __init__(self) -> None:
        self.clients: list[Client] = []
        self.changed: dict[bytes, Client | None] = {}


class Tracking:
    """The tracking of one server.

    `shared.update_hooks` is to be called after `enable` and `disable`, which the commands and the engine do. `table`
    has the ids of a key's readers: one alone, or a set.
    """

    def __init__(self) -> None:
        self.clients: dict[int, Client] = {}  # the engine's
        self.count = 0  # of clients that track
        self.table: OrderedDict[bytes, int | set[int]] = OrderedDict()
        self.total_items = 0
        self.limit = 0  # tracking-table-max-keys
        self.by_prefix: dict[bytes, Prefix] = {}
        self.flushed: list[OrderedDict[bytes, int | set[int]]] = []  # tables to be freed
        self._sizes: dict[int, int] = {}  # of prefixes, and how many are so long
        self._changed: dict[bytes, Prefix] = {}  # prefixes of keys that have changed in this turn
        self.running: Callable[[], Client | None] = _nobody  # the client whose command runs; the engine's
        self.is_nobodys: bool = False  # what changes: a script, expiry or eviction changes it
        self.current: Client | None = None  # the client whose command runs, if some gate is set for it
        self.pending: list[list[bytes] | None] = []  # what `current` is to hear after its reply
        self._last: Tracked | None = None  # how it tracked when it ended that
        self._overruns = 0

    def enable(self, client: Client, wish: Tracked) -> None:
        """Have `client` track as `wish` says; prefixes add to those it has."""
        old = client.tracked
        prefixes: list[bytes] = []
        if old is None:
            self.count += 1
        else:
            prefixes = old.prefixes
            wish.caching = old.caching
        if wish.broadcasts:
            known = set(prefixes)
            for name in wish.prefixes or [b""]:
                if name not in known:
                    known.add(name)
                    prefixes.append(name)
                    if name not in self.by_prefix:
                        self.by_prefix[name] = Prefix()
                        self._sizes[len(name)] = self._sizes.get(len(name), 0) + 1
                    self.by_prefix[name].clients.append(client)
        wish.prefixes = prefixes
        client.tracked = wish
        client.gates |= gates.TRACKING
        target = self.clients.get(wish.redirect)
        if target is not None:
            target.gates |= gates.REDIRECTED

    def disable(self, client: Client) -> None:
        """Have `client` track nothing any more."""
        tracked = client.tracked
        if tracked is None:
            return
        self.count -= 1
        for name in tracked.prefixes:
            prefix = self.by_prefix[name]
            prefix.clients.remove(client)
            if not prefix.clients:
                del self.by_prefix[name]
                self._changed.pop(name, None)
                self._sizes[len(name)] -= 1
                if not self._sizes[len(name)]:
                    del self._sizes[len(name)]
        self._last = tracked
        client.tracked = None
        client.gates &= ~gates.TRACKING

    def remember(self, client: Client, command: Command, words: list[bytes]) -> None:
        """Note the keys that a command of a tracking client has read."""
        tracked = client.tracked
        if tracked is None or tracked.broadcasts or not command.flags & READONLY or command.name in _SCRIPTS:
            return
        if (tracked.opt_in and not tracked.caching) or (tracked.opt_out and tracked.caching):
            return
        for spec in command.declaration.keys:
            positions = None if spec.flags & NOT_KEY else spec.positions(words)
            for position in positions or ():
                self._note_reader(words[position], client.id)

    def _note_reader(self, key: bytes, id: int) -> None:
        readers = self.table.get(key)
        if readers is None:
            self.table[key] = id
        elif isinstance(readers, int):
            if readers == id:
                return
            self.table[key] = {readers, id}
        elif id in readers:
            return
        else:
            readers.add(id)
        self.total_items += 1

    def end_command(self, client: Client, command: Command, words: list[bytes], is_over: bool) -> None:
        """Note what a command has read, and tell its client what it has itself made invalid.

        `is_over` is False for a client that now waits: CLIENT CACHING's wish holds for when it goes on.
        """
        self.remember(client, command, words)
        self.tell_pending(client)
        if is_over:
            self.forget_wish(client, command)

    def tell_pending(self, client: Client) -> None:
        """Tell the client whose command runs what it has made invalid so far."""
        pending = self.pending
        if not pending:
            return
        self.pending = []
        tracked = client.tracked or self._last
        for keys in pending:
            if tracked is not None:
                self._send(client, tracked, keys)

    def forget_wish(self, client: Client, command: Command | None) -> None:
        """Forget CLIENT CACHING's wish, once the command or the transaction that it was for has run or was refused."""
        tracked = client.tracked
        if tracked is not None and tracked.caching and not client.gates & gates.MULTI:
            if command is None or not command.name.startswith(b"client|"):
                tracked.caching = False

    def key_changed(self, key: bytes) -> None:
        """Tell those who have read the key, and at the end of the turn those who named its beginning."""
        if self.by_prefix:
            author = None if self.is_nobodys else self.running()
            for size in self._sizes:
                prefix = self.by_prefix.get(key[:size]) if size <= len(key) else None
                if prefix is not None:
                    prefix.changed[key] = author
                    self._changed[key[:size]] = prefix
        if key in self.table:
            self._forget(key, self.current, True)

    def _forget(self, key: bytes, current: Client | None, runs: bool) -> None:
        """Tell the readers of a key; `current` hears after its reply, if its command runs already."""
        readers = self.table.pop(key)
        ids = [readers] if isinstance(readers, int) else sorted(readers)
        self.total_items -= len(ids)
        for id in ids:
            client = self.clients.get(id)
            if client is None:
                continue
            tracked = client.tracked
            if tracked is None or tracked.broadcasts or (tracked.no_loop and client is current):
                continue
            if runs and client is current:
                self.pending.append([key])
            else:
                self._send(client, tracked, [key])

    def all_changed(self) -> None:
        """Tell all who track that nothing they have is valid (FLUSHALL, FLUSHDB)."""
        for client in list(self.clients.values()):
            tracked = client.tracked
            if tracked is None:
                continue
            if client is self.current:
                self.pending.append(None)
            else:
                self._send(client, tracked, None)
        if self.table:
            self.flushed.append(self.table)
        self.table = OrderedDict()
        self.total_items = 0

    def free_some(self, count: int) -> None:
        """Free up to `count` entries of tables that are no longer in use."""
        flushed = self.flushed
        while flushed and count > 0:
            table = flushed[-1]
            if table:
                table.popitem()
                count -= 1
            else:
                flushed.pop()

    def broadcast(self) -> None:
        """Send what has changed in this turn to those who named a prefix."""
        if not self._changed:
            return
        touched = self._changed
        self._changed = {}
        for name in sorted(touched):
            prefix = touched[name]
            changed = prefix.changed
            prefix.changed = {}
            keys = sorted(changed)
            for client in prefix.clients:
                tracked = client.tracked
                if tracked is None:
                    continue
                heard = [key for key in keys if changed[key] is not client] if tracked.no_loop else keys
                if heard:
                    self._send(client, tracked, heard)

    def is_too_large(self) -> bool:
        """Tell whether the table has more keys than it may have."""
        return 0 < self.limit < len(self.table)

    def shrink(self, client: Client) -> bool:
        """Before a command of `client`, forget some of the keys that are too many, and tell their readers.

        Those read first go first; redis-server takes any. Returns whether that was enough.
        """
        if self.count > 0:
            self._overruns += 1
            effort = _EFFORT * self._overruns
            while effort > 0 and self.is_too_large():
                effort -= 1
                self._forget(next(iter(self.table)), client, False)
            if self.is_too_large():
                return False
        self._overruns = 0
        return True

    def _send(self, client: Client, tracked: Tracked, keys: list[bytes] | None) -> None:
        """Send an invalidation: of these keys; without, of all, by a null of the client's own protocol."""
        target: Client | None = client
        if tracked.redirect:
            target = self.clients.get(tracked.redirect)
        if target is None:
            tracked.is_redirect_broken = True
            if client.protocol > 2:
                client.push([b"tracking-redir-broken", tracked.redirect])
            return
        if target.protocol > 2:
            if keys is None:
                target.push_raw(_PUSH + (b"_\r\n" if client.protocol > 2 else b"$-1\r\n"))
            else:
                target.push([b"invalidate", list(keys)])
        elif tracked.redirect and target.gates & gates.SUBSCRIBED:
            if keys is None:
                target.push_raw(_MESSAGE + (b"_\r\n" if client.protocol > 2 else b"$-1\r\n"))
            else:
                target.push([b"message", CHANNEL, list(keys)])
