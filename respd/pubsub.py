"""Publish/subscribe: who is subscribed to what, and the delivery of messages.

A message is encoded once. Its two wire forms differ in their first byte only (an array in RESP2, a push in RESP3), and
all subscribers of one version get the same bytes. Sources: redis.io, "Pub/Sub" and "Sharded Pub/Sub".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from librt.strings import BytesWriter

from respd.glob import Glob
from respd.protocol.replies import encode

if TYPE_CHECKING:
    from respd.client import Client

_RESP3_START: Final = b">"


@final
class Topics:
    """The subscribers of channels, patterns or shard channels by name. No name is kept without a subscriber.

    `has_gone`: some subscribers may be gone, and are nobody's subscribers any more; until all their entries are removed
    whatever counts costs O(subscribers).
    """

    def __init__(self) -> None:
        self.by_name: dict[bytes, dict[Client, bool]] = {}
        self.has_gone: bool = False

    def add(self, name: bytes, client: Client) -> None:
        """Note that `client` is subscribed to `name`."""
        clients = self.by_name.get(name)
        if clients is None:
            clients = {}
            self.by_name[name] = clients
        clients[client] = True

    def remove(self, name: bytes, client: Client) -> None:
        """Note that `client`, which was subscribed, is no longer."""
        clients = self.by_name[name]
        del clients[client]
        if not clients:
            del self.by_name[name]

    def matching(self, pattern: bytes | None) -> list[bytes]:
        """Return the names that match a glob pattern, all without one."""
        if pattern is None and not self.has_gone:
            return list(self.by_name)
        glob = Glob(b"*" if pattern is None else pattern)
        found: list[bytes] = []
        for name in self.by_name:
            if glob.matches(name) and (not self.has_gone or self.count(name)):
                found.append(name)
        return found

    def subscribers(self, name: bytes) -> dict[Client, bool]:
        """Return the subscribers of `name`: to be read only."""
        clients = self.by_name.get(name)
        if clients is None:
            return {}
        if self.has_gone:
            return {client: True for client in clients if not client.is_gone}
        return clients

    def count(self, name: bytes) -> int:
        """Return the number of subscribers of `name`."""
        return len(self.subscribers(name))

    def size(self) -> int:
        """Return the number of names."""
        return len(self.matching(None)) if self.has_gone else len(self.by_name)


class PubSub:
    """All subscriptions of one server. Each is also noted with its client, in the dictionary of the same kind there."""

    def __init__(self) -> None:
        self.channels = Topics()
        self.patterns = Topics()
        self.shard_channels = Topics()
        self._globs: dict[bytes, Glob] = {}  # the patterns that have subscribers, ready to match

    def subscribe(self, client: Client, channel: bytes) -> bool:
        """Subscribe to a channel; return whether that is new. O(1)."""
        return _subscribe(self.channels, client.channels, client, channel)

    def unsubscribe(self, client: Client, channel: bytes) -> bool:
        """End a subscription; return whether there was one. O(1)."""
        return _unsubscribe(self.channels, client.channels, client, channel)

    def psubscribe(self, client: Client, pattern: bytes) -> bool:
        """Subscribe to the channels that match a glob pattern; return whether that is new. O(1)."""
        if pattern not in self._globs:
            self._globs[pattern] = Glob(pattern)
        return _subscribe(self.patterns, client.patterns, client, pattern)

    def punsubscribe(self, client: Client, pattern: bytes) -> bool:
        """End a subscription to a pattern; return whether there was one. O(1)."""
        if not _unsubscribe(self.patterns, client.patterns, client, pattern):
            return False
        if pattern not in self.patterns.by_name:
            del self._globs[pattern]
        return True

    def ssubscribe(self, client: Client, channel: bytes) -> bool:
        """Subscribe to a shard channel; return whether that is new. O(1)."""
        return _subscribe(self.shard_channels, client.shard_channels, client, channel)

    def sunsubscribe(self, client: Client, channel: bytes) -> bool:
        """End a subscription to a shard channel; return whether there was one. O(1)."""
        return _unsubscribe(self.shard_channels, client.shard_channels, client, channel)

    def disconnect(self, client: Client) -> None:
        """End all subscriptions of a client without telling it (the connection ends, or RESET)."""
        if not (client.channels or client.patterns or client.shard_channels):
            return
        for channel in client.channels:
            self.channels.remove(channel, client)
        for pattern in client.patterns:
            self.patterns.remove(pattern, client)
            if pattern not in self.patterns.by_name:
                del self._globs[pattern]
        for channel in client.shard_channels:
            self.shard_channels.remove(channel, client)
        client.channels = {}
        client.patterns = {}
        client.shard_channels = {}
        client.update_subscribed_gate()

    def mark_gone(self, some: bool) -> None:
        """Note whether clients that are gone are among the subscribers."""
        self.channels.has_gone = some
        self.patterns.has_gone = some
        self.shard_channels.has_gone = some

    def disconnect_some(self, client: Client, count: int) -> bool:
        """Remove up to `count` subscriptions of a client that is gone; tell whether more are left."""
        while count > 0 and client.channels:
            self.channels.remove(client.channels.popitem()[0], client)
            count -= 1
        while count > 0 and client.patterns:
            pattern, _ = client.patterns.popitem()
            self.patterns.remove(pattern, client)
            if pattern not in self.patterns.by_name:
                del self._globs[pattern]
            count -= 1
        while count > 0 and client.shard_channels:
            self.shard_channels.remove(client.shard_channels.popitem()[0], client)
            count -= 1
        return bool(client.channels or client.patterns or client.shard_channels)

    def publish(self, channel: bytes, message: bytes) -> int:
        """Send a message to the channel's subscribers and to matching patterns; return how often it was sent.

        O(subscribers + patterns).
        """
        receivers = 0
        if channel in self.channels.by_name:
            receivers = _deliver(self.channels.subscribers(channel), [b"message", channel, message])
        if self._globs:
            for pattern, glob in self._globs.items():
                if glob.matches(channel):
                    subscribers = self.patterns.subscribers(pattern)
                    receivers += _deliver(subscribers, [b"pmessage", pattern, channel, message])
        return receivers

    def publish_to_shard(self, channel: bytes, message: bytes) -> int:
        """Send a message to a shard channel's subscribers; return how many there are. O(subscribers)."""
        clients = self.shard_channels.subscribers(channel)
        return _deliver(clients, [b"smessage", channel, message]) if clients else 0


def _subscribe(topics: Topics, names: dict[bytes, bool], client: Client, name: bytes) -> bool:
    if name in names:
        return False
    names[name] = True
    topics.add(name, client)
    client.update_subscribed_gate()
    return True


def _unsubscribe(topics: Topics, names: dict[bytes, bool], client: Client, name: bytes) -> bool:
    if name not in names:
        return False
    del names[name]
    topics.remove(name, client)
    client.update_subscribed_gate()
    return True


def _deliver(clients: dict[Client, bool], items: list[object]) -> int:
    """Write a message to all clients; return how many they are."""
    out = BytesWriter()
    encode(out, items, 2)
    in_resp2 = out.getvalue()
    in_resp3 = b""
    for client in clients:
        if client.protocol == 2:
            client.push_raw(in_resp2)
        else:
            if not in_resp3:
                in_resp3 = _RESP3_START + in_resp2[1:]
            client.push_raw(in_resp3)
    return len(clients)
