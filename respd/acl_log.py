"""The log of denied calls and failed logins. Source: redis.io, ACL LOG."""

from __future__ import annotations

from typing import Final

_ALIKE_MS: Final = 60_000  # denials of one kind within a minute make one entry


class DenialEntry:
    """Denials of one kind: `reason`, `context` and `object` as ACL LOG shows them; times in ms since the epoch."""

    def __init__(
        self, id: int, reason: bytes, context: bytes, object: bytes, username: bytes, client: bytes, now_ms: int
    ) -> None:
        self.id: int = id
        self.count: int = 1
        self.reason: bytes = reason
        self.context: bytes = context
        self.object: bytes = object
        self.username: bytes = username
        self.client: bytes = client
        self.created_ms: int = now_ms
        self.updated_ms: int = now_ms


class AclLog:
    """The last denials, newest first."""

    def __init__(self) -> None:
        self.entries: list[DenialEntry] = []
        self.next_id: int = 0
        self.max_len: int = 128

    def limit(self, max_len: int) -> None:
        """Keep at most `max_len` entries, from the next one on."""
        self.max_len = max_len

    def add(
        self,
        reason: bytes,
        context: bytes,
        object: bytes,
        username: bytes,
        client: bytes,
        now_ms: int,
    ) -> None:
        """Note a denial, in the entry of one like it if that is not too old."""
        if self.max_len == 0:
            self.entries = []
            return
        for entry in self.entries:
            if (
                entry.reason == reason
                and entry.context == context
                and entry.object == object
                and entry.username == username
                and abs(now_ms - entry.updated_ms) <= _ALIKE_MS
            ):
                entry.count += 1
                entry.updated_ms = now_ms
                entry.client = client
                self.entries.remove(entry)
                self.entries.insert(0, entry)
                return
        self.entries.insert(0, DenialEntry(self.next_id, reason, context, object, username, client, now_ms))
        self.next_id += 1
        del self.entries[self.max_len :]

    def reset(self) -> None:
        """Forget all entries; their numbers go on."""
        self.entries = []
