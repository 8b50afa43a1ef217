"""What a blocking command returns when it found nothing, and who waits for which key.

Blocking is "not yet": the handler returns a `Block`, the engine parks the client, and runs the same handler again when
one of the keys is ready. Order: the client that waits longest for a key is served first. Keys are served in the order
in which they became ready, after the unit of commands that made them so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from mypy_extensions import i64

if TYPE_CHECKING:
    from respd.command import Command
    from respd.context import Context
    from respd.database import Database

BLOCK_LIST: Final = 1
BLOCK_ZSET: Final = 2
BLOCK_STREAM: Final = 3
BLOCK_SYNC: Final = 4  # for no key: that what was written is safe


@final
class Block:
    """A handler's "not yet": wait for one of `keys` to hold a value of `kind` (BLOCK_*).

    `deadline_ms` is the moment to give up and reply `timeout_reply`, 0 for never. A block that `awaits_loss` is run
    again, too, when a key goes or gets another type; one with `again_ms` at that moment, whatever has happened. What is
    run again are the command's words as sent, or `args`. One that `awaits_sync` is when the log was synced.
    """

    def __init__(self, keys: list[bytes], deadline_ms: i64, timeout_reply: object, kind: i64) -> None:
        self.keys: list[bytes] = keys
        self.deadline_ms: i64 = deadline_ms
        self.timeout_reply: object = timeout_reply
        self.kind: i64 = kind
        self.awaits_loss: bool = False
        self.awaits_sync: bool = False
        self.again_ms: i64 = 0
        self.args: list[bytes] | None = None


@final
class Parked:
    """A client that waits: its command, the keys, and its place in line (`ticket`)."""

    def __init__(self, ctx: Context, command: Command, args: list[bytes], block: Block, db: Database) -> None:
        self.ctx: Context = ctx
        self.command: Command = command
        self.args: list[bytes] = args
        self.block: Block = block
        self.db: Database = db
        self.active: bool = True


class Waiting:
    """The clients that wait for the keys of one database: for each key, in order of arrival."""

    def __init__(self) -> None:
        self.by_key: dict[bytes, dict[Parked, bool]] = {}
        self.ready: list[bytes] = []
        self._is_ready: dict[bytes, bool] = {}

    def add(self, parked: Parked) -> None:
        """Put a client in line for each of its keys."""
        for key in parked.block.keys:
            line = self.by_key.get(key)
            if line is None:
                line = {}
                self.by_key[key] = line
            line[parked] = True

    def remove(self, parked: Parked) -> None:
        """Take a client out of all its lines."""
        parked.active = False
        for key in parked.block.keys:
            line = self.by_key.get(key)
            if line is not None:
                line.pop(parked, False)
                if not line:
                    del self.by_key[key]

    def signal(self, key: bytes) -> None:
        """Note that `key` has changed; it is served after the running unit."""
        if key in self.by_key and key not in self._is_ready:
            self._is_ready[key] = True
            self.ready.append(key)

    def take_ready(self) -> list[bytes]:
        """Return the keys that were signalled, in order, and start anew."""
        ready = self.ready
        self.ready = []
        self._is_ready = {}
        return ready

    def parked_for(self, key: bytes) -> list[Parked]:
        """Return who waits for `key`, first come first."""
        line = self.by_key.get(key)
        return list(line) if line is not None else []

    def keys_not_to_lose(self) -> int:
        """Return for how many keys somebody waits who is told, too, when the key goes."""
        count = 0
        for line in self.by_key.values():
            for parked in line:
                if parked.block.awaits_loss:
                    count += 1
                    break
        return count
