"""What a stream remembers of its producers' messages, so that one that is sent twice is added once.

A producer names itself (pid) and each message (iid). Of each producer the latest messages are kept, with the ids of
their entries, whose milliseconds tell when they came: up to `max_size` of them, each for `duration_s` seconds.
Source: redis.io/docs/latest/develop/data-types/streams/idempotency.
"""

from __future__ import annotations

import hashlib
from typing import Final, final

_DURATION_S: Final = 100
_MAX_SIZE: Final = 100
_FEW: Final = 16
_DIGEST_BYTES: Final = 16


@final
class Producers:
    """The producers of one stream by pid, the ids of their messages by iid, oldest first."""

    def __init__(self) -> None:
        self.duration_s: int = _DURATION_S
        self.max_size: int = _MAX_SIZE
        self.added: int = 0
        self.duplicates: int = 0
        self.messages: dict[bytes, dict[bytes, int]] = {}
        self._sweep_at: int = _FEW  # producers from which those that are silent are looked for

    def find(self, pid: bytes, iid: bytes, now_ms: int) -> int:
        """Return the id of a message that was added before, -1 if none is remembered."""
        own = self.messages.get(pid)
        if own is None:
            return -1
        self._forget_old(own, now_ms)
        return own.get(iid, -1)

    def add(self, pid: bytes, iid: bytes, id: int, now_ms: int) -> None:
        """Remember a message."""
        own = self.messages.get(pid)
        if own is None:
            if len(self.messages) >= self._sweep_at:
                self.sweep(now_ms)
                self._sweep_at = 2 * len(self.messages) + _FEW
            own = {}
            self.messages[pid] = own
        own[iid] = id
        self.added += 1
        while len(own) > self.max_size:
            del own[next(iter(own))]

    def configure(self, duration_s: int, max_size: int) -> bool:
        """Set how long and how many to keep; what is there is forgotten. False, and it is not, if nothing changes."""
        if duration_s == self.duration_s and max_size == self.max_size:
            return False
        self.duration_s = duration_s
        self.max_size = max_size
        self.messages = {}
        return True

    def sweep(self, now_ms: int) -> None:
        """Forget all that is too old."""
        for pid, own in list(self.messages.items()):
            self._forget_old(own, now_ms)
            if not own:
                del self.messages[pid]

    def _forget_old(self, own: dict[bytes, int], now_ms: int) -> None:
        latest = (now_ms - self.duration_s * 1000) << 64
        while own:
            iid = next(iter(own))
            if own[iid] >= latest:
                return
            del own[iid]

    def copy(self) -> Producers:
        """Return a copy that shares nothing."""
        made = Producers()
        made.duration_s = self.duration_s
        made.max_size = self.max_size
        made.added = self.added
        made.duplicates = self.duplicates
        for pid, own in self.messages.items():
            made.messages[pid] = dict(own)
        return made


def content_iid(fields: list[bytes]) -> bytes:
    """Return the iid of a message that has none of its own: a digest of its fields and values."""
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for word in fields:
        digest.update(b"%d:" % len(word))
        digest.update(word)
    return digest.digest()
