"""Client-side caching: who has read which key, and who must hear that it changed.

In the default mode the table remembers, for each key that a client with CLIENT TRACKING read, its id; the first
change of the key tells those clients and forgets the key. In broadcasting mode nothing is remembered: a client names
prefixes and hears, once per turn of the loop, of every changed key that begins with one. A client of RESP3 hears by a
push of its own; one of RESP2 has its messages sent to a subscribed connection that it names. Ids that are left behind
in the table by clients that have gone or changed mode do no harm. Source: redis.io, "Client-side caching in Redis".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from respd import gates
from respd.command import NOT_KEY, READONLY, Command

if TYPE_CHECKING:
    from respd.client import Client

CHANNEL: Final = b"__redis__:invalidate"
_SCRIPTS: Final = frozenset([b"eval_ro", b"evalsha_ro", b"fcall_ro"])  # what they read, their commands read


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


class Tracking:
    """The tracking of one server.

    `shared.update_hooks` is to be called after `enable` and `disable`, which the commands and the engine do.
    """

    def __init__(self) -> None:
        self.clients: dict[int, Client] = {}  # the engine's
        self.count = 0  # of clients that track
        self.table: dict[bytes, dict[int, bool]] = {}
        self.total_items = 0
        self.by_prefix: dict[bytes, list[Client]] = {}
        self.changed: dict[bytes, Client | None] = {}  # for broadcasting, with the client that changed the key last
        self.current: Client | None = None  # the tracking client whose command runs
        self.pending: list[list[bytes] | None] = []  # what it is to hear after its reply

    def enable(self, client: Client, wish: Tracked) -> None:
        """Have `client` track as `wish` says; prefixes add to those it has."""
        old = client.tracked
        prefixes: list[bytes] = []
        if old is None:
            self.count += 1
        else:
            prefixes = old.prefixes
        if wish.broadcasts:
            for prefix in wish.prefixes or [b""]:
                if prefix not in prefixes:
                    prefixes.append(prefix)
                    self.by_prefix.setdefault(prefix, []).append(client)
        wish.prefixes = prefixes
        client.tracked = wish
        client.gates |= gates.TRACKING

    def disable(self, client: Client) -> None:
        """Have `client` track nothing any more."""
        tracked = client.tracked
        if tracked is None:
            return
        self.count -= 1
        for prefix in tracked.prefixes:
            clients = self.by_prefix[prefix]
            clients.remove(client)
            if not clients:
                del self.by_prefix[prefix]
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
                readers = self.table.setdefault(words[position], {})
                if client.id not in readers:
                    readers[client.id] = True
                    self.total_items += 1

    def end_command(self, client: Client, command: Command, words: list[bytes]) -> None:
        """Note what a tracking client's command has read, and tell the client what it has itself made invalid.

        CLIENT CACHING's wish is forgotten once the command, or the transaction, that it was for has run.
        """
        self.current = None
        self.remember(client, command, words)
        tracked = client.tracked
        pending = self.pending
        if pending:
            self.pending = []
            for keys in pending:
                if tracked is not None:
                    self._send(client, tracked, keys)
        if tracked is not None and not client.gates & gates.MULTI and not command.name.startswith(b"client|"):
            tracked.caching = False

    def key_changed(self, key: bytes) -> None:
        """Tell those who have read the key, and at the end of the turn those who named its beginning."""
        if self.by_prefix:
            self.changed[key] = self.current
        readers = self.table.pop(key, None)
        if readers is None:
            return
        self.total_items -= len(readers)
        for id in readers:
            client = self.clients.get(id)
            if client is None:
                continue
            tracked = client.tracked
            if tracked is None or tracked.broadcasts or (tracked.no_loop and client is self.current):
                continue
            self._tell(client, tracked, [key])

    def all_changed(self) -> None:
        """Tell all who track that nothing they have is valid (FLUSHALL, FLUSHDB)."""
        for client in list(self.clients.values()):
            tracked = client.tracked
            if tracked is not None:
                self._tell(client, tracked, None)
        self.table = {}
        self.total_items = 0

    def broadcast(self) -> None:
        """Send what has changed in this turn to those who named a prefix."""
        changed = self.changed
        self.changed = {}
        for prefix, clients in sorted(self.by_prefix.items()):
            keys: list[bytes] = []
            for key in sorted(changed):
                if key.startswith(prefix):
                    keys.append(key)
            for client in clients if keys else ():
                tracked = client.tracked
                if tracked is None:
                    continue
                heard = [key for key in keys if changed[key] is not client] if tracked.no_loop else keys
                if heard:
                    self._send(client, tracked, heard)

    def shrink(self, limit: int) -> None:
        """Forget keys, telling their readers, until there are `limit` (tracking-table-max-keys; 0: no limit)."""
        while limit and len(self.table) > limit:
            self.key_changed(next(iter(self.table)))

    def _tell(self, client: Client, tracked: Tracked, keys: list[bytes] | None) -> None:
        if client is self.current:
            self.pending.append(keys)
        else:
            self._send(client, tracked, keys)

    def _send(self, client: Client, tracked: Tracked, keys: list[bytes] | None) -> None:
        """Send an invalidation: of these keys, of all without."""
        target: Client | None = client
        if tracked.redirect:
            target = self.clients.get(tracked.redirect)
        payload: object = None if keys is None else list(keys)
        if target is None:
            tracked.is_redirect_broken = True
            if client.resp > 2:
                client.push([b"tracking-redir-broken", tracked.redirect])
        elif target.resp > 2:
            target.push([b"invalidate", payload])
        elif tracked.redirect and target.gates & gates.SUBSCRIBED:
            target.push([b"message", CHANNEL, payload])
