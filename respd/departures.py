"""What sessions leave behind, taken down in slices so that nobody waits for it.

A client may be subscribed to a million channels, watch a million keys, or have queued a million commands; when it goes,
each of them is an entry in some dictionary or an object to be freed. So it is marked as gone, which those who read the
dictionaries respect, and its entries are removed a millisecond a turn. Lists of whatever has no further use, queued
commands or unsent replies, are emptied in the same way, as are tables of CLIENT TRACKING that FLUSHALL has made void.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.client import Client

if TYPE_CHECKING:
    from respd.pubsub import PubSub
    from respd.tracking import Tracking
    from respd.transactions import Transactions

_MUCH: Final = 500  # entries from which a slice is worth it
_FEW: Final = 64


class Departures:
    """The sessions that are gone, and the lists, of one server."""

    def __init__(self, pubsub: PubSub, tracking: Tracking, transactions: Transactions) -> None:
        self._pubsub = pubsub
        self._tracking = tracking
        self._transactions = transactions
        self._clients: list[Client] = []
        self._lists: list[list[bytes] | list[list[bytes]]] = []

    def take(self, client: Client) -> None:
        """End the subscriptions and watches of a session that is over."""
        if len(client.watched) + client.subscriptions() + len(client.shard_channels) < _MUCH:
            self._transactions.unwatch(client)
            self._pubsub.disconnect(client)
            return
        client.is_gone = True
        self._clients.append(client)
        self._pubsub.mark_gone(True)

    def discard(self, items: list[bytes] | list[list[bytes]]) -> None:
        """Free a list of bytes, or of commands, which nobody else may use any more."""
        if len(items) > _FEW or (items and isinstance(items[0], bytes)):
            self._lists.append(items)

    def are_over(self) -> bool:
        """Tell whether nothing is left to be done."""
        return not self._clients and not self._lists and not self._tracking.flushed

    def work(self, count: int) -> bool:
        """Remove up to `count` entries; tell whether more are left."""
        lists = self._lists
        if lists:
            items = lists[-1]
            del items[-count:]
            if not items:
                lists.pop()
        if self._tracking.flushed:
            self._tracking.free_some(count)
        clients = self._clients
        if clients:
            client = clients[-1]
            left = self._transactions.unwatch_some(client, count)
            if not left and not self._pubsub.disconnect_some(client, count):
                clients.pop()
                self._pubsub.mark_gone(len(clients) > 0)
        return not self.are_over()
