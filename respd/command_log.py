"""COMMANDLOG: commands that were slow, and those whose request or reply was large. Source: valkey.io, COMMANDLOG.

Slow ones are the slow log's. A large reply is seen when it has been written. A large request is not missed either, and
costs nothing where there is none: when a read from a socket completes no command, the one under way may be large, and
the client's gate SIZED has the engine measure it. A limit that one or two reads could reach sets that gate for all.
What scripts call has neither request nor reply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from respd import gates
from respd.command import SKIP_SLOWLOG, Command
from respd.protocol.replies import encode
from respd.slowlog import EntryLog

if TYPE_CHECKING:
    from respd.client import Client
    from respd.engine import Engine

_NEVER: Final = 1 << 62
_SEEN_BY_READS: Final = 1 << 20
"""Requests of so many bytes take more than two reads, whatever the size of a read."""


class CommandLog:
    """The logs of large requests and replies. `reply_limit` is what a reply that counts has at least, in bytes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.requests = EntryLog(128)
        self.replies = EntryLog(128)
        self.request_limit: i64 = _NEVER
        self.reply_limit: i64 = _NEVER
        engine.config.on_change(
            [
                "commandlog-request-larger-than",
                "commandlog-reply-larger-than",
                "commandlog-large-request-max-len",
                "commandlog-large-reply-max-len",
            ],
            self.configure,
        )

    def configure(self) -> None:
        """Take over the limits; a negative one switches its log off, and so does no room."""
        engine = self._engine
        config = engine.config
        self.requests.max_len = config.commandlog_large_request_max_len
        self.replies.max_len = config.commandlog_large_reply_max_len
        self.request_limit = _limit(config.commandlog_request_larger_than, self.requests.max_len)
        self.reply_limit = _limit(config.commandlog_reply_larger_than, self.replies.max_len)
        engine.large_reply = self.reply_limit
        if self.request_limit < _SEEN_BY_READS:
            engine.gates |= gates.SIZED
        else:
            engine.gates &= ~gates.SIZED

    def note_request(self, client: Client, command: Command | None, words: list[bytes]) -> None:
        """Note the request that a command came in, if it was large."""
        client.gates &= ~gates.SIZED
        size = request_size(words)
        if size >= self.request_limit and command is not None:
            self._note(self.requests, client, command, words, size)

    def note_transaction(self, client: Client, queue: list[list[bytes]]) -> None:
        """Note the large requests among those that a transaction has run."""
        for words in queue:
            self.note_request(client, self._engine.commands.lookup(words), words)

    def note_reply(self, client: Client, command: Command, words: list[bytes], value: object, size: int) -> None:
        """Note a reply of `size` bytes; that of EXEC is those of its commands."""
        transactions = self._engine.transactions
        if command.name != b"exec":
            self._note(self.replies, client, command, words, size)
        elif isinstance(value, list):
            for queued, reply in zip(transactions.ran, value, strict=False):
                out = BytesWriter()
                encode(out, reply, client.resp)
                found = self._engine.commands.lookup(queued)
                if len(out) >= self.reply_limit and found is not None:
                    self._note(self.replies, client, found, queued, len(out))

    def _note(self, log: EntryLog, client: Client, command: Command, words: list[bytes], size: int) -> None:
        if not command.flags & SKIP_SLOWLOG:
            engine = self._engine
            shown = engine.slowlog.without_secrets(words)
            log.append(shown, size, int(engine.clock.ms // 1000), client.address, client.name)


def request_size(words: list[bytes]) -> int:
    """Return how many bytes a command takes on the wire, as an array of bulk strings."""
    size = len(b"*%d\r\n" % len(words))
    for word in words:
        size += len(word) + len(b"$%d\r\n\r\n" % len(word))
    return size


def _limit(larger_than: int, max_len: int) -> int:
    return min(larger_than, _NEVER) if larger_than >= 0 and max_len > 0 else _NEVER
